/// How fast a count rises, and since when it has not. Times are by a clock that nobody sets.
struct Pace: Sendable {
    private struct Mark {
        var at: Duration
        var count: Int
    }

    /// Over how long the rate is taken.
    static let window = Duration.seconds(60)
    /// How far the marks lie apart, of which the oldest inside the window is the one reckoned from.
    private static let spacing = Duration.seconds(5)

    private var marks: [Mark] = []
    private var latest: Mark
    /// When the count last rose, or when it was first looked at.
    private(set) var roseAt: Duration

    init(_ count: Int, at now: Duration) {
        latest = Mark(at: now, count: count)
        roseAt = now
        marks = [latest]
    }

    mutating func look(_ count: Int, at now: Duration) {
        // Another part of the same name.
        if count < latest.count { self = Pace(count, at: now) }
        if count > latest.count { roseAt = now }
        latest = Mark(at: now, count: count)
        if let last = marks.last, now - last.at >= Pace.spacing { marks.append(latest) }
        while marks.count > 1, now - marks[0].at > Pace.window { marks.removeFirst() }
    }

    /// In a second, over the last minute or as long as there was.
    var perSecond: Double {
        guard let first = marks.first, latest.at > first.at else { return 0 }
        return Double(latest.count - first.count) / ((latest.at - first.at) / .seconds(1))
    }
}
