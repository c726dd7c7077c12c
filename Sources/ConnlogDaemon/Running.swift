import ConnlogConfig
import ConnlogCore
import ConnlogDelivery
import ConnlogQueue
import ConnlogSinks
import ConnlogSources
import ConnlogSystem

/// A source that has been made.
struct RunningSource: Sendable {
    let name: String
    let source: any Source
    let status: SourceStatus
}

/// A sink that has been made, not yet running.
struct ConfiguredSink: Sendable {
    let name: String
    let sink: any Sink
    let section: Section
    let filter: (any EventFilter)?

    /// Makes itself known to the queue. All sinks do so before the first one starts, since one that starts may let go of
    /// events that a new one would have begun with.
    func register(_ queue: Queue) throws(QueueError) -> SinkPosition {
        try queue.registerSink(
            name, quota: section.size("queue_size"), onFull: section.string("on_full") == "block" ? .block : .dropOldest
        )
    }

    /// Starts its delivery on a thread of its own.
    func start(
        _ queue: Queue, from position: SinkPosition, _ settings: Settings, _ log: @escaping LogFunction
    ) -> RunningSink {
        var options = Delivery.Options(
            filter: filter, deadLetterDirectory: "\(settings.dataDirectory)/queue/dead-letter/\(name)")
        options.deadLetterBytesMax = section.size("dead_letter_size")
        if section.has("retry_initial"), section.has("retry_max") {
            options.retry = Backoff(
                first: section.duration("retry_initial"), longest: section.duration("retry_max"))
        }
        let delivery = Delivery(
            name: name, sink: sink, queue: queue, position: position, options: options, log: log)
        let thread = ThreadExecutor("sink \(name)")
        return RunningSink(
            name: name, delivery: delivery, thread: thread,
            task: Task(executorPreference: thread) { await delivery.run() })
    }
}

/// A sink at work.
struct RunningSink: Sendable {
    let name: String
    let delivery: Delivery
    /// Kept, since a task does not keep its executor.
    let thread: ThreadExecutor
    let task: Task<Void, Never>
}
