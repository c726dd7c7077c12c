package import ConnlogCore
package import ConnlogPipeline
import ConnlogSystem

/// `connlog check --connect` and `--send`: looks at what connlog stands on (`GroundTrial`) and tries every sink of a
/// configuration, all at once, beside a daemon that may be running with it. Touches neither the queue nor what the
/// daemon counts.
package struct SinkTrial: Sendable {
    /// What came of one part of the configuration.
    package struct Outcome: Sendable, Equatable {
        /// `sink`, `source`, `directory`, or `data_dir`, whose name is the directory.
        package let part: String
        package let name: String
        package let type: String
        /// The id of the test event that was handed to the sink; `nil` if none was.
        package internal(set) var eventID: String?
        package internal(set) var findings: [TrialFinding] = []

        /// Whether a test event went to where real ones go; a log file and the store are spared.
        package var wasSent: Bool { eventID != nil && !hasFailed && findings.allSatisfy(\.isSent) }

        package var hasFailed: Bool { findings.contains { $0.verdict == .failed } }
    }

    private let ground: GroundTrial?
    private let sinks: [PlannedSink]
    private let version: String
    private let timeLimit: Duration

    /// - Parameters:
    ///   - sinks: planned for this, and used for nothing else.
    ///   - ground: what is tried beside them.
    ///   - timeLimit: after which a sink that says nothing is given up.
    package init(
        _ sinks: [PlannedSink], ground: GroundTrial?, version: String, timeLimit: Duration = .seconds(90)
    ) {
        self.sinks = sinks
        self.ground = ground
        self.version = version
        self.timeLimit = timeLimit
    }

    /// Tries everything; the outcomes are the data directory's, the sources' and then the sinks', in their order.
    /// - Parameter sends: also send a test event to each that could be reached.
    package func run(sends: Bool) async -> [Outcome] {
        // A receiver that goes away is an error of the call, not the end of the process.
        Machine.ignoreBrokenPipes()
        return await withTaskGroup(of: (Int, Outcome).self) { group in
            for (index, sink) in sinks.enumerated() {
                group.addTask { (index, await outcome(of: sink, sends: sends)) }
            }
            var outcomes: [(Int, Outcome)] = []
            for await outcome in group { outcomes.append(outcome) }
            let grounds = await ground?.run() ?? []
            return grounds + outcomes.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }

    /// What the sink finds, or, if it does not come back in time, that it does not.
    private func outcome(of sink: PlannedSink, sends: Bool) async -> Outcome {
        var outcome = Outcome(part: "sink", name: sink.name, type: sink.type)
        let (answers, answer) = AsyncStream<Outcome>.makeStream()
        let thread = ThreadExecutor("trial \(sink.name)")
        let started = outcome
        let trial = Task(executorPreference: thread) {
            answer.yield(await tried(sink, sends, started))
            // A task does not keep its executor.
            withExtendedLifetime(thread) {}
        }
        let timer = Task {
            try await Task.sleep(for: timeLimit)
            answer.finish()
        }
        defer {
            trial.cancel()
            timer.cancel()
        }
        for await answered in answers { return answered }
        let seconds = timeLimit.components.seconds
        outcome.findings = [
            .failed("no answer within \(seconds) s; look at the receiver and the network on the way to it")
        ]
        return outcome
    }

    private func tried(_ sink: PlannedSink, _ sends: Bool, _ started: Outcome) async -> Outcome {
        var outcome = started
        let made = sink.maker.make()
        outcome.findings = await made.connectTrial()
        if sends, !outcome.hasFailed {
            var generator = SystemRandomNumberGenerator()
            let event = TrialEvent(
                sink: sink.name, version: version, now: SystemWallTime().now(), using: &generator)
            outcome.eventID = event.id
            outcome.findings += await made.sendTrial(event.batch)
        }
        await made.close()
        return outcome
    }
}
