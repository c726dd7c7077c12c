public import ConnlogSystem

/// What a queue's directory holds at one moment, seen from outside: without its lock, and without changing a byte.
///
/// For tools, beside a running daemon or without one. A daemon may append, commit, roll and delete at the same time:
/// what comes after the moment is not in it, and what goes meanwhile is told as `released` by `QueueWalk`. Records of
/// the group that is being written are there as far as they are whole; they may not be synced yet.
public struct QueueSnapshot: Sendable {
    /// One segment file.
    public struct Segment: Sendable, Equatable {
        /// Whose it is, and whether it can be read.
        public enum State: String, Sendable, Equatable {
            case good
            /// Its records can be read all the same.
            case damagedHeader
            /// Of another queue, or none at all.
            case foreign
        }

        public let first: UInt64
        /// The offset after its last event.
        public internal(set) var end: UInt64
        /// Of the file; the records may take less.
        public let bytes: Int
        /// When it was begun; `nil` where the header does not tell.
        public let created: Nanoseconds?
        public internal(set) var state: State

        public var name: String { SegmentName.of(first) }
    }

    /// What the offsets file says about one sink.
    public struct Sink: Sendable, Equatable {
        public let name: String
        public let committed: UInt64
        /// Events it lost by `OnFull.dropOldest`.
        public let dropped: UInt64
        /// Events that are there and that it has not committed.
        public let lag: UInt64
        /// Bytes of the segments that hold them.
        public let heldBytes: Int
    }

    /// A file that was put aside.
    public struct Kept: Sendable, Equatable {
        public let name: String
        public let bytes: Int
    }

    public let directory: String
    /// Oldest first.
    public let segments: [Segment]
    public let sinks: [Sink]
    /// The newest value of each source's key.
    public let checkpoints: [String: [UInt8]]
    /// Files in `quarantine/`, by name.
    public let quarantine: [Kept]
    /// The offset after the last event.
    public let end: UInt64
    /// What is damaged in the offsets file, in headers and in the last segment.
    public let damage: [Damage]
    /// An unfinished write at the end of the last segment: what a crash leaves, or a daemon that is writing now. No damage.
    public let tornBytes: Int
    /// There are segments and no offsets that can be read: the next start sends every event again.
    public let offsetsLost: Bool
    /// Of all files.
    public let bytesOnDisk: Int

    let coding: RecordCoding
    let fileSystem: ReadOnlyFileSystem
    /// Up to which byte the last segment's records count.
    let lastBytes: Int

    /// The offset of the oldest event that is there.
    public var oldest: UInt64 { segments.first { $0.state != .foreign }?.first ?? end }
    public var events: UInt64 { end - min(oldest, end) }

    /// Looks at a queue.
    /// - Throws: `system` when there is no such directory or it cannot be read, `newerFormat`.
    public static func take(
        _ directory: String, fileSystem: any FileSystem = LocalFileSystem()
    ) throws(QueueError) -> QueueSnapshot {
        var look = SnapshotLook(directory, ReadOnlyFileSystem(base: fileSystem))
        return try look.take()
    }
}
