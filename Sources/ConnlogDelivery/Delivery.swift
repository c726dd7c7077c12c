package import ConnlogCore
package import ConnlogQueue
package import ConnlogSystem
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
package actor Delivery {
    /// What is configured for one delivery.
    package struct Options: Sendable {
        package var retry: Backoff
        /// The pace of probes while the sink holds.
        package var hold: Backoff
        /// `nil` for everything.
        package var filter: (any EventFilter)?
        /// Audit events too, which no filter is about.
        package var includesAudit = false
        /// Where refused events go: `<queue>/dead-letter/<sink>`.
        package var deadLetterDirectory: String
        /// Bytes that may lie there; with more to come the sink holds.
        package var deadLetterBytesMax: Int
        /// The most bytes of a batch, where that is less than what the sink likes. `nil`: as it likes.
        package var batchBytesMax: Int?

        package init(
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

    /// What is wanted of it; it only ever goes down this list.
    enum Mode: Int, Comparable {
        case running
        /// No more events will come; over as soon as everything is delivered.
        case draining
        /// Nothing more is begun; over as soon as the fate of what is under way is known.
        case finishing
        /// What is under way is cancelled.
        case stopped

        static func < (left: Mode, right: Mode) -> Bool { left.rawValue < right.rawValue }
    }

    /// What others have asked for.
    struct Requests {
        var mode = Mode.running
        var isToReopen = false
    }

    /// What the sink has been asked to get ready.
    enum Opening {
        /// Never; a sink that could not even be opened is not done with an empty queue.
        case untried
        /// Before anything else.
        case due
        case done
    }

    /// Child tasks of which there is at most one.
    enum Wait: Sendable {
        case requests, events, gathering, commit, mending
    }

    /// A pause that is to begin.
    struct PauseToStart {
        let length: Duration
        let number: UInt64
        /// Somebody has to mend something, which may be seen before it is over.
        let isHold: Bool
    }

    /// What the loop waits for; each comes from a child task.
    enum Wake: Sendable {
        case outcome(SendOutcome, flight: UInt64)
        case events(after: UInt64)
        case asked
        case pauseOver(UInt64)
        case mended(Bool)
        case gatheredLongEnough
        case commitDue
    }

    package nonisolated let name: String
    let sink: any Sink
    let queue: Queue
    let options: Options
    let limits: BatchLimits
    let clock: any Clock<Duration>
    let wallTime: any WallTime
    let log: LogFunction
    var deadLetters: DeadLetters
    var deadLetterNews = DeadLetterNews()
    var opening = Opening.untried

    // Reading.
    var reader: QueueReader
    /// Records as the queue has them, on their way to becoming lines.
    var payloads = EventBatch()
    let codec = RecordCodec()
    var sieve: Sieve
    /// A batch that may still grow while others are under way, and the offset after it.
    var gathering: Part?
    var gatheringEnd: UInt64 = 0
    var isQueueClosed = false
    /// Batches that are done with, for their memory.
    var spareBatches: [EventBatch] = []
    /// Shrinks when a receiver calls a batch too large, and grows back slowly.
    var bytesMax: Int

    // Sending.
    /// Read and not yet retired, in the order of the queue.
    var window: Window
    /// Flights that were accepted and whose proof is still to be asked for.
    var toProve: [UInt64] = []
    var nextFlight: UInt64 = 1
    var breaker: Breaker
    var generator = SystemRandomNumberGenerator()
    var pauseToStart: PauseToStart?

    // Committing.
    /// Everything before it is done.
    var frontier: UInt64
    var committed: UInt64
    var committedState: [UInt8]
    var isCommitDue = false
    /// The offset could not be stored: nothing is sent until it is.
    var isCommitOverdue = false
    /// What the sink has since the last commit is in doubt: back to that, once nothing is under way.
    var doubt: Reason?
    /// Commit points that failed since the last commit.
    var failedCommitPoints = 0

    /// What is waited for.
    var waits: Set<Wait> = []

    var trouble = Trouble()
    /// When it was last said, by its label, why proofs did not come; by `WallTime.uptime`.
    var lostProofsSaid: [String: Nanoseconds] = [:]
    nonisolated let signal = Signal()
    nonisolated let requests = Mutex(Requests())
    nonisolated let snapshot: Mutex<DeliveryStatus>
    /// The counts as they are; others see them when what belongs together is counted.
    private var counted: DeliveryStatus
    private var isCounting = false
    /// What it is at, for whoever watches over it.
    package nonisolated let vitals: DeliveryVitals

    /// - Parameter past: what an earlier delivery to the same sink has done; counting goes on from there.
    package init(
        name: String, sink: any Sink, queue: Queue, position: SinkPosition, options: Options,
        past: DeliveryStatus = DeliveryStatus(), fileSystem: any FileSystem = LocalFileSystem(),
        clock: any Clock<Duration> = ContinuousClock(), wallTime: any WallTime = SystemWallTime(),
        log: @escaping LogFunction
    ) {
        self.name = name
        self.sink = sink
        self.queue = queue
        self.options = options
        self.clock = clock
        self.wallTime = wallTime
        self.log = log
        var limits = sink.limits
        if let most = options.batchBytesMax { limits.bytes = min(limits.bytes, most) }
        self.limits = limits
        bytesMax = limits.bytes
        if case .together = sink.limits.proofs {
            window = Window(overtakesUnproven: true)
        } else {
            window = Window()
        }
        sieve = Sieve(options.filter, includesAudit: options.includesAudit)
        breaker = Breaker(retry: options.retry, hold: options.hold)
        deadLetters = DeadLetters(
            directory: options.deadLetterDirectory, sink: name, bytesMax: options.deadLetterBytesMax,
            fileSystem: fileSystem, clock: wallTime)
        reader = queue.reader(for: name)
        frontier = position.offset
        committed = position.offset
        committedState = position.state
        var status = past
        status.state = .starting
        status.unproven = 0
        status.committed = position.offset
        status.done = position.offset
        counted = status
        snapshot = Mutex(status)
        vitals = DeliveryVitals(committed: position.offset)
    }

    package nonisolated var status: DeliveryStatus { snapshot.withLock { $0 } }

    /// How long the sink's receiver may take to answer.
    package nonisolated var patience: Duration { sink.patience }

    /// What the sink counts itself.
    package nonisolated var figures: [Figure] { sink.figures }

    // MARK: - What can be asked

    /// No more events will come: `run` returns once everything is delivered. A pause ends at once.
    package nonisolated func drain() { request(.draining) }

    /// `run` returns once the fate of what is under way is known and committed; the rest stays in the queue.
    package nonisolated func finish() { request(.finishing) }

    /// `run` returns soon: what is under way is cancelled, and what is not delivered stays in the queue.
    package nonisolated func stop() { request(.stopped) }

    private nonisolated func request(_ mode: Mode) {
        requests.withLock { $0.mode = max($0.mode, mode) }
        signal.raise()
    }

    /// SIGHUP: the sink opens its files anew and reads its credentials again; a pause ends at once. Returns at once.
    package nonisolated func reopen() {
        requests.withLock { $0.isToReopen = true }
        signal.raise()
    }

    var mode: Mode { requests.withLock { $0.mode } }

    // MARK: - The loop

    /// Delivers until told to end, or, after `drain`, until everything is delivered.
    package func run() async {
        repeat {
            await deliverWhatThereIs()
            vitals.do(.committing)
            await commit()
            // A commit that fails leads back to the last good one, or is to be tried again, so there may be more to do.
        } while !isOver
        await sink.close()
        vitals.do(.ended)
        update { $0.state = .stopped }
    }

    private func deliverWhatThereIs() async {
        waits = []
        await withTaskGroup(of: Wake.self) { group in
            while !isOver {
                await doWhatWasAsked()
                await openIfDue()
                await commitIfDue()
                vitals.do(.reading)
                proceed(&group)
                // What reading or a failed commit has brought about is seen to before anything is waited for.
                if mayCommit || mustStartAgain { continue }
                await tellIfNothingFollows()
                vitals.do(breaker.state == .open ? .pausing : .waiting)
                guard !isOver, let wake = await group.next() else { break }
                handle(wake)
            }
            group.cancelAll()
            // What went through at the last moment is not to be sent again.
            for await wake in group {
                if case .outcome(let outcome, let flight) = wake, outcome.isGood { act(on: outcome, of: flight) }
            }
        }
    }

    private var isOver: Bool {
        if Task.isCancelled { return true }
        switch mode {
        case .running: return false
        case .draining: return isDelivered && !isCommitOverdue && doubt == nil && opening != .untried
        case .finishing: return !window.isUnderWay
        case .stopped: return true
        }
    }

    private var isReadToTheEnd: Bool { gathering == nil && reader.position >= queue.end }

    /// All that is left to wait for are proofs.
    private func tellIfNothingFollows() async {
        guard mode == .finishing || mode == .draining && isReadToTheEnd, window.isOnlyUnproven else { return }
        await sink.nothingFollows()
    }

    private var isDelivered: Bool { window.isEmpty && isReadToTheEnd }

    private func doWhatWasAsked() async {
        let isToReopen = requests.withLock { requests in
            defer { requests.isToReopen = false }
            return requests.isToReopen
        }
        guard isToReopen else { return }
        vitals.do(.reopening)
        await sink.reopen()
        vitals.step()
    }

    /// Opens the sink if it is to be opened; when that fails, it is tried again after a pause.
    private func openIfDue() async {
        if mustStartAgain { startAgain() }
        guard opening != .done, doubt == nil, breaker.state != .open, mode < .finishing else { return }
        opening = .due
        vitals.do(.opening)
        do throws(SinkError) {
            try await sink.open(committedState.isEmpty ? nil : committedState)
            vitals.step()
            opening = .done
            breaker.succeeded(begunAfter: breaker.pauses)
            recovered()
        } catch {
            pause(.retry(atLeast: nil), error.reason)
        }
    }

    private func handle(_ wake: Wake) {
        switch wake {
        case .outcome(let outcome, let flight): countTogether { act(on: outcome, of: flight) }
        case .events(let offset):
            waits.remove(.events)
            // It returned without an event: there will be none.
            if queue.end <= offset { isQueueClosed = true }
        case .asked:
            waits.remove(.requests)
            breaker.probe()
        case .pauseOver(let number): breaker.pauseIsOver(number)
        case .mended(let isMended):
            waits.remove(.mending)
            if isMended { breaker.probe() }
        case .gatheredLongEnough:
            waits.remove(.gathering)
            takeGathered()
        case .commitDue:
            waits.remove(.commit)
            isCommitDue = true
        }
    }

    func update(_ change: (inout DeliveryStatus) -> Void) {
        change(&counted)
        if !isCounting { show() }
    }

    /// What is counted in `body` shows at once, so that what was delivered and how far the sink is always agree.
    func countTogether(_ body: () -> Void) {
        isCounting = true
        body()
        isCounting = false
        show()
    }

    private func show() {
        let counted = counted
        snapshot.withLock { $0 = counted }
    }
}

extension SendOutcome {
    /// Something was delivered.
    fileprivate var isGood: Bool {
        switch self {
        case .delivered: true
        case .deliveredPrefix(let count): count > 0
        default: false
        }
    }
}
