/// What came of a run.
public struct PipelineOutcome: Sendable {
    /// Something that a log line has told, and that whoever started the pipeline has to know at its end.
    public enum Problem: Sendable, Equatable {
        /// A source has stopped for good before it was asked to.
        case sourceFailed
        /// A sink could not be started, since the queue could not write that there is one.
        case sinkFailed
        /// What was read last could not be written, and cannot be read again.
        case inputLost
        /// What was read last could not be written; it is read again after the next start.
        case inputLate
    }

    /// What went wrong; empty when all went well.
    public let problems: [Problem]
    /// The sinks that have not got everything, with the number of events that stay queued for them. These are safe, and
    /// go out after the next start.
    public let queued: [(sink: String, events: UInt64)]

    /// Events were lost, or a part did not work.
    public var hasFailed: Bool { problems.contains { $0 != .inputLate } }
}

/// A run that ended otherwise than it should; what happened stands in the log.
public struct PipelineError: Error, Sendable {
    /// How it ended, with at least one failure.
    public let outcome: PipelineOutcome
}
