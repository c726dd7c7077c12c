import ConnlogConfig
import ConnlogCore
import ConnlogDelivery
import ConnlogQueue
import ConnlogSinks
import ConnlogSources
import ConnlogSystem

/// A source that has been made, not yet running.
struct ConfiguredSource: Sendable {
    let name: String
    let source: any Source
    let section: Section
    let status: SourceStatus

    /// What is read from it cannot be read again.
    var isStandardInput: Bool { section.type == "stdin" }

    /// It looks for more of its own accord, at least once a second; others are called with what somebody sends.
    var comesRound: Bool { section.type == "file" || section.type == "stdin" }

    /// Whether one can go on for the other.
    func isSame(as other: ConfiguredSource) -> Bool { section.changes(from: other.section).isEmpty }
}

/// A sink that has been made, not yet running.
struct ConfiguredSink: Sendable {
    let name: String
    let sink: any Sink
    let section: Section
    let filter: (any EventFilter)?
    /// The host name that it puts into what it sends.
    var hostname = ""

    /// Keys that only the queue looks at: they are changed while the sink goes on.
    static let keysOfQueue: Set<String> = ["queue_size", "on_full"]

    /// Whether one can go on for the other, with the limits of the one.
    func isSame(as other: ConfiguredSink) -> Bool {
        section.changes(from: other.section).isSubset(of: ConfiguredSink.keysOfQueue) && hostname == other.hostname
    }

    /// How long its receiver may take to answer, by what its section says.
    var patience: Duration {
        ["timeout", "connect_timeout", "ack_timeout"].filter { section.has($0) }.map { section.duration($0) }.max()
            ?? .zero
    }

    /// The file that nobody else may write meanwhile.
    var file: String? {
        guard section.type == "file", let path = section.optionalString("path") else { return nil }
        return DevicePath.isOne(path) ? nil : path
    }

    /// Makes itself, and its limits, known to the queue. All sinks do so before the first one starts, since one that
    /// starts may let go of events that a new one would have begun with.
    func register(_ queue: Queue, _ log: LogFunction) -> SinkPosition? {
        let onFull: OnFull = section.string("on_full") == "block" ? .block : .dropOldest
        // When it cannot be written, the queue knows the sink all the same, and writes it with the next commit.
        for _ in 0..<2 {
            do throws(QueueError) {
                return try queue.registerSink(name, quota: section.size("queue_size"), onFull: onFull)
            } catch {
                log(.error, "sink \(name): the queue cannot write that there is this sink: \(error)")
            }
        }
        return nil
    }

    /// With more sinks than this, batches are smaller: each sink holds some in memory. Measured: 16 file sinks peak at 56
    /// MiB instead of 72, for a twentieth more of the processor.
    private static let sinksWithWholeBatches = 8
    private static let smallBatchBytes = 256 << 10
    /// A sink that likes larger ones has its reason, as the store has.
    private static let usualBatchBytes = 1 << 20

    /// Starts its delivery on a thread of its own.
    /// - Parameters:
    ///   - past: what it did before in this process.
    ///   - count: how many sinks there are.
    func start(
        _ queue: Queue, from position: SinkPosition, _ settings: Settings, past: DeliveryStatus, of count: Int,
        _ log: @escaping LogFunction
    ) -> RunningSink {
        var options = Delivery.Options(
            filter: filter, deadLetterDirectory: "\(settings.dataDirectory)/queue/dead-letter/\(name)")
        options.deadLetterBytesMax = section.size("dead_letter_size")
        if count > ConfiguredSink.sinksWithWholeBatches, sink.limits.bytes <= ConfiguredSink.usualBatchBytes {
            options.batchBytesMax = ConfiguredSink.smallBatchBytes
        }
        if section.has("retry_initial"), section.has("retry_max") {
            options.retry = Backoff(
                first: section.duration("retry_initial"), longest: section.duration("retry_max"))
        }
        let delivery = Delivery(
            name: name, sink: sink, queue: queue, position: position, options: options, past: past, log: log)
        let thread = ThreadExecutor("sink \(name)")
        return RunningSink(
            made: self, delivery: delivery, thread: thread,
            task: Task(executorPreference: thread) { await delivery.run() })
    }
}

/// A sink at work.
struct RunningSink: Sendable {
    /// What it was made from.
    let made: ConfiguredSink
    let delivery: Delivery
    /// Kept, since a task does not keep its executor.
    let thread: ThreadExecutor
    let task: Task<Void, Never>
}

/// A source at work.
struct RunningSource: Sendable {
    /// What it was made from.
    let made: ConfiguredSource
    /// Kept, since a task does not keep its executor.
    let thread: ThreadExecutor
    let task: Task<SourceError?, Never>
    let vitals: SourceVitals
}

extension ConfiguredSource {
    /// Starts reading on a thread of its own, from where the queue says that it was.
    func start(_ queue: Queue) -> RunningSource {
        let thread = ThreadExecutor("source \(name)")
        let output = QueueOutput(queue: queue, source: name)
        let source = source
        let task = Task(executorPreference: thread) { () async -> SourceError? in
            do throws(SourceError) {
                try await source.run(into: output)
                return nil
            } catch {
                return error
            }
        }
        return RunningSource(made: self, thread: thread, task: task, vitals: output.vitals)
    }
}
