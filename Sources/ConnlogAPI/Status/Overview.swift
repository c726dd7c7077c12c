#if Server
public import ConnlogCore
public import ConnlogSystem

/// How connlog is: what the status, the metrics and the page show. A snapshot.
public struct Overview: Sendable, Codable {
    public var version = ""
    /// By the wall clock as it was then.
    public var started: Nanoseconds = 0
    /// For how many seconds it has run, by a clock that nobody sets.
    public var uptimeSeconds: Int64 = 0
    public var queue = QueuePart()
    public var sources: [SourcePart] = []
    public var sinks: [SinkPart] = []
    /// `nil` without a `[server]`.
    public var server: ServerPart?
    /// The figures were left out.
    var isLimited = false
    /// What does not get on, a sentence each: sinks, sources, the queue, spinning threads.
    public var stuck: [String] = []
    /// Threads that keep a processor busy and get nothing done.
    public var spinningThreads = 0

    public struct QueuePart: Sendable, Codable {
        /// `ok`, or why sources wait, as a word.
        public var state = "ok"
        /// The same as a sentence.
        public var words = ""
        public var bytes = 0
        public var bytesMax = 0
        /// Events that are kept: up to a segment more than those that wait.
        public var events: UInt64 = 0
        /// Events that some sink has not got yet.
        public var waiting: UInt64 = 0
        public var end: UInt64 = 0
        public var segments = 0
        public var syncs: UInt64 = 0
        public var syncFailures: UInt64 = 0
        public var damagedPlaces: UInt64 = 0
        public var damagedEvents: UInt64 = 0
        public init() {}
    }

    public struct SourcePart: Sendable, Codable {
        public var name = ""
        public var type = ""
        public var lines = 0
        public var bytes = 0
        public var events = 0
        public var duplicates = 0
        public var cut = 0
        public var skipped: [String: Int] = [:]
        public var malformed: [String: Int] = [:]
        public var rotations = 0
        public var truncations = 0
        public var files = 0
        /// It does not get on: for how long, and what it waits for.
        public var stuck: String?
        public init() {}
    }

    public struct SinkPart: Sendable, Codable {
        public var name = ""
        public var type = ""
        /// `starting`, `working`, `retrying`, `holding`, `stopped`.
        public var state = ""
        /// Events in the queue that it has not delivered, filtered out or put aside: with those, all there were.
        public var lag: UInt64 = 0
        /// Events that are done with and whose place is not stored yet: a crash now would repeat them.
        public var uncommitted: UInt64 = 0
        public var delivered = 0
        public var unproven = 0
        public var filtered = 0
        public var skipped = 0
        public var dropped: [String: UInt64] = [:]
        public var retries: [String: Int] = [:]
        public var possibleRepeats = 0
        public var deadLetters: [String: Int] = [:]
        public var lastError: String?
        public var lastErrorTime: Nanoseconds?
        public var figures: [SinkFigure] = []
        /// It does not get on: for how long, and what it waits for.
        public var stuck: String?
        public init() {}
    }

    /// The process that answers questions.
    public struct ServerPart: Sendable, Codable {
        /// `starting`, `listening`, `down`.
        public var state = "starting"
        /// Where it listens, or why it does not.
        public var words = ""
        /// How often it has ended by itself and was started again.
        public var restarts = 0
        public init() {}
    }

    public init() {}
}

extension Overview {
    /// What parts there are and how they do, for whoever may not know how much goes through them, and where to.
    var withoutFigures: Overview {
        var left = Overview()
        (left.version, left.started, left.uptimeSeconds) = (version, started, uptimeSeconds)
        left.isLimited = true
        left.queue.state = queue.state
        left.sources = sources.map { source in
            var part = SourcePart()
            (part.name, part.type) = (source.name, source.type)
            return part
        }
        left.sinks = sinks.map { sink in
            var part = SinkPart()
            (part.name, part.type, part.state) = (sink.name, sink.type, sink.state)
            return part
        }
        return left
    }
}
#endif
