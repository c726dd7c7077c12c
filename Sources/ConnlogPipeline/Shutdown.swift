import ConnlogCore
import Synchronization

/// What was asked of a pipeline about its end, and the way there.
///
///     asked once      sources stop at once; sinks go on for the time allowed
///     then            sinks stop: sends under way are cancelled, what was delivered is committed
///     1 s later       tasks that do not listen are cancelled
///
/// Asked twice, each of these follows the one before within a moment. A call that does not return even then is kept
/// waiting for: ending the process in spite of it is for whoever owns the process.
package final class Shutdown: Sendable {
    /// Somebody asked to stop.
    package let asked = Stopper()
    /// Somebody asked twice.
    package let hurried = Stopper()
    /// The time allowed is over.
    let overdue = Stopper()
    /// Everything was done to end what does not listen.
    package let exhausted = Stopper()
    private let allowed: Mutex<Duration>

    private static let moment = Duration.milliseconds(300)

    /// - Parameter timeout: how long sinks may go on once somebody has asked to stop.
    package init(timeout: Duration) { allowed = Mutex(timeout) }

    /// May change while the pipeline is at work.
    package var timeout: Duration {
        get { allowed.withLock { $0 } }
        set { allowed.withLock { $0 = newValue } }
    }

    /// Returns when everything was done, or when cancelled.
    func run(_ sources: SourceSet, _ sinks: SinkSet, log: LogFunction) async {
        await asked.wait()
        guard !Task.isCancelled else { return }
        // Whatever hangs, this goes on: so nothing here is waited for.
        Task { await sources.stop() }
        let timeout = timeout
        if await !hurried.wait(atMost: timeout), !Task.isCancelled {
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
        exhausted.ask()
    }

    /// Waits for so long, or, when somebody has asked twice, for a moment.
    package func pause(_ usual: Duration) async {
        if await hurried.wait(atMost: usual) { try? await Task.sleep(for: Shutdown.moment) }
    }
}
