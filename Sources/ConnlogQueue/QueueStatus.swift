/// What opening a queue found.
public struct QueueReport: Sendable, Equatable {
    /// Events in the queue that can be read, damaged ones not taken off.
    public var events: UInt64 = 0
    /// Bytes of an unfinished last write that were cut off; they were never acknowledged.
    public var tornBytes = 0
    /// Places that could not be read, found while opening. Others come to light when they are read.
    public var damage: [Damage] = []
    /// Sinks that hold events in the queue, to be compared with the configuration.
    public var sinks: [String] = []
    /// No offsets could be read though there were segments: every event is pending again for every sink.
    public var offsetsLost = false
    /// A sink was further than the log reaches, so the log goes on from there. Events of this many numbers are gone.
    public var missingEvents: UInt64 = 0

    public init() {}
}

/// A place that could not be read.
public struct Damage: Sendable, Equatable, CustomStringConvertible {
    public enum Kind: String, Sendable, Equatable {
        /// Records in a segment; `events` of them are lost.
        case records
        /// A segment's header. Its records can be read all the same.
        case segmentHeader
        /// The bytes of an unfinished last write.
        case tornTail
        /// A whole file of another queue, or none of ours. It was moved to quarantine.
        case foreignFile
        /// A slot of the offsets file; the other one was used.
        case offsetsSlot
    }

    public let kind: Kind
    /// The file as it is called in the queue's directory.
    public let file: String
    /// Where it begins, in bytes.
    public let position: Int
    public let bytes: Int
    /// Events lost, where that can be known.
    public let events: UInt64

    public init(kind: Kind, file: String, position: Int, bytes: Int, events: UInt64) {
        self.kind = kind
        self.file = file
        self.position = position
        self.bytes = bytes
        self.events = events
    }

    public var description: String {
        switch kind {
        case .records:
            "\(file): \(bytes) damaged bytes at \(position), \(events) events lost; the bytes are in quarantine/"
        case .segmentHeader: "\(file): damaged header; its records were read all the same"
        case .tornTail: "\(file): an unfinished write of \(bytes) bytes at \(position) was cut off"
        case .foreignFile: "\(file): not a file of this queue; it was moved to quarantine/"
        case .offsetsSlot: "\(file): damaged slot at \(position); the other one was used"
        }
    }
}

/// How the queue is.
public struct QueueStatus: Sendable, Equatable {
    public enum State: Sendable, Equatable {
        case ok
        /// Sources wait: the queue's bound, or the quota of the sink named, is reached.
        case full(sink: String?)
        /// Sources wait: the disk has no room.
        case diskFull
        /// Sources wait: the disk refuses to write. Tried again at growing intervals, on new files.
        case failed(String)
        case closed
    }

    public struct SinkStatus: Sendable, Equatable {
        public var name: String
        /// A sink that no longer registers keeps its events until `forgetSink`.
        public var registered: Bool
        public var committed: UInt64
        /// Events in the queue that the sink has not committed.
        public var lag: UInt64
        /// Events it lost by `OnFull.dropOldest`, since it is known to the queue.
        public var dropped: UInt64
    }

    public var state: State = .ok
    public var bytesOnDisk = 0
    /// Events between the oldest one still there and `end`.
    public var events: UInt64 = 0
    public var segments = 0
    public var sinks: [SinkStatus] = []
    /// Successful fdatasync calls on segments.
    public var syncs: UInt64 = 0
    /// Failed ones.
    public var syncFailures: UInt64 = 0
    public var groups: UInt64 = 0
    public var segmentsRecycled: UInt64 = 0
    public var damagedPlaces: UInt64 = 0
    public var damagedEvents: UInt64 = 0
    /// The last few damages.
    public var recentDamage: [Damage] = []

    public init() {}
}

/// Where a sink was when it registered.
public struct SinkPosition: Sendable, Equatable {
    /// Everything before it is done with.
    public let offset: UInt64
    /// What the sink stored with that offset.
    public let state: [UInt8]
    /// The queue did not know the sink; it begins at the oldest event.
    public let isNew: Bool
}
