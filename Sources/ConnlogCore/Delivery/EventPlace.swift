/// Where the events of a batch stand in the queue: for sinks that keep their own account of what they have.
public struct EventPlace: Sendable, Equatable {
    /// 16 bytes that tell this queue from every other; a queue begun anew has others.
    public let queue: [UInt8]
    /// The offset of each event of the batch.
    public let offsets: EventOffsets

    /// The place of a batch in the queue with this id, of 16 bytes.
    public init(queue: [UInt8], offsets: EventOffsets) {
        self.queue = queue
        self.offsets = offsets
    }

    /// Of the event at `index` in the batch. Each is greater than the one before.
    public func offset(_ index: Int) -> UInt64 { offsets[index] }
}

/// The offset of each event of a batch.
public enum EventOffsets: Sendable, Equatable {
    /// One after another from this one on.
    case contiguous(UInt64)
    /// With gaps: a filter, or damage, took some out.
    case listed([UInt64])

    /// The offset of the event at an index of the batch.
    public subscript(index: Int) -> UInt64 {
        switch self {
        case .contiguous(let first): first + UInt64(index)
        case .listed(let offsets): offsets[index]
        }
    }
}
