package import ConnlogSystem

/// What opening a queue found.
package struct QueueReport: Sendable, Equatable {
    /// Events in the queue that can be read, damaged ones not taken off.
    package var events: UInt64 = 0
    /// Bytes of an unfinished last write that were cut off; they were never acknowledged.
    package var tornBytes = 0
    /// Places that could not be read, found while opening. Others come to light when they are read.
    package var damage: [Damage] = []
    /// How often the disk refused to give something (EIO, EUCLEAN). It was asked again, for two seconds in all.
    package var refusedReads = 0
    /// Sinks that hold events in the queue, to be compared with the configuration.
    package var sinks: [String] = []
    /// No offsets could be read though there were segments: every event is pending again for every sink.
    package var offsetsLost = false
    /// A sink was further than the log reaches, so the log goes on from there. Events of this many numbers are gone.
    package var missingEvents: UInt64 = 0

    package init() {}
}

/// A place that could not be read.
public struct Damage: Sendable, Equatable, CustomStringConvertible {
    /// What was damaged.
    public enum Kind: String, Sendable, Equatable {
        /// Records in a segment; `events` of them are lost.
        case records
        /// A segment's header. Its records can be read all the same.
        case segmentHeader
        /// The bytes of an unfinished last write.
        case tornTail
        /// A whole file of another queue, or none of ours. It was moved to quarantine.
        case foreignFile
        /// A whole file that the disk does not give any more. It was moved to quarantine.
        case unreadableFile
        /// There is no file with the next `events` events of a sink, counted from the name of the one there should be.
        case missingSegment
        /// A slot of the offsets file; the other one was used.
        case offsetsSlot
    }

    /// What was damaged.
    public let kind: Kind
    /// The file as it is called in the queue's directory.
    public let file: String
    /// Where it begins, in bytes.
    public let position: Int
    /// How many bytes.
    public let bytes: Int
    /// Events lost, where that can be known.
    public let events: UInt64

    package init(kind: Kind, file: String, position: Int, bytes: Int, events: UInt64) {
        self.kind = kind
        self.file = file
        self.position = position
        self.bytes = bytes
        self.events = events
    }

    /// One sentence, with the file and what became of the bytes.
    public var description: String {
        switch kind {
        case .records:
            "\(file): \(bytes) damaged bytes at \(position), \(events) events lost; the bytes are in quarantine/"
        case .segmentHeader: "\(file): damaged header; its records were read all the same"
        case .tornTail: "\(file): an unfinished write of \(bytes) bytes at \(position) was cut off"
        case .foreignFile: "\(file): not a file of this queue; it was moved to quarantine/"
        case .missingSegment:
            "\(file): missing, or a later file; \(events) events that a sink had not committed are gone"
        case .unreadableFile: "\(file): cannot be read; it was moved to quarantine/"
        case .offsetsSlot:
            "\(file): damaged slot of \(bytes) bytes at \(position); its bytes are in quarantine/, and the other slot counts "
                + "if it is whole (a power failure in the middle of a commit leaves this)"
        }
    }
}

/// How the queue is.
public struct QueueStatus: Sendable, Equatable {
    /// Whether the queue takes events, and why not.
    public enum State: Sendable, Equatable {
        case ok
        /// Sources wait: the queue's bound is reached. The sink named keeps the oldest segment.
        case full(sink: String?)
        /// Sources wait: the quota of the sink named is reached.
        case sinkFull(sink: String)
        /// Sources wait: the disk has no room.
        case diskFull
        /// Sources wait: the file system would have less than this free.
        case diskLow(freeBytesMin: Int)
        /// Sources wait: the disk refuses to write. Tried again at growing intervals, on new files.
        case failed(String)
        case closed
    }

    /// How the queue is for one sink.
    public struct SinkStatus: Sendable, Equatable {
        /// The sink's.
        public var name: String
        /// A sink that no longer registers keeps its events until `forgetSink`.
        public var registered: Bool
        /// The offset before which it has everything.
        public var committed: UInt64
        /// Events in the queue that the sink has not committed.
        public var lag: UInt64
        /// Events it lost by `OnFull.dropOldest`, since it is known to the queue.
        public var dropped: UInt64
        /// The same by reason, since the queue was opened.
        public var drops: [DropReason: UInt64]
        /// It is losing events now, for this reason.
        public var dropping: DropReason?
    }

    /// Whether it takes events.
    public var state: State = .ok
    /// Of all segments, as they are on disk.
    public var bytesOnDisk = 0
    /// Events between the oldest one still there and `end`.
    public var events: UInt64 = 0
    /// The offset after the last durable event, at the same moment.
    public var end: UInt64 = 0
    /// Files of events.
    public var segments = 0
    /// In the order of their names.
    public var sinks: [SinkStatus] = []
    /// Successful fdatasync calls on segments.
    public var syncs: UInt64 = 0
    /// Failed ones.
    public var syncFailures: UInt64 = 0
    /// Writes to disk; each has the batches of everyone who waited.
    public var groups: UInt64 = 0
    /// Files used again instead of made anew.
    public var segmentsRecycled: UInt64 = 0
    /// Places that could not be read, since it was opened.
    public var damagedPlaces: UInt64 = 0
    /// Events lost there.
    public var damagedEvents: UInt64 = 0
    /// The last few damages.
    public var recentDamage: [Damage] = []

    package init() {}
}

/// Where a sink was when it registered.
package struct SinkPosition: Sendable, Equatable {
    /// Everything before it is done with.
    package let offset: UInt64
    /// What the sink stored with that offset.
    package let state: [UInt8]
    /// The queue did not know the sink; it begins at the oldest event.
    package let isNew: Bool
}

/// Why a sink lost its oldest events.
public enum DropReason: String, Sendable, Equatable, CaseIterable {
    /// It lagged by more than its own quota.
    case sinkFull = "sink_full"
    /// The queue reached its bound, and the sink kept the oldest segment.
    case queueFull = "queue_full"
}

/// Something that happened to the queue and that a person should read.
package enum QueueNotice: Sendable, Equatable {
    /// A place that could not be read; met while reading. What opening found is in `QueueReport`.
    case damage(Damage)
    /// A disk did not sync a segment. It is given up, and what was in it and not on disk is written to a new one.
    case syncFailed(SystemError)
    /// A sink begins to lose its oldest events.
    case dropping(sink: String, DropReason)
    /// A sink has caught up to half of what it may lag, after it lost this many events.
    case dropped(sink: String, events: UInt64, DropReason)
    /// The lock file was removed or replaced.
    case lockGone(file: String)
    /// So many notices were not kept.
    case missed(Int)
}
