package import ConnlogConfig
public import ConnlogCore
import ConnlogDelivery
public import ConnlogQueue
import ConnlogSystem

/// A sink as it is wanted, under its name: not yet made.
///
/// The name is what the queue knows it by: under another name it begins with the oldest event that the queue has.
public struct PlannedSink: Sendable {
    /// What the queue and the delivery do for a sink.
    public struct Options: Sendable {
        /// Which events it gets; `nil` for all.
        public var filter: (any EventFilter)?
        /// Who asked and exported what, too: see `AuditEvent`.
        package var includesAudit = false
        /// How many bytes of the queue it may lag behind the newest event.
        public var queueBytesMax = 4 << 30
        /// What happens when it lags that far.
        public var onFull = OnFull.block
        /// Bytes of events that its receiver refused for good; when that is reached, it keeps its events and sends no more.
        public var deadLetterBytesMax = 256 << 20

        /// No filter, 4 GiB of the queue, and sources wait when it is full.
        public init() {}
    }

    /// Its name in the queue: under another, it gets everything anew.
    public let name: String
    /// Its kind, for whoever looks on, such as `splunk_hec`.
    public let type: String
    /// What the pipeline does for it.
    public let options: Options
    /// The file that it writes.
    package let file: SinkFile?
    package let maker: SinkMaker
    private let origin: Origin

    /// Keys that only the queue looks at: they are changed while the sink goes on.
    private static let keysOfQueue: Set<String> = ["queue_size", "on_full"]

    /// - Parameters:
    ///   - maker: makes the sink when it is started. A copy of this value goes on for it after `Pipeline.apply`; one made
    ///     anew takes its place.
    ///   - name: not empty; letters, digits, `-`, `_` and `.`, since dead letters lie in a directory of that name.
    ///   - type: what the status shows it as.
    ///   - options: what the pipeline does for it.
    public init(_ maker: SinkMaker, named name: String, type: String = "sink", _ options: Options = Options()) {
        self.init(maker, named: name, type: type, options, nil, .newValue())
    }

    /// Of a section of a configuration: what is made from one that says the same goes on for it.
    /// - Parameters:
    ///   - name: another one than the section's.
    ///   - includesAudit: it gets audit events too.
    ///   - hostname: what it puts into what it sends.
    package init(
        _ maker: SinkMaker, _ section: Section, named name: String? = nil, filter: (any EventFilter)?,
        includesAudit: Bool = false, file: SinkFile? = nil, hostname: String = ""
    ) {
        var options = Options()
        options.filter = filter
        options.includesAudit = includesAudit
        options.queueBytesMax = section.size("queue_size")
        options.onFull = section.string("on_full") == "block" ? .block : .dropOldest
        options.deadLetterBytesMax = section.size("dead_letter_size")
        self.init(
            maker, named: name ?? section.name ?? "", type: section.type ?? "", options, file,
            .section(section, hostname: hostname))
    }

    private init(
        _ maker: SinkMaker, named name: String, type: String, _ options: Options, _ file: SinkFile?, _ origin: Origin
    ) {
        self.maker = maker
        self.name = name
        self.type = type
        self.options = options
        self.file = file
        self.origin = origin
    }

    /// The file that nobody else may write meanwhile.
    var ownFile: String? { file.flatMap { $0.isDevice ? nil : $0.path } }
}

extension PlannedSink: PlannedPart {
    /// Whether one can go on for the other, with the limits of this one.
    func isSame(as other: PlannedSink) -> Bool { origin.isSame(as: other.origin, but: PlannedSink.keysOfQueue) }
}

/// A sink at work.
struct RunningSink: RunningPart {
    let made: PlannedSink
    let delivery: Delivery
    /// Kept, since a task does not keep its executor.
    let thread: ThreadExecutor
    let task: Task<Void, Never>
}

extension PlannedSink {
    /// Makes itself, and its limits, known to the queue. All sinks do so before the first one starts, since one that
    /// starts may let go of events that a new one would have begun with.
    func register(_ queue: Queue, _ log: LogFunction) -> SinkPosition? {
        // When it cannot be written, the queue knows the sink all the same, and writes it with the next commit.
        for _ in 0..<2 {
            do throws(QueueError) {
                return try queue.registerSink(name, quota: options.queueBytesMax, onFull: options.onFull)
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

    /// Makes the sink, and starts its delivery on a thread of its own.
    /// - Parameters:
    ///   - directory: for dead letters.
    ///   - past: what it did before in this process.
    ///   - count: how many sinks there are.
    func start(
        _ queue: Queue, from position: SinkPosition, deadLettersIn directory: String, past: DeliveryStatus,
        of count: Int, _ log: @escaping LogFunction
    ) -> RunningSink {
        let sink = maker.make()
        var options = Delivery.Options(filter: self.options.filter, deadLetterDirectory: "\(directory)/\(name)")
        options.includesAudit = self.options.includesAudit
        options.deadLetterBytesMax = self.options.deadLetterBytesMax
        if count > PlannedSink.sinksWithWholeBatches, sink.limits.bytes <= PlannedSink.usualBatchBytes {
            options.batchBytesMax = PlannedSink.smallBatchBytes
        }
        options.retry = maker.retry
        let delivery = Delivery(
            name: name, sink: sink, queue: queue, position: position, options: options, past: past, log: log)
        let thread = ThreadExecutor("sink \(name)")
        return RunningSink(
            made: self, delivery: delivery, thread: thread,
            task: Task(executorPreference: thread) { await delivery.run() })
    }
}
