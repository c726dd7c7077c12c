/// How long to wait for the next acknowledgement: short at first, since one usually comes within a fraction of a
/// millisecond, and no more once nothing has moved for the time allowed.
///
/// Only what was really waited counts, so that a process that did not get to run for a while, or was stopped, blames
/// nobody for it: after such a time the connection is looked at again first.
struct ProgressTimeout {
    private let limit: Duration
    private var wait = Duration.microseconds(50)
    private var progress: UInt64?
    private var waited = Duration.zero
    private var last: (begun: ContinuousClock.Instant, wait: Duration)?

    init(_ limit: Duration) {
        self.limit = limit
    }

    /// How long to wait next; `nil` when nothing has moved for too long.
    mutating func next(progress count: UInt64) -> Duration? {
        let now = ContinuousClock.now
        if let last { waited += min(last.begun.duration(to: now), last.wait) }
        if progress != count {
            progress = count
            waited = .zero
        } else if waited >= limit {
            return nil
        }
        defer { wait = min(wait * 2, .milliseconds(2)) }
        last = (now, wait)
        return wait
    }
}
