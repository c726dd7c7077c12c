public import ConnlogSystem

/// Reads the events of one sink in order. Used by one delivery at a time.
public struct QueueReader: Sendable {
    /// The offset of the next event to read.
    public private(set) var position: UInt64

    /// Appends durable events to `batch` and returns how many; 0 when there are none now.
    ///
    /// Their offsets are contiguous: the first is `position - count` afterwards. At least one event comes if there is
    /// one, even if it is larger than `bytesMax`. Damaged and dropped events are passed over and counted in `takeSkipped`.
    public mutating func read(
        into batch: inout RecordBatch, maxEvents: Int, maxBytes: Int
    ) throws(QueueError) -> Int {
        preconditionFailure()
    }

    /// Goes on from `offset`, or from the sink's committed offset if that is greater.
    public mutating func seek(to offset: UInt64) { preconditionFailure() }

    /// Events passed over since the last call, because they were damaged or dropped.
    public mutating func takeSkipped() -> UInt64 { preconditionFailure() }
}
