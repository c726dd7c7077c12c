import ArgumentParser
import ConnlogCore
import ConnlogDaemon
import ConnlogTools

/// `connlog queue`
struct QueueCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "queue",
        abstract: "Look at the queue on disk: verify, inspect, export, forget-sink.",
        discussion: """
            The first three may be used at any time. They take no lock and change nothing, so a running daemon does not \
            notice them. forget-sink needs the daemon to be stopped.
            """,
        subcommands: [
            QueueVerifyCommand.self, QueueInspectCommand.self, QueueExportCommand.self, QueueForgetSinkCommand.self,
        ])
}

/// `connlog queue verify`
struct QueueVerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Read every record of the queue and check its checksum.",
        discussion: """
            Tells every damaged place with its file, position and loss, and what lies in quarantine/. An unfinished write \
            at the end is no damage: a crash leaves one, or the daemon is writing it now.
            Status: 0 no damage, 1 damage or the queue cannot be read, 2 usage.
            """)

    @OptionGroup var queue: QueueOptions
    @Flag(help: "Print JSON, one object.") var json = false

    func run() async throws {
        let location = try queue.load().location
        let progress = TerminalProgress()
        let survey = try QueueSurvey(
            location.snapshot(), holder: location.holder, reads: true, progress: progress.bar)
        progress.clear()
        Terminal.write(json ? survey.json.document : survey.verdict)
        if survey.isDamaged { throw ExitCode(ExitStatus.failed.rawValue) }
    }
}

/// `connlog queue inspect`
struct QueueInspectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Show segments, sinks with their lag, and the sources' positions.",
        discussion: """
            COMMITTED is the offset before which a sink has everything, LAG the events that wait for it, DROPPED those it \
            lost by on_full = drop_oldest, HOLDS the bytes that cannot be freed because of it.
            """)

    @OptionGroup var queue: QueueOptions
    @Flag(help: "Do not read all records: no counts by kind, no times of events, no check of old segments.")
    var quick = false
    @Flag(help: "Print JSON, one object.") var json = false

    func run() async throws {
        let location = try queue.load().location
        let progress = TerminalProgress()
        let survey = try QueueSurvey(
            location.snapshot(), holder: location.holder, reads: !quick, progress: progress.bar)
        progress.clear()
        Terminal.write(json ? survey.json.document : survey.overview)
    }
}
