/// Where events go: a file, a syslog receiver, Splunk.
///
/// A sink only tells what became of a batch. Retrying, waiting, splitting, dead letters and committing are the
/// delivery's, the same for all sinks. Each sink has a thread of its own (a task executor), so it may block.
public protocol Sink: Sendable {
    /// How large the batches should be that it gets.
    var limits: BatchLimits { get }

    /// How many batches may be under way now, from 1 to `limits.inFlight`. Asked before each; must not wait.
    var inFlightNow: Int { get }

    /// How long its receiver may rightly take to answer: so much longer it may stand still before it is told as stuck. Must
    /// not wait.
    var patience: Duration { get }

    /// What it counts and measures itself. A snapshot; must not wait.
    var figures: [Figure] { get }

    /// Called once before the first `send`, with what `commitPoint` returned for the last committed offset.
    /// - Throws: what keeps the sink from working now, such as a directory that cannot be written; it is called again.
    func open(_ committed: [UInt8]?) async throws(SinkError)

    /// Sends one batch and says what became of it. Never retries, never drops.
    ///
    /// Up to `limits.inFlight` calls run at once, begun in the order of the queue. Cancelling the task makes it return
    /// soon with whatever is true then (`retry` when it is unknown whether the receiver took the batch).
    func send(_ batch: EventBatch) async -> SendOutcome

    /// The same, with the place of the events in the queue: the delivery calls this one. A sink that can store a place
    /// together with the events need not take any of them twice.
    func send(_ batch: EventBatch, at place: EventPlace) async -> SendOutcome

    /// What became of a batch that was `accepted`: waits for the proof. Called in the order of the queue; whether one
    /// after another or for several at once is `limits.proofs`'.
    func outcome(of receipt: Receipt) async -> SendOutcome

    /// Nothing follows what was sent so far: connlog is about to end, and only proofs are awaited. A sink that comes to
    /// its proofs sooner by ending its connection in good order does so. It may be called more than once, and a `send`
    /// may follow when a proof has come to nothing. Must not wait.
    func nothingFollows() async

    /// Makes everything delivered so far as durable as this sink promises and returns at most 1 KiB of its own, which
    /// the queue stores with the offset. Called before each commit; a local file is synced here.
    func commitPoint() async throws(SinkError) -> [UInt8]

    /// The offset that goes with the last `commitPoint` is on disk.
    func committed() async

    /// SIGHUP: files are opened anew, certificates and tokens read again.
    func reopen() async

    /// While held: waits for something that makes another try worthwhile at once, such as a new token in its file.
    /// Returns `false`, without waiting for long, when that cannot be known or nothing is held any more.
    func mended() async -> Bool

    /// Called once after the last `send`.
    func close() async

    /// `connlog check --connect`: finds out whether events could be sent, sending none and leaving nothing behind.
    ///
    /// Called instead of `open`, on a sink that is used for nothing else, while a daemon may be at work with the same
    /// configuration. Cancelling the task makes it return soon. Never a secret in a finding.
    func connectTrial() async -> [TrialFinding]

    /// `connlog check --send`: sends one marked test event and tells what the receiver said about it.
    ///
    /// Called after a `connectTrial` without failure. The event can be known by its fields (see `TrialEvent` in
    /// ConnlogTools) and passes by the sink's filter.
    func sendTrial(_ batch: EventBatch) async -> [TrialFinding]
}

extension Sink {
    /// As many as `limits` say.
    public var inFlightNow: Int { limits.inFlight }
    /// None: what is under way is waited for no longer than by the default.
    public var patience: Duration { .zero }
    /// None.
    public var figures: [Figure] { [] }
    /// Nothing to open.
    public func open(_ committed: [UInt8]?) async throws(SinkError) {}
    /// The events' numbers are not needed.
    public func send(_ batch: EventBatch, at place: EventPlace) async -> SendOutcome { await send(batch) }
    /// What is accepted is delivered.
    public func outcome(of receipt: Receipt) async -> SendOutcome { .delivered }
    /// Nothing to do.
    public func nothingFollows() async {}
    /// Nothing to keep.
    public func commitPoint() async throws(SinkError) -> [UInt8] { [] }
    /// Nothing to do.
    public func committed() async {}
    /// Nothing to open anew.
    public func reopen() async {}
    /// It cannot know.
    public func mended() async -> Bool { false }
    /// Nothing to close.
    public func close() async {}

    /// Says that it cannot be tried.
    public func connectTrial() async -> [TrialFinding] {
        [.doubtful("this kind of sink cannot be tried beforehand; start connlog and look at its log")]
    }

    /// Says that it cannot send one.
    public func sendTrial(_ batch: EventBatch) async -> [TrialFinding] {
        [.doubtful("this kind of sink cannot send a test event; start connlog and look at its log")]
    }
}

/// How large a batch may grow before it is sent.
public struct BatchLimits: Sendable, Equatable {
    /// Events in a batch, at most.
    public var events: Int
    /// Bytes of the records plus `bytesPerEvent` for each.
    public var bytes: Int
    /// What the wire format adds to a record, about.
    public var bytesPerEvent: Int
    /// How long a batch waits for more events while others are in flight. Nothing waits when nothing is in flight.
    public var wait: Duration
    /// How many batches may be under way at once; 1 keeps strict order.
    public var inFlight: Int
    /// How long delivered events may stay uncommitted. Zero where `commitPoint` costs nothing: then each batch is
    /// committed as it is delivered.
    public var commitInterval: Duration
    /// How batches that were `accepted` come to their proof.
    public var proofs: Proofs
    /// With proofs in order: batches that were accepted are not kept in memory either, but read again if need be.
    public var releasesAccepted = false

    /// In which order proofs of accepted batches come, and how many batches may wait for theirs.
    public enum Proofs: Sendable, Equatable {
        /// One after another. Up to so many batches wait for theirs, in memory.
        case inOrder(Int)
        /// All at once, in any order. Up to so many batches wait; their memory is given up meanwhile, and one whose
        /// proof comes to nothing is read from the queue again.
        case together(Int)

        /// Whether proofs come in any order.
        public var areTogether: Bool {
            if case .together = self { true } else { false }
        }

        /// The most batches that wait.
        public var countMax: Int {
            switch self {
            case .inOrder(let count), .together(let count): count
            }
        }
    }

    /// The defaults are those of a sink that sends one batch after another.
    public init(
        events: Int = 10_000, bytes: Int = 1 << 20, bytesPerEvent: Int = 0, wait: Duration = .zero, inFlight: Int = 1,
        commitInterval: Duration = .zero, proofs: Proofs = .inOrder(4)
    ) {
        self.events = events
        self.bytes = bytes
        self.bytesPerEvent = bytesPerEvent
        self.wait = wait
        self.inFlight = inFlight
        self.commitInterval = commitInterval
        self.proofs = proofs
    }
}

/// What became of one batch.
public enum SendOutcome: Sendable, Equatable {
    /// The receiver has it. The sink's documentation says what that proves.
    case delivered
    /// The first `count` events are delivered, and a commit is wanted before the rest is sent.
    case deliveredPrefix(Int)
    /// Under way, proof to come: `outcome(of:)` is asked for it.
    case accepted(Receipt)
    /// The same bytes again, later; not before `after`, if the receiver asked for that.
    case retry(after: Duration? = nil, Reason)
    /// Configuration or credentials: keep everything, probe, alarm.
    case hold(Reason)
    /// One event is poison. With `at`, the events before it were taken; without, nobody knows which it is.
    case rejected(at: Int? = nil, Reason)
    /// The event at `at` is poison. Those before it were taken, but there will be no proof of that: they are sent again,
    /// on their own, before the rest.
    case rejectedUnproven(at: Int, Reason)
    /// The batch is too large for the receiver; half of it may not be.
    case tooLarge(Reason)
}

/// Stands for a batch under way; what the number means is the sink's affair.
public struct Receipt: Sendable, Hashable {
    /// The sink's own number of the batch.
    public let number: UInt64
    /// - Parameter number: different for each batch under way.
    public init(_ number: UInt64) { self.number = number }
}

/// Why something was retried, held, rejected or dropped.
public struct Reason: Sendable, Hashable, CustomStringConvertible {
    /// A short fixed word for counters, such as `http_503` or `connection_refused`: lower case, digits and `_`.
    public let label: String
    /// One sentence for a person, with the place and the receiver's own words. Never a secret.
    public let text: String
    /// The receiver may have taken the batch, so sending it again may repeat it.
    public let mayRepeat: Bool
    /// The receiver's own number, such as `400/6`; for dead letters.
    public let code: String?
    /// Who said so, such as `https://splunk.example.com:8088`; `nil` for what was found here. For dead letters.
    public let endpoint: String?

    /// The label is for counters, the text for people; a secret belongs in neither.
    public init(
        _ label: String, _ text: String, mayRepeat: Bool = false, code: String? = nil, endpoint: String? = nil
    ) {
        self.label = label
        self.text = text
        self.mayRepeat = mayRepeat
        self.code = code
        self.endpoint = endpoint
    }

    /// The sentence for people.
    public var description: String { text }
}

/// Why a sink cannot work now. The text is one sentence with the place and the next step.
public struct SinkError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The label for counters and the sentence for people.
    public let reason: Reason
    /// Why the sink cannot go on.
    public init(_ reason: Reason) { self.reason = reason }
    /// The reason's sentence.
    public var description: String { reason.text }
}
