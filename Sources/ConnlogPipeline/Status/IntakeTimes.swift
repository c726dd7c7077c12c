/// When the queue's events came in, from which follows how long the oldest one waits for a sink.
///
/// It keeps marks: up to this offset everything had come by then. An age is never too high, and too low by the distance
/// of two marks at most: about a second, or where there are many a 250th of the time that they span.
struct IntakeTimes: Sendable {
    private struct Mark {
        /// All events before it had come.
        var end: UInt64
        /// By a clock that nobody sets.
        var at: Duration
    }

    /// Some 1,800 say a week by hundredths.
    static let marksMax = 4096
    private static let spacing = Duration.milliseconds(900)

    private var marks: [Mark] = []

    init() {}

    /// All before `end` have come by now. Both only rise.
    mutating func note(end: UInt64, at now: Duration) {
        if let last = marks.last, end <= last.end || now - last.at < IntakeTimes.spacing { return }
        marks.append(Mark(end: end, at: now))
        if marks.count > IntakeTimes.marksMax { thin(now) }
    }

    /// Leaves out each mark whose neighbours are closer than a hundredth of their age; what it stood for counts as come by
    /// the time of the next one.
    private mutating func thin(_ now: Duration) {
        var kept = [marks[0]]
        for index in 1..<marks.count - 1 {
            let next = marks[index + 1].at
            if next - kept[kept.count - 1].at > (now - next) / 128 { kept.append(marks[index]) }
        }
        marks = kept + [marks[marks.count - 1]]
    }

    /// Nobody waits for what is before `offset`.
    mutating func forget(before offset: UInt64) {
        marks.removeFirst(marks.prefix { $0.end <= offset }.count)
    }

    /// How long the event `offset` has been there at least; zero if it has not come.
    func age(of offset: UInt64, at now: Duration) -> Duration {
        var (low, high) = (0, marks.count)
        while low < high {
            let middle = (low + high) / 2
            if marks[middle].end <= offset { low = middle + 1 } else { high = middle }
        }
        return low < marks.count ? max(.zero, now - marks[low].at) : .zero
    }
}
