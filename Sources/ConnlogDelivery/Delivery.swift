public import ConnlogCore
public import ConnlogQueue
public import ConnlogSystem
import Synchronization

/// Carries events from the queue to one sink, whatever happens to the sink.
///
/// It reads from the sink's offset, forms batches, lets the sink send them, and acts on the outcome: commit, wait and
/// try again, take a bad event out, hold everything until somebody mends the configuration. `NextAction` decides,
/// `Breaker` paces, this performs. Deliveries know nothing of one another, and there is no last attempt.
///
/// - Memory: `limits.inFlight` batches and those whose proof is awaited in order, whatever the backlog. Where proofs are
///   awaited together, what waits is given up and read again if need be.
/// - Order: batches are begun in the order of the queue; the committed offset is the end of the contiguous part that
///   is done, so a crash repeats at most what was not committed.
///
/// Run it in a task with a `ThreadExecutor` of its own: sinks block.
public actor Delivery {
    /// What is configured for one delivery.
    public struct Options: Sendable {
        public var retry: Backoff
        /// The pace of probes while the sink holds.
        public var hold: Backoff
        /// `nil` for everything.
        public var filter: (any EventFilter)?
        /// Where refused events go: `<queue>/dead-letter/<sink>`.
        public var deadLetterDirectory: String
        /// Bytes that may lie there; with more to come the sink holds.
        public var deadLetterBytesMax: Int

        public init(
            retry: Backoff = Backoff(), hold: Backoff = Backoff(first: .seconds(5), longest: .seconds(60)),
            filter: (any EventFilter)? = nil, deadLetterDirectory: String, deadLetterBytesMax: Int = 256 << 20
        ) {
            self.retry = retry
            self.hold = hold
            self.filter = filter
            self.deadLetterDirectory = deadLetterDirectory
            self.deadLetterBytesMax = deadLetterBytesMax
        }
    }

    enum Mode: Equatable {
        case running
        /// No more events will come; over as soon as everything is delivered.
        case draining
        case stopped
    }

    /// What the loop waits for; each comes from a child task.
    enum Wake: Sendable {
        case outcome(SendOutcome, flight: UInt64)
        case events
        case modeChanged
        case pauseOver
        case mended(Bool)
        case gatheredLongEnough
        case commitDue
    }

    public nonisolated let name: String
    let sink: any Sink
    let queue: Queue
    let options: Options
    let limits: BatchLimits
    let clock: any Clock<Duration>
    let wallTime: any WallTime
    let log: LogFunction
    var deadLetters: DeadLetters
    var deadLetterNews = DeadLetterNews()

    // Reading.
    var reader: QueueReader
    var filter: (any EventFilter)?
    /// A batch that may still grow while others are under way, and the offset after it.
    var gathering: Part?
    var gatheringEnd: UInt64 = 0
    /// Batches that are done with, for their memory.
    var spareBatches: [EventBatch] = []
    /// Shrinks when a receiver calls a batch too large, and grows back slowly.
    var bytesMax: Int

    // Sending.
    /// Read and not yet retired, in the order of the queue.
    var window = Window()
    /// Flights that were accepted and whose proof is still to be asked for.
    var toProve: [UInt64] = []
    var nextFlight: UInt64 = 1
    var breaker: Breaker
    var generator = SystemRandomNumberGenerator()
    var pauseToStart: Duration?
    /// The last pause is one in which somebody has to mend something.
    var isHolding = false

    // Committing.
    /// Everything before it is done.
    var frontier: UInt64
    var committed: UInt64
    var committedState: [UInt8]
    var isCommitDue = false

    // Child tasks under way, at most one of each.
    var isWaitingForEvents = false
    var isWaitingForMode = false
    var isGatherTimerOn = false
    var isCommitTimerOn = false
    var isWaitingForMending = false

    var trouble = Trouble()
    nonisolated let signal = Signal()
    nonisolated let requested = Mutex(Mode.running)
    nonisolated let snapshot = Mutex(DeliveryStatus())

    public init(
        name: String, sink: any Sink, queue: Queue, position: SinkPosition, options: Options,
        fileSystem: any FileSystem = LocalFileSystem(), clock: any Clock<Duration> = ContinuousClock(),
        wallTime: any WallTime = SystemWallTime(), log: @escaping LogFunction
    ) {
        self.name = name
        self.sink = sink
        self.queue = queue
        self.options = options
        self.clock = clock
        self.wallTime = wallTime
        self.log = log
        limits = sink.limits
        bytesMax = sink.limits.bytes
        filter = options.filter
        breaker = Breaker(retry: options.retry, hold: options.hold)
        deadLetters = DeadLetters(
            directory: options.deadLetterDirectory, sink: name, bytesMax: options.deadLetterBytesMax,
            fileSystem: fileSystem, clock: wallTime)
        reader = queue.reader(for: name)
        frontier = position.offset
        committed = position.offset
        committedState = position.state
        snapshot.withLock { $0.committed = position.offset }
    }

    public nonisolated var status: DeliveryStatus { snapshot.withLock { $0 } }

    /// No more events will come: `run` returns once everything is delivered. A pause ends at once.
    public nonisolated func drain() { request(.draining) }

    /// `run` returns soon; what is not delivered stays in the queue.
    public nonisolated func stop() { request(.stopped) }

    private nonisolated func request(_ mode: Mode) {
        requested.withLock { if $0 != .stopped { $0 = mode } }
        signal.raise()
    }

    /// SIGHUP: the sink opens its files anew and reads its credentials again; a pause ends at once.
    public func reopen() async {
        await sink.reopen()
        signal.raise()
    }

    /// Delivers until told to stop, or, after `drain`, until everything is delivered.
    public func run() async {
        if await openSink() {
            // A commit that fails leads back to the last good one, so there may be more to do.
            repeat {
                await deliverWhatThereIs()
                await commit()
            } while !isOver
        }
        await sink.close()
        update { $0.state = .stopped }
    }

    private func deliverWhatThereIs() async {
        isWaitingForEvents = false
        isWaitingForMode = false
        isGatherTimerOn = false
        isCommitTimerOn = false
        isWaitingForMending = false
        await withTaskGroup(of: Wake.self) { group in
            while !isOver {
                await commitIfDue()
                proceed(&group)
                guard !isOver, let wake = await group.next() else { break }
                handle(wake)
            }
            group.cancelAll()
        }
    }

    var mode: Mode { requested.withLock { $0 } }

    private var isOver: Bool {
        switch mode {
        case .running: Task.isCancelled
        case .draining: Task.isCancelled || (window.isEmpty && gathering == nil && reader.position >= queue.end)
        case .stopped: true
        }
    }

    /// Opens the sink, however often it takes. `false` when told to stop first.
    private func openSink() async -> Bool {
        while mode != .stopped, !Task.isCancelled {
            do throws(SinkError) {
                try await sink.open(committedState.isEmpty ? nil : committedState)
                breaker.succeeded()
                recovered()
                return true
            } catch {
                pause(.retry(atLeast: nil), error.reason)
                if let pause = pauseToStart { await sleepUnlessSignalled(pause) }
                pauseToStart = nil
                breaker.probe()
            }
        }
        return false
    }

    private func sleepUnlessSignalled(_ duration: Duration) async {
        let clock = clock
        let signal = signal
        await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await Task.sleep(for: duration, clock: clock) }
            group.addTask { await signal.wait() }
            await group.next()
            group.cancelAll()
        }
    }

    private func handle(_ wake: Wake) {
        switch wake {
        case .outcome(let outcome, let flight): act(on: outcome, of: flight)
        case .events: isWaitingForEvents = false
        case .modeChanged:
            isWaitingForMode = false
            breaker.probe()
        case .pauseOver: breaker.probe()
        case .mended(let isMended):
            isWaitingForMending = false
            if isMended { breaker.probe() }
        case .gatheredLongEnough:
            isGatherTimerOn = false
            takeGathered()
        case .commitDue:
            isCommitTimerOn = false
            isCommitDue = true
        }
    }

    nonisolated func update(_ change: (inout DeliveryStatus) -> Void) {
        snapshot.withLock { change(&$0) }
    }
}
