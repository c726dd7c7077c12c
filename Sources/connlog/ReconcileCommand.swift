import ArgumentParser
import ConnlogConfig
import ConnlogCore
import ConnlogDaemon
import ConnlogPipeline
import ConnlogTools

/// `connlog reconcile`
struct ReconcileCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reconcile",
        abstract: "Compare Coder's own table of connections with the store of a running connlog.",
        discussion: """
            Proves that nothing is missing, or says what is: connections that Coder's table has and the store has not, \
            the other way round, and those of which the end differs. The configuration's [source] or [directory] with \
            type = coder_api says which Coder is asked, with which token.

            A connection of an agent is the same one by connection id, workspace and agent, a web request by its id; times may \
            differ by a microsecond. Compared is what can be: not what is younger than 15 minutes, and nothing from before \
            the oldest row that either of them has. What was compared, and why, is printed. Connections without a counterpart \
            are asked for one by one, 200 on each side; of more, it is unsure whether the other has them under another time.

            '[store] reconcile_every' has the daemon do the same for the last day again and again, and count.

            --from and --to: \(TimePoint.help). Times are those of the connects.

              connlog reconcile --from -24h --to now
              connlog reconcile --from 2026-03-01 --to 2026-03-08 --json

            Status: 0 the same, 1 they differ, or that is unsure, or there was nothing to compare, 2 configuration or usage.
            """)

    @OptionGroup var server: ServerConnection

    @Option(parsing: .unconditional, help: "The earliest connect time.")
    var from: String

    @Option(parsing: .unconditional, help: "The latest connect time.")
    var to: String

    @Option(help: "The name of the section of type coder_api, if there are several; default: the first.")
    var coder: String?

    @Flag(help: "Print JSON, one object.")
    var json = false

    func run() async throws {
        guard let begin = try TimeArgument.time(from, "--from"), let end = try TimeArgument.time(to, "--to"),
            begin < end
        else {
            throw ToolError("--from \(from) is not before --to \(to); nothing was compared", status: .usage)
        }
        let path = server.config ?? ConfigurationFile.usual
        let loaded = Registry.connlog.load(path, valuesOf: ["connlog", "server", "source", "directory"])
        guard let configuration = loaded.configuration else {
            throw ToolError("\(path) cannot be used; 'connlog check --config \(path)' says why", status: .usage)
        }
        let server = server
        let section = try Reconciliation.section(
            Registry.connlog.coders(of: configuration), named: coder, in: configuration.path)
        let reconciliation = try Reconciliation(section, version: Version.text, server: try server.name) {
            query, limit, take in
            try await server.get(
                Reconciliation.path(query, limit: limit), query: query, timeout: .seconds(86_400), take)
        }
        let outcome: ReconcileOutcome
        do {
            outcome = try await Interruption.stopping { try await reconciliation.run(from: begin, to: end) }
        } catch is CancellationError {
            throw ExitCode(ExitStatus.failed.rawValue)
        }
        Terminal.write(json ? outcome.json.document : outcome.text)
        if !outcome.isEqual { throw ExitCode(ExitStatus.failed.rawValue) }
    }
}
