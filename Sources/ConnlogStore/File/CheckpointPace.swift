#if Server
/// When what is in the log is moved into the file, so that the log stays small.
///
///     log larger than   what is done after a commit
///     64 MiB            what no question needs any more is moved, waiting for nobody
///     256 MiB           the log is begun anew; that waits a second for questions that still read from it
///     512 MiB           the same, and waits as long as a question may take
///
/// While a question reads from the log it cannot begin anew, and while questions overlap there is always one. The last two
/// let no new one begin to read from the log, so they are done when those under way have ended, in other processes too;
/// new ones meanwhile read from the file itself. Batches wait, so the log does not grow.
struct CheckpointPace: Sendable, Equatable {
    /// The file of the log keeps this size when it begins anew: blocks that were written before are written faster.
    var keptBytes = 64 << 20
    var restartBytes = 256 << 20
    var urgentBytes = 512 << 20
    var restartWait = Duration.seconds(1)
    var urgentWait = ConnectionStore.questionLimit + .seconds(5)

    enum Step: Sendable, Equatable {
        case none
        case passive
        case restart(wait: Duration)
    }

    func step(logBytes: Int) -> Step {
        if logBytes > urgentBytes { return .restart(wait: urgentWait) }
        if logBytes > restartBytes { return .restart(wait: restartWait) }
        return logBytes > keptBytes ? .passive : .none
    }
}
#endif
