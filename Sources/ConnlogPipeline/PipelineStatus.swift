public import ConnlogCore
public import ConnlogDelivery
public import ConnlogQueue

/// How a pipeline is at one moment.
public struct PipelineStatus: Sendable {
    /// What a source has read.
    public struct Source: Sendable {
        public let name: String
        /// Its kind, such as `file`.
        public let type: String
        /// Since the pipeline was made, under this name.
        public let counts: SourceCounts
        /// It does not get on: for how long, and what it waits for. `nil` as a rule.
        public let stuck: String?
    }

    /// How a sink is.
    public struct Sink: Sendable {
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
        let look: @Sendable () -> [SinkFigure]

        /// What the sink counts and measures itself, now.
        public var figures: [SinkFigure] { look() }

        /// Events that wait for it in a queue that is so.
        public func lag(_ queue: QueueStatus) -> UInt64 { queue.end - min(queue.end, done) }
    }

    public let queue: QueueStatus
    public let sources: [Source]
    public let sinks: [Sink]
}
