import ConnlogCore
import ConnlogSystem

/// Sees to it that the daemon ends in time once somebody has asked for that, whatever hangs.
///
///     asked once      sources stop at once; sinks go on for shutdown_timeout
///     then            sinks stop: sends under way are cancelled, what was delivered is committed
///     1 s later       tasks that do not listen are cancelled
///     5 s later       the process ends, as in a crash, which loses nothing
///
/// Asked twice, each of these follows the one before within a moment.
struct Ending: Sendable {
    /// Somebody asked to stop.
    let stopper: Stopper
    /// Somebody asked twice.
    let hurry: Stopper
    /// The time allowed is over.
    let overdue: Stopper
    let shutdownTimeout: ShutdownTimeout
    let sources: SourceSet
    let sinks: SinkSet
    let manager: ServiceManager?
    let log: LogFunction
    /// What the process would end with now.
    let exitStatus: @Sendable () -> ExitStatus

    private static let moment = Duration.milliseconds(300)

    /// Returns when cancelled; else it ends the process.
    func run() async {
        await stopper.wait()
        guard !Task.isCancelled else { return }
        // Whatever hangs, this goes on: so nothing here is waited for.
        Task { await sources.stop() }
        let timeout = shutdownTimeout.now
        manager?.stopping(timeout)
        if await !hurry.wait(atMost: timeout), !Task.isCancelled {
            log(
                .warning,
                "shutdown_timeout (\(timeout)) is over; sinks stop, and what they have not delivered stays queued")
        }
        guard !Task.isCancelled else { return }
        overdue.ask()
        Task { await sinks.stop() }
        await pause(.seconds(1))
        guard !Task.isCancelled else { return }
        Task { await sinks.cancel() }
        await pause(.seconds(5))
        guard !Task.isCancelled else { return }
        log(
            .error,
            "something does not stop; connlog ends without it. That is no more than a crash: what is queued stays queued"
        )
        endNow()
    }

    func endNow() { Machine.exitNow(exitStatus().rawValue) }

    private func pause(_ usual: Duration) async {
        if await hurry.wait(atMost: usual) { try? await Task.sleep(for: Ending.moment) }
    }
}
