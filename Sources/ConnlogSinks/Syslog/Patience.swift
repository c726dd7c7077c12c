/// How long to wait for the next acknowledgement: short at first, since one usually comes within a fraction of a
/// millisecond, and no more once nothing has moved for the time allowed.
struct Patience {
    private let limit: Duration
    private var wait = Duration.microseconds(50)
    private var progress: UInt64?
    private var since = ContinuousClock.now

    init(_ limit: Duration) {
        self.limit = limit
    }

    /// `nil` when nothing has moved for too long.
    mutating func next(progress now: UInt64) -> Duration? {
        if progress != now {
            progress = now
            since = .now
        } else if since.duration(to: .now) >= limit {
            return nil
        }
        defer { wait = min(wait * 2, .milliseconds(2)) }
        return wait
    }
}
