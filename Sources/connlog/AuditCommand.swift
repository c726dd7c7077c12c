import ArgumentParser
import ConnlogCore
import ConnlogDaemon
import ConnlogTools
import Synchronization

/// `connlog audit`
struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "Show who asked the server of a running connlog, and who exported what, newest first.",
        discussion: """
            Each answer of the API, the page and these commands is an event of its own, kept in the store as long as \
            connections are, and sent to the sinks that have include = audit:

              connlog audit --since 7d --limit 0
              connlog audit --json | jq 'select(.action == "package")'

            Only whoever has the role 'admin' for all organizations sees them; that they did is told too.
            """)

    @OptionGroup var server: ServerConnection
    @OptionGroup var times: TimeOptions
    @Option(
        parsing: .unconditional, help: "Only what was asked since: 24h (s, m, h, d, w), a date, or RFC 3339.")
    var since: String?
    @Flag(help: "Print JSON, an object a line, as the API has them.") var json = false
    @Option(help: "At most so many, and a word on stderr if there are more; 0: all.") var limit = 100

    private static let pageMax = 1000

    func validate() throws {
        if limit < 0 { throw ValidationError("--limit must not be negative") }
    }

    func run() async throws {
        let shown = try times.shown()
        let from = try since.map { "&from=\(URLText.escaped(EventTime.text(try shown.point($0, "--since"))))" }
        var (left, next) = (limit == 0 ? Int.max : limit, String?.none)
        do {
            repeat {
                let wanted = min(left, AuditCommand.pageMax)
                let path =
                    "/api/v2/connectionlog/audit?limit=\(wanted)\(from ?? "")\(next.map { "&before=\($0)" } ?? "")"
                let page = try await Interruption.stopping { [server] in try await AuditCommand.page(path, server) }
                for event in page.events { show(event, shown) }
                left -= page.events.count
                next = page.next
            } while next != nil && left > 0
        } catch is CancellationError {
            throw ExitCode(ExitStatus.failed.rawValue)
        }
        if next != nil { Terminal.writeError("connlog: there are more; --limit 0 shows all\n") }
    }

    private static func page(
        _ path: String, _ server: ServerConnection
    ) async throws -> (events: [JSONValue], next: String?) {
        let answer = Mutex<[UInt8]>([])
        try await server.get(path, timeout: .seconds(60)) { bytes in answer.withLock { $0 += bytes } }
        let value: JSONValue
        do throws(JSONValue.Mistake) { value = try JSONValue(reading: answer.withLock { $0 }) } catch {
            throw ToolError("the server's answer cannot be read: \(error)")
        }
        return (value["audit"]?.array ?? [], value["next"]?.string)
    }

    private func show(_ event: JSONValue, _ shown: ShownTime) {
        if json { return Terminal.put(Array((event.line + "\n").utf8)) }
        let time = event["time"]?.string.flatMap { EventTime.parse($0) }.map { shown.text($0) } ?? "-"
        Terminal.write("\(time)  \(event["text"]?.string ?? "")\n")
    }
}
