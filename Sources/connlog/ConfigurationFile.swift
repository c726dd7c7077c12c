import ArgumentParser
import ConnlogConfig
import ConnlogDaemon
import ConnlogPipeline

/// `--config F`, for all commands that need one.
struct ConfigurationFile: ParsableArguments {
    /// Where it is when nothing is said.
    static let usual = "/etc/connlog/connlog.ini"

    @Option(name: .shortAndLong, help: "The configuration file (INI).", completion: Completions.configuration)
    var config = ConfigurationFile.usual

    /// Reads it, prints everything that is wrong or odd, and fails with status 2 if something is wrong.
    /// - Parameters:
    ///   - showsDoubts: also print what sources and sinks find doubtful, as the daemon's log will.
    ///   - readsCredentials: what `${credential:...}` stands for has to be there.
    ///   - kinds: the kinds of sections that are used, when it is not all of them: credentials of others need not be there.
    func load(
        showsDoubts: Bool = false, readsCredentials: Bool = true, valuesOf kinds: Set<String>? = nil
    ) throws -> Configuration {
        var environment = Environment.process
        environment.readsCredentials = readsCredentials
        var loaded = Registry.connlog.load(config, environment: environment, valuesOf: kinds)
        if kinds == nil {
            loaded = Plan.checked(loaded) { level, text in
                if showsDoubts { Terminal.writeError("\(config): \(level): \(text)\n") }
            }
        }
        let report = loaded.report(color: Terminal.showsColourOfErrors)
        if !report.isEmpty { Terminal.errorsGoToJournal ? Terminal.writeFailure(report) : Terminal.draw(report) }
        guard let configuration = loaded.configuration else {
            Terminal.writeFailure("\(loaded.summary); nothing was started\n")
            throw ExitCode(ExitStatus.usage.rawValue)
        }
        return configuration
    }
}
