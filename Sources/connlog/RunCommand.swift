import ArgumentParser
import ConnlogConfig
import ConnlogDaemon
import ConnlogPipeline
import ConnlogSystem
import Logging
import ServiceLifecycle

/// `connlog run`
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Read the sources and deliver to the sinks, in the foreground.",
        discussion: """
            SIGTERM and SIGINT: stop reading, deliver for shutdown_timeout, keep the rest queued; a second one: stop at
            once. SIGHUP: read the configuration again, open files anew, read credentials again; with a mistake in
            the configuration, all of it stays as it was.
            """)

    @OptionGroup var file: ConfigurationFile

    @Flag(help: "Read the inputs to their end, deliver everything, then stop.")
    var once = false

    func run() async throws {
        // One that comes early is not the end.
        let signals = await DaemonSignals.trap()
        let configuration = try file.load()
        let isTerminal = Terminal.isTerminal(Terminal.standardError)
        let progress = once && isTerminal ? ProgressLine() : nil
        let log = OwnLog(configuration.connlog, progress: progress)
        var options = Daemon.Options(once: once, version: Version.text)
        if let progress { options.progress = { progress.draw($0) } }
        options.configuration = file.config
        options.adopt = { log.adopt($0) }
        options.signals = signals
        let daemon = Daemon(configuration, options, log: log.write)
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [.init(service: daemon, successTerminationBehavior: .gracefullyShutdownGroup)],
                logger: log.quiet))
        try await group.run()
        progress?.clear()
        if daemon.exitStatus != .done { throw ExitCode(daemon.exitStatus.rawValue) }
    }
}
