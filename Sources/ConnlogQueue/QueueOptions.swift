internal import ConnlogSystem

/// How a queue behaves. Sizes are bytes.
public struct QueueOptions: Sendable, Equatable {
    /// The smallest bound that a queue can work with; less counts as this.
    public static let queueBytesLeast = 256 << 10

    /// What it takes until events count as durable.
    public var durability: Durability
    /// Bound of everything the queue keeps on disk, quarantine included; reached, sources wait.
    public var queueBytesMax: Int
    /// A segment is finished when the next group would make it larger than this. Lowered to a quarter of the smallest
    /// quota, because a quota is freed segment by segment. A single group may be larger.
    public var segmentBytes: Int
    /// Sources wait while more than this waits for the disk. Resident memory is about twice this. Lowered to a sixteenth
    /// of `queueBytesMax`: what is written at once must fit beside the last segment, which nothing can free.
    public var bufferBytes: Int
    /// The latest moment at which a commit is on disk.
    public var commitSyncInterval: Duration
    /// Damaged bytes are copied to `quarantine/` up to this much, and only counted beyond. Lowered to a sixteenth of
    /// `queueBytesMax`, of which it is a part whether it is used or not.
    public var quarantineBytesMax: Int
    /// Sources wait rather than leave less than this free on the file system.
    /// `nil`: 256 MiB, or a tenth of the file system where that is less.
    public var freeBytesMin: Int?

    /// The defaults are those of connlog's configuration.
    public init(
        durability: Durability = .sync, queueBytesMax: Int = 8 << 30, segmentBytes: Int = 64 << 20,
        bufferBytes: Int = 4 << 20, commitSyncInterval: Duration = .seconds(1), quarantineBytesMax: Int = 64 << 20,
        freeBytesMin: Int? = nil
    ) {
        self.durability = durability
        self.queueBytesMax = queueBytesMax
        self.segmentBytes = segmentBytes
        self.bufferBytes = bufferBytes
        self.commitSyncInterval = commitSyncInterval
        self.quarantineBytesMax = quarantineBytesMax
        self.freeBytesMin = freeBytesMin
    }

    /// The same, with every bound at the value that counts on this file system.
    func resolved(_ space: DiskSpace?) -> QueueOptions {
        var options = self
        options.queueBytesMax = max(queueBytesMax, QueueOptions.queueBytesLeast)
        options.bufferBytes = min(bufferBytes, options.queueBytesMax / 16)
        options.quarantineBytesMax = min(quarantineBytesMax, options.queueBytesMax / 16)
        options.freeBytesMin = DiskSpace.keptFree(freeBytesMin, of: space)
        return options
    }
}

/// What it takes until events count as durable, that is: `flush` returns, and readers see them.
public enum Durability: Sendable, Equatable {
    /// They are on disk (fdatasync). Nothing durable is lost when the machine loses power.
    case sync
    /// They are with the kernel, and on disk within this time. A crash of connlog loses nothing; a crash of the machine
    /// loses at most what came within this time.
    case interval(Duration)
    /// They are with the kernel, which writes them when it likes (30 s by default on Linux).
    case none
}

/// What happens when a sink lags by more than its quota, or holds the queue at its bound.
public enum OnFull: Sendable, Equatable {
    /// Sources wait until the sink has caught up.
    case block
    /// The sink loses its oldest events, a segment at a time. Counted by reason, told to its reader, and said when it
    /// begins and when it is over (`Queue.takeNotices`).
    case dropOldest
}
