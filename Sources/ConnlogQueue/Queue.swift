public import ConnlogSystem

/// One write-ahead log for all sources and all sinks.
public final class Queue: Sendable {
    /// Opens or creates a queue. Damage never prevents it; what was found is in `report`.
    /// - Throws: `locked`, or `system` when the directory cannot be made or read.
    public static func open(
        _ directory: String, _ options: QueueOptions = QueueOptions(),
        fileSystem: any FileSystem = LocalFileSystem(), clock: any WallTime = SystemWallTime()
    ) throws(QueueError) -> Queue {
        preconditionFailure()
    }

    public var report: QueueReport { preconditionFailure() }

    /// The newest durable value of each key.
    public var checkpoints: [String: [UInt8]] { preconditionFailure() }

    /// Hands a batch and the checkpoints that follow it over.
    ///
    /// Returns when it is handed over, not when it is on disk; waits only while more than `bufferBytes` wait for the
    /// disk. Batch and checkpoints become durable together or not at all, in the order of the calls.
    public func enqueue(
        _ batch: consuming RecordBatch, checkpoints: [(key: String, value: [UInt8]?)] = []
    ) async throws(QueueError) {
        preconditionFailure()
    }

    /// Returns when everything handed over before is durable.
    public func flush() async throws(QueueError) { preconditionFailure() }

    /// An empty batch whose memory was used before, if there is one.
    public func makeBatch() -> RecordBatch { preconditionFailure() }

    /// The offset after the last durable event.
    public var end: UInt64 { preconditionFailure() }

    public func registerSink(_ name: String, quota: Int?, onFull: OnFull) throws(QueueError) -> SinkPosition {
        preconditionFailure()
    }

    /// A reader from the sink's committed offset.
    public func reader(for sink: String) -> QueueReader { preconditionFailure() }

    /// The sink is done with everything before `offset`. An older offset than the last one is ignored.
    /// - Parameter state: at most 1 KiB, given back by `registerSink`.
    public func commit(_ sink: String, offset: UInt64, state: [UInt8] = []) throws(QueueError) { preconditionFailure() }

    /// Makes all commits durable.
    public func syncCommits() throws(QueueError) { preconditionFailure() }

    /// Returns when `end` is greater than `offset`, when the queue is closed, or when the task is cancelled.
    public func waitForEvents(after offset: UInt64) async { preconditionFailure() }

    /// Lets go of a sink's offset and of the segments that only it needed.
    public func forgetSink(_ name: String) throws(QueueError) { preconditionFailure() }

    public var status: QueueStatus { preconditionFailure() }

    /// Writes what was handed over, if the disk takes it, and ends. Whoever waits gets `closed`.
    public func close() async { preconditionFailure() }
}
