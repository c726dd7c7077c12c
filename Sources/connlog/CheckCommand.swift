import ArgumentParser
import ConnlogConfig
import ConnlogCore
import ConnlogDaemon
import ConnlogPipeline
import ConnlogTools

/// `connlog check`
struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Say whether the configuration is right, what it comes to, and whether the sinks can be reached.",
        discussion: """
            Prints every mistake with its place, exactly as `connlog run` would, and ends with status 2; or the \
            effective configuration, each value with where it comes from, and ends with 0. Starts nothing.

            With --connect the data directory, the sources' files and every sink are tried instead: a receiver is \
            connected to, a directory gets a scratch file that is removed again, [server] takes its address for a moment, \
            and its certificate is looked at. With --send each sink that could be reached also gets one test event, \
            whatever its filter says: a disconnect from the workspace connlog-test, at 192.0.2.1, with an id that is \
            printed. A log file is left alone: it holds real events only, and its sink says what it would have written. \
            Both may be used beside a running daemon, best as the user that it runs as.
            Status: 0 nothing failed, 1 something did, 2 configuration or usage.
            """)

    @OptionGroup var file: ConfigurationFile

    @Flag(help: "Try the data directory, the sources and every sink, and say what was found.")
    var connect = false

    @Flag(help: "Send one marked test event to every sink, and say what the receiver said. Includes --connect.")
    var send = false

    @Flag(help: "With --connect or --send: print JSON, one object.")
    var json = false

    @Flag(help: "Print mistakes and doubts alone, not the effective configuration.")
    var quiet = false

    @Flag(help: "Check without what ${credential:...} stands for, which only the service may read.")
    var withoutSecrets = false

    func validate() throws {
        if quiet && (connect || send) { throw ValidationError("--quiet is for a check without --connect and --send") }
        if withoutSecrets && (connect || send) { throw ValidationError("--connect and --send need the secrets") }
        if json && !connect && !send { throw ValidationError("--json needs --connect or --send") }
    }

    func run() async throws {
        let configuration = try file.load(showsDoubts: true, readsCredentials: !withoutSecrets)
        guard connect || send else {
            let plan = Plan(configuration, version: Version.text, log: { _, _ in })
            let ground = GroundTrial(configuration, .connlog, directories: plan.directories)
            for doubt in ground.doubts() { Terminal.writeError("\(file.config): warning: \(doubt)\n") }
            if quiet { return }
            Terminal.write(configuration.effectiveText)
            return Terminal.writeError("\(file.config): the configuration is right\n")
        }
        Terminal.writeError("\(file.config): the configuration is right; trying what it names\n")
        let plan = Plan(configuration, version: Version.text, log: Terminal.complain)
        let signIns = plan.signInTrials.map { GroundTrial.SignIn(name: $0.name, type: $0.type, run: $0.run) }
        let ground = GroundTrial(
            configuration, .connlog, directories: plan.directories, coders: plan.coderTrials, signIns: signIns)
        let outcomes = await SinkTrial(plan.pipeline.sinks, ground: ground, version: Version.text).run(sends: send)
        Terminal.write(json ? SinkTrial.json(outcomes).document : SinkTrial.text(outcomes))
        Terminal.writeError("\(file.config): \(SinkTrial.summary(outcomes, sent: send))\n")
        if outcomes.contains(where: \.hasFailed) { throw ExitCode(ExitStatus.failed.rawValue) }
    }
}
