/// What a pipeline is to be: its sources and sinks, and how long it may take to end.
public struct PipelinePlan: Sendable {
    /// Each under a name of its own.
    public var sources: [PlannedSource]
    /// Each under a name of its own.
    public var sinks: [PlannedSink]
    /// How long sinks go on delivering once somebody has asked to stop; what is not delivered then stays queued.
    public var shutdownTimeout: Duration

    /// A plan; names must differ among sources and among sinks.
    public init(
        sources: [PlannedSource] = [], sinks: [PlannedSink] = [], shutdownTimeout: Duration = .seconds(20)
    ) {
        self.sources = sources
        self.sinks = sinks
        self.shutdownTimeout = shutdownTimeout
    }
}
