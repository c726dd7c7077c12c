package import ConnlogSystem

/// What a queue's directory holds at one moment, seen from outside: without its lock, and without changing a byte.
///
/// For tools, beside a running daemon or without one. A daemon may append, commit, roll and delete at the same time:
/// what comes after the moment is not in it, and what goes meanwhile is told as `released` by `QueueWalk`. Records of
/// the group that is being written are there as far as they are whole; they may not be synced yet.
package struct QueueSnapshot: Sendable {
    /// One segment file.
    package struct Segment: Sendable, Equatable {
        /// Whose it is, and whether it can be read.
        package enum State: String, Sendable, Equatable {
            case good
            /// Its records can be read all the same.
            case damagedHeader
            /// Of another queue, or none at all.
            case foreign
        }

        package let first: UInt64
        /// The offset after its last event.
        package internal(set) var end: UInt64
        /// Of the file; the records may take less.
        package let bytes: Int
        /// When it was begun; `nil` where the header does not tell.
        package let created: Nanoseconds?
        package internal(set) var state: State

        package var name: String { SegmentName.of(first) }
    }

    /// What the offsets file says about one sink.
    package struct Sink: Sendable, Equatable {
        package let name: String
        package let committed: UInt64
        /// Events it lost by `OnFull.dropOldest`.
        package let dropped: UInt64
        /// Events that are there and that it has not committed.
        package let lag: UInt64
        /// Bytes of the segments that hold them.
        package let heldBytes: Int
    }

    /// A file that was put aside.
    package struct Kept: Sendable, Equatable {
        package let name: String
        package let bytes: Int
    }

    package let directory: String
    /// Oldest first.
    package let segments: [Segment]
    package let sinks: [Sink]
    /// The newest value of each source's key.
    package let checkpoints: [String: [UInt8]]
    /// Files in `quarantine/`, by name.
    package let quarantine: [Kept]
    /// The offset after the last event.
    package let end: UInt64
    /// What is damaged in the offsets file, in headers and in the last segment.
    package let damage: [Damage]
    /// An unfinished write at the end of the last segment: what a crash leaves, or a daemon that is writing now. No damage.
    package let tornBytes: Int
    /// There are segments and no offsets that can be read: the next start sends every event again.
    package let offsetsLost: Bool
    /// Of all files.
    package let bytesOnDisk: Int

    let coding: RecordCoding
    let fileSystem: ReadOnlyFileSystem
    /// Up to which byte the last segment's records count.
    let lastBytes: Int

    /// The offset of the oldest event that is there.
    package var oldest: UInt64 { segments.first { $0.state != .foreign }?.first ?? end }
    package var events: UInt64 { end - min(oldest, end) }

    /// Looks at a queue.
    /// - Throws: `system` when there is no such directory or it cannot be read, `newerFormat`.
    package static func take(
        _ directory: String, fileSystem: any FileSystem = LocalFileSystem()
    ) throws(QueueError) -> QueueSnapshot {
        var look = SnapshotLook(directory, ReadOnlyFileSystem(base: fileSystem))
        return try look.take()
    }
}
