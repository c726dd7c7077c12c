import ArgumentParser
import ConnlogCore
import ConnlogDaemon
import ConnlogSystem
import ConnlogTools

/// `connlog export`
struct ExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write an evidence package: connections, their events as received, a manifest, checksums.",
        discussion: """
            Asks the store of a running connlog, as connlog events does, for all that matches, and writes a zip:

              connections.csv   a line for each connection, as connlog events --csv has them
              events.jsonl      their events as they were received
              manifest.json     filter, range, zone, who asked, counts, when the store begins, connlog's version
              SHA256SUMS        for sha256sum -c

              connlog export 'workspace_owner:alice' --from 2026-03-01 --to 2026-04-01 --zone Europe/Berlin \\
                --package alice-march.zip

            A second run of the same question gives the same bytes, as long as the answer is the same: times before now \
            become absolute here, and the manifest tells when it was asked only with --asked-at. Who asked is whose token \
            it is. Without --from and --to it is about all that the store has.

            Status: 0 the package is complete, 1 it could not be made (then there is no file), 2 usage.
            """)

    @OptionGroup var query: QueryWords
    @OptionGroup var server: ServerConnection
    @OptionGroup var times: TimeOptions
    @Option(help: "The file to write; there must be none of that name yet.", completion: .file(extensions: ["zip"]))
    var package: String
    @Option(
        parsing: .unconditional,
        help: "Connections that began then or later: 24h (s, m, h, d, w), a date of the zone, or RFC 3339.")
    var from: String?
    @Option(parsing: .unconditional, help: "Connections that began before then.")
    var to: String?
    @Option(
        parsing: .unconditional,
        help: "Say in the manifest when it was asked: now, or a time. Relative times count from it.")
    var askedAt: String?

    func validate() throws {
        if times.local { throw ValidationError("--local is another zone elsewhere; name it with --zone") }
    }

    func run() async throws {
        let shown = try times.shown()
        var path = "/api/v2/connectionlog/export?format=package&q=\(URLText.escaped(query.text))"
        path += "&zone=\(URLText.escaped(shown.name))"
        for (name, option, text) in [("from", "--from", from), ("to", "--to", to), ("asked_at", "--asked-at", askedAt)]
        {
            guard let text else { continue }
            path += "&\(name)=\(URLText.escaped(EventTime.text(try shown.point(text, option))))"
        }
        let (server, query, question) = (server, query.text, path)
        let file: NewFile
        do throws(SystemError) { file = try NewFile(package) } catch { throw ToolError.usage("--package: \(error)") }
        do {
            try await Interruption.stopping {
                try await server.get(question, query: query, timeout: .seconds(86_400)) { file.write($0) }
            }
            try file.finish()
        } catch let error as SystemError {
            file.abandon()
            throw ToolError("\(package) could not be written: \(error)")
        } catch is CancellationError {
            file.abandon()
            throw ExitCode(ExitStatus.failed.rawValue)
        } catch {
            file.abandon()
            throw error
        }
        // What a name that nobody has is not found by is told, as with every answer.
        let escaped = "\(URLText.escaped(query))&zone=\(URLText.escaped(shown.name))"
        try await Interruption.stopping { try await EventsCommand.tellWhy(query, escaped, server) }
        Terminal.writeError("connlog: \(package) is complete, with \(Quantity.bytes(file.bytes))\n")
    }
}
