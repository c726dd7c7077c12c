import ArgumentParser
import ConnlogConfig
import ConnlogCore
import ConnlogDaemon
import ConnlogPipeline
import ConnlogSystem
import ConnlogTools

/// `connlog replay`
struct ReplayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Send the events of a time range to a sink once more.",
        discussion: """
            For a receiver that lost data. The events come from the log files that the configuration's file sinks with \
            format = json have written (rotated and compressed ones too), and from the queue; each once, by its id. \
            They keep their event ids, so a receiver that still has some of them can drop the repeats. The sink's filter \
            holds. A running daemon is not disturbed and goes on sending what is new. File sinks are no target, since \
            they hold every event exactly once.

            What neither has any more cannot be sent: look at "oldest" in what it prints.

            --from and --to: \(TimePoint.help). Times are those of the events; --from is included, --to is not.

              connlog replay --sink splunk --from -24h --dry-run
              connlog replay --sink splunk --from 2026-03-03T07:00:00Z --to 2026-03-03T09:00:00Z

            Status: 0 all are delivered, 1 some were refused, could not be read, or the sink was given up, 2 \
            configuration or usage, 3 stopped before the end.
            """)

    @OptionGroup var file: ConfigurationFile
    @OptionGroup var giveUp: GiveUpOptions

    @Option(help: "The sink.", completion: Completions.sinks)
    var sink: String

    @Option(parsing: .unconditional, help: "The earliest time.")
    var from: String

    @Option(parsing: .unconditional, help: "The time to stop before; without it, now.")
    var to = "now"

    @Flag(help: "Only count what would be sent.")
    var dryRun = false

    @Flag(help: "Print JSON, one object.")
    var json = false

    func run() async throws {
        let times = TimeRange(from: try TimeArgument.time(from, "--from"), to: try TimeArgument.time(to, "--to"))
        guard let begin = times.from, let end = times.to, begin < end else {
            throw ToolError("--from \(from) is not before --to \(to); nothing was sent", status: .usage)
        }
        let configuration = try file.load()
        let location = QueueLocation(dataDirectory: configuration.connlog.string("data_dir"))
        let progress = TerminalProgress()
        let log: LogFunction = { level, text in
            progress.clear()
            Terminal.complain(level, text)
        }
        let sinks = Plan(configuration, version: Version.text, log: log).pipeline.sinks
        let target = try ResendTarget(sink, among: sinks, patience: try giveUp.duration, log: log)
        let archives = ResendTarget.archives(sinks)
        let bar = progress.bar
        let sends = !dryRun
        let outcome = try await Interruption.stopping {
            try await target.replay(times, at: location, files: archives, sends: sends, progress: bar)
        }
        progress.clear()
        Terminal.write(json ? outcome.json(sink: sink).document : outcome.text(sink: sink))
        if let reason = outcome.gaveUp {
            throw ToolError("sink '\(sink)' was given up: \(reason); once it is mended, run this again")
        }
        if outcome.wasStopped { throw ExitCode(ExitStatus.eventsQueued.rawValue) }
        if !outcome.isComplete { throw ExitCode(ExitStatus.failed.rawValue) }
    }
}
