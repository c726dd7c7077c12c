/// Where events come from: a file that grows, standard input, an HTTP request.
///
/// `run` has a thread of its own (a task executor), so it may block in system calls.
public protocol Source: Sendable {
    /// Reads until the task is cancelled or the input ends, handing batches over in the order they happened.
    ///
    /// - Parameter output: where batches go. What it says it knows (`checkpoints`) is where reading begins.
    /// - Throws: what makes reading on impossible. A file that cannot be read is not that: it is reported and looked at
    ///   again later.
    func run(into output: any EventOutput) async throws(SourceError)

    /// Where it counts what it reads. `nil` where it does not count: then only the events that it hands over are known.
    var status: SourceStatus? { get }

    /// What it has read can be read again after a restart, as a file can and a pipe cannot. A source that cannot is never
    /// replaced while it works, and what it had read and the disk did not take is told as lost.
    var canReadAgain: Bool { get }

    /// It looks for more of its own accord, at least once a second, each time with a step of `status.turns`; others are called
    /// with what somebody sends. One that should come round and does not is told as stuck.
    var comesRound: Bool { get }
}

extension Source {
    /// It counts nothing itself.
    public var status: SourceStatus? { nil }
    /// It can.
    public var canReadAgain: Bool { true }
    /// It does not.
    public var comesRound: Bool { false }
}

/// The queue as a source sees it.
public protocol EventOutput: Sendable {
    /// The newest checkpoint of each key that this source has stored, from before the start of `run`.
    var checkpoints: [CheckpointKey: [UInt8]] { get }

    /// Hands a batch over and returns at once, or, when too much is waiting for the disk, as soon as there is room.
    ///
    /// For sources whose position is the checkpoint itself: batch and checkpoints reach the disk together or not at
    /// all, in the order of the calls, so there is nothing to wait for. Waits while the queue is full.
    func enqueue(_ batch: consuming EventBatch, _ checkpoints: [Checkpoint]) async throws(AppendError)

    /// Returns once everything handed over before is on disk. For sources that acknowledge upstream.
    func flush() async throws(AppendError)

    /// An empty batch whose memory was used before, if there is one.
    func makeBatch() -> EventBatch

    /// Why nothing is taken for now, such as a full disk; `nil` as a rule. `enqueue` would wait until that is over.
    var blocked: String? { get }
}

extension EventOutput {
    /// It is never blocked.
    public var blocked: String? { nil }
}

/// Names one position of a source, such as one file among many.
public typealias CheckpointKey = String

/// A source's position, in its own terms, to be stored with the events before it.
public struct Checkpoint: Sendable, Equatable {
    /// Different for each place that the source keeps.
    public let key: CheckpointKey
    /// At most 64 KiB. `nil` forgets the key.
    public let value: [UInt8]?

    /// A place under its key; `nil` forgets the key.
    public init(key: CheckpointKey, value: [UInt8]?) {
        self.key = key
        self.value = value
    }
}

/// Why a source stopped for good. The text is one sentence with the place and the next step.
public struct SourceError: Error, Equatable, Sendable, CustomStringConvertible {
    /// One sentence, with the place and the next step.
    public let description: String
    /// - Parameter description: one sentence, with the place and the next step.
    public init(_ description: String) { self.description = description }
}

/// Why a batch was not taken.
public enum AppendError: Error, Equatable, Sendable {
    /// The daemon is stopping. Nothing of the batch was stored.
    case stopping
    /// The queue cannot be written any more. Nothing of the batch was stored.
    case failed(String)
}
