import ConnlogCore
import Synchronization

/// Says for whom a pipeline waits that has read everything: without it, a sink whose receiver is away would keep
/// `run --once` from ending without a word.
struct WaitNotice: Sendable {
    /// How long the first one waits: nobody needs to be told of what is over in a moment.
    var first = Duration.seconds(5)
    /// How long each further one waits.
    var further = Duration.seconds(60)

    /// Returns when cancelled, or when somebody has asked the pipeline to stop: then that is told.
    func run(_ monitor: Monitor, _ shutdown: Shutdown, log: LogFunction) async {
        var wait = first
        while !Task.isCancelled, await !shutdown.asked.wait(atMost: wait), !Task.isCancelled {
            wait = further
            if let words = WaitNotice.words(monitor.queued) { log(.info, words) }
        }
    }

    /// `nil`: nothing is waited for.
    static func words(_ queued: [(sink: String, events: UInt64)]) -> String? {
        if queued.isEmpty { return nil }
        let sinks = queued.map { "\($0.sink) (\(Quantity.count(Int($0.events), "event")))" }
        return "everything is read; this goes on until it is delivered, which is not yet so of "
            + (sinks.count == 1 ? "sink " : "sinks ") + sinks.joined(separator: ", ")
            + ". SIGINT or SIGTERM end it; what is not delivered then stays queued"
    }
}
