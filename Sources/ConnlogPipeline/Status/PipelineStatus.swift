public import ConnlogCore
public import ConnlogDelivery
public import ConnlogQueue

/// How a pipeline is at one moment.
public struct PipelineStatus: Sendable {
    /// What a source has read.
    public struct Source: Sendable {
        /// As it was added.
        public let name: String
        /// Its kind, such as `file`.
        public let type: String
        /// Since the pipeline was made, under this name.
        public let counts: SourceCounts
        /// It does not get on: for how long, and what it waits for. `nil` as a rule.
        public let stuck: String?
        /// Events in a second, over the last minute.
        public internal(set) var eventsPerSecond = 0.0
        /// For how long no event has come from it; since it began, while there was none.
        public internal(set) var sinceLastEvent = Duration.zero
        /// What the files that it follows have beyond what it has read, when that was last looked at; `nil` while that is
        /// not known, and where the kernel does not say.
        public internal(set) var unreadBytes: Int?
    }

    /// How a sink is.
    public struct Sink: Sendable {
        /// As it was added.
        public let name: String
        /// Its kind, such as `splunk_hec`.
        public let type: String
        /// What its delivery did since the pipeline was made.
        public let status: DeliveryStatus
        /// The number of the first event that it may get again after a crash: its place in the queue, from 0.
        public let committed: UInt64
        /// Everything before it is done with, whether that is stored or not.
        public let done: UInt64
        /// It has events and does not get on: for how long, and what it waits for. `nil` as a rule.
        public let stuck: String?
        /// Events delivered in a second, over the last minute.
        public internal(set) var deliveredPerSecond = 0.0
        /// How long the oldest event that it is not done with has been in the queue, at least: what lay in the queue's
        /// newest file at the start counts from then. Zero where none waits.
        public internal(set) var oldestWaits = Duration.zero
        let look: @Sendable () -> [Figure]

        /// What the sink counts and measures itself, now.
        package var ownFigures: [Figure] { look() }

        /// Events that wait for it in a queue that is so.
        public func lag(_ queue: QueueStatus) -> UInt64 { queue.end - min(queue.end, done) }
    }

    /// How the queue is.
    public let queue: QueueStatus
    /// Events taken into the queue in a second, over the last minute.
    public internal(set) var eventsPerSecond = 0.0
    /// In the order of the plan.
    public internal(set) var sources: [Source]
    /// In the order of the plan.
    public internal(set) var sinks: [Sink]
}
