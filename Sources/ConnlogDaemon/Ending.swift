import ConnlogCore
import ConnlogPipeline
import ConnlogSystem

/// Sees to it that the process ends in time once somebody has asked for that, whatever hangs: 5 s after the pipeline has
/// done all that it can (`Shutdown`), or a moment after that when somebody has asked twice, the process ends, as in a
/// crash, which loses nothing.
struct Ending: Sendable {
    let shutdown: Shutdown
    let manager: ServiceManager?
    let log: LogFunction
    /// What the process would end with now.
    let exitStatus: @Sendable () -> ExitStatus

    /// Returns when cancelled; else it ends the process.
    func run() async {
        await shutdown.asked.wait()
        guard !Task.isCancelled else { return }
        manager?.stopping(shutdown.timeout)
        await shutdown.exhausted.wait()
        guard !Task.isCancelled else { return }
        await shutdown.pause(.seconds(5))
        guard !Task.isCancelled else { return }
        log(
            .error,
            "something does not stop; connlog ends without it. That is no more than a crash: what is queued stays queued"
        )
        endNow()
    }

    func endNow() { Machine.exitNow(exitStatus().rawValue) }
}
