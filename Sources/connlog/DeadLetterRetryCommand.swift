import ArgumentParser
import ConnlogConfig
import ConnlogCore
import ConnlogDaemon
import ConnlogPipeline
import ConnlogTools

/// `connlog dead-letter retry`
struct DeadLetterRetryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry",
        abstract: "Send a sink's dead letters again, and remove those that the receiver has taken.",
        discussion: """
            They go through the sink as it is configured now. What is refused again stays. One is removed only when the \
            receiver has it, so nothing is lost whenever this is interrupted; at worst it is sent twice, under the same \
            event id. May be used beside a running daemon.
            Status: 0 all are delivered and removed, 1 some stay, 2 configuration or usage, 3 stopped before the end.
            """)

    @OptionGroup var file: ConfigurationFile
    @OptionGroup var choice: DeadLetterChoice
    @OptionGroup var giveUp: GiveUpOptions

    @Argument(help: "Ids, as list shows them, such as splunk/4711; all of --sink if there are none.")
    var ids: [String] = []

    @Flag(help: "Print JSON, one object.")
    var json = false

    func run() async throws {
        let (sink, selection) = try choice.selection(ids: ids)
        guard let sink else { throw ToolError("which sink? name it with --sink, or name ids", status: .usage) }
        let configuration = try file.load()
        let location = QueueLocation(dataDirectory: configuration.connlog.string("data_dir"))
        let plan = Plan(configuration, version: Version.text, log: Terminal.complain)
        let target = try ResendTarget(
            sink, among: plan.pipeline.sinks, patience: try giveUp.duration, log: Terminal.complain)
        let outcome = try await Interruption.stopping {
            try await target.retryDeadLetters(selection, at: location)
        }
        if outcome.selected == 0, !ids.isEmpty {
            throw ToolError("none of these ids is there; connlog dead-letter list shows them")
        }
        Terminal.write(json ? outcome.json(sink: sink).document : outcome.text(sink: sink))
        if let reason = outcome.gaveUp { throw ToolError("sink '\(sink)' was given up: \(reason)") }
        if outcome.left > 0 { throw ExitCode(ExitStatus.eventsQueued.rawValue) }
        if !outcome.isComplete { throw ExitCode(ExitStatus.failed.rawValue) }
    }
}

/// How long a sink that fails is tried.
struct GiveUpOptions: ParsableArguments {
    @Option(help: "Give up when the sink has failed for so long, such as 30s, 5m or 2h.")
    var giveUpAfter = "5m"

    var duration: Duration {
        get throws(ToolError) {
            let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
            guard let unit = giveUpAfter.last.flatMap({ units[$0] }), let count = Int64(giveUpAfter.dropLast()),
                (0...1_000_000).contains(count)
            else {
                throw ToolError(
                    "--give-up-after: '\(giveUpAfter)' is not a duration such as 30s, 5m or 2h", status: .usage)
            }
            return .seconds(count * unit)
        }
    }
}
