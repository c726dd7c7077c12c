package import ConnlogCore
import ConnlogDelivery
package import ConnlogPipeline
import ConnlogQueue
import ConnlogSystem

/// The sink that dead letters or old events are sent to again, and how patient to be with it.
package struct ResendTarget: Sendable {
    package let name: String
    let sink: any Sink
    private let filter: (any EventFilter)?
    private let retry: Backoff
    private let patience: Duration
    private let log: LogFunction

    /// Finds the sink among those of a configuration.
    /// - Parameter patience: how much waiting without a success is enough.
    package init(
        _ name: String, among sinks: [PlannedSink], patience: Duration, log: @escaping LogFunction
    ) throws(ToolError) {
        guard let found = sinks.first(where: { $0.name == name }) else {
            let known = sinks.map(\.name).joined(separator: ", ")
            throw .usage("the configuration has no sink '\(name)'; it has \(known.isEmpty ? "none" : known)")
        }
        guard found.file == nil else {
            throw .usage(
                "sink '\(name)' writes a file, which holds every event exactly once; sending again would break that. "
                    + "To get events into a file of their own, use connlog queue export")
        }
        self.name = name
        sink = found.maker.make()
        filter = found.options.filter
        retry = found.maker.retry
        self.patience = patience
        self.log = log
    }

    /// For tests: a sink that is in no configuration.
    init(_ name: String, _ sink: any Sink, patience: Duration, log: @escaping LogFunction = { _, _ in }) {
        self.name = name
        self.sink = sink
        filter = nil
        retry = Backoff(first: .milliseconds(1), longest: .milliseconds(1))
        self.patience = patience
        self.log = log
    }

    private var redelivery: Redelivery {
        Redelivery(name: name, sink: sink, retry: retry, patience: patience, log: log)
    }

    /// Sends dead letters of this sink again. Cancelling the task ends it.
    package func retryDeadLetters(
        _ selection: DeadLetterSelection, at location: QueueLocation
    ) async throws(ToolError) -> DeadLetterRetry.Outcome {
        let retry = DeadLetterRetry(
            DeadLetterBox(sink: name, at: location), selection, limits: sink.limits, redelivery: redelivery)
        return try await onThread { () throws(ToolError) in
            var retry = retry
            return try await retry.run()
        }
    }

    /// Sends the events of a time range again. Cancelling the task ends it.
    /// - Parameters:
    ///   - files: the paths of the file sinks that keep events as they were received.
    ///   - sends: `false` only counts.
    package func replay(
        _ times: TimeRange, at location: QueueLocation, files: [String], sends: Bool, progress: ProgressBar
    ) async throws(ToolError) -> Replay.Outcome {
        let snapshot = try location.exists ? location.snapshot() : nil
        let redelivery = sends ? redelivery : nil
        let filter = filter
        let limits = sink.limits
        return try await onThread { () throws(ToolError) in
            let source = try ReplaySource(snapshot, files: files, times: times, filter: filter)
            var replay = Replay(source, redelivery, limits: limits, progress: progress)
            return try await replay.run()
        }
    }

    /// The files of sinks that hold events as they were received.
    package static func archives(_ sinks: [PlannedSink]) -> [String] {
        sinks.compactMap(\.file).filter { $0.holdsRecords && !$0.isDevice }.map(\.path)
    }

    /// Sinks block, so they run on a thread of their own.
    private func onThread<Value: Sendable>(
        _ body: @escaping @Sendable () async throws(ToolError) -> Value
    ) async throws(ToolError) -> Value {
        Machine.ignoreBrokenPipes()
        let thread = ThreadExecutor("sink \(name)")
        let work = Task(executorPreference: thread) { () -> Result<Value, ToolError> in
            do throws(ToolError) { return .success(try await body()) } catch { return .failure(error) }
        }
        let result = await withTaskCancellationHandler {
            await work.value
        } onCancel: {
            work.cancel()
        }
        // A task does not keep its executor.
        withExtendedLifetime(thread) {}
        return try result.get()
    }
}
