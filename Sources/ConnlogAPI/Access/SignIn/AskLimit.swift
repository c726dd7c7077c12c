#if Server

/// How often somebody else is asked for what nobody is known by: so many times in a minute, and so many at once.
struct AskLimit: Sendable {
    private let inMinuteMax: Int
    private let atOnceMax: Int
    private var minute: ContinuousClock.Instant?
    private var asked = 0
    private var underWay = 0

    init(inMinute: Int, atOnce: Int) {
        inMinuteMax = inMinute
        atOnceMax = atOnce
    }

    /// - Returns: whether it may be asked now; then `end` has to follow.
    mutating func begin(_ now: ContinuousClock.Instant) -> Bool {
        guard underWay < atOnceMax else { return false }
        if minute.map({ now - $0 >= .seconds(60) }) ?? true { (minute, asked) = (now, 0) }
        guard asked < inMinuteMax else { return false }
        asked += 1
        underWay += 1
        return true
    }

    /// - Parameter isForgotten: it does not count among those of this minute.
    mutating func end(isForgotten: Bool = false) {
        underWay -= 1
        if isForgotten { asked = max(0, asked - 1) }
    }
}
#endif
