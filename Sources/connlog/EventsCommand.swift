import ArgumentParser
import ConnlogCore
import ConnlogDaemon
import ConnlogTools
import Synchronization

/// `connlog events`
struct EventsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events",
        abstract: "Ask the store of a running connlog for connections, newest first.",
        discussion: """
            The query is Coder's filter language with connlog's additions:

              connlog events 'workspace_owner:alice status:ongoing'
              connlog events type:ssh --since 24h -ip:10.0.0.0/8 --csv --limit 0 > day.csv
              connlog events 'code:400-599' --zone Europe/Berlin
              connlog events 'duration:>8h dev'

            Prints a table, as wide as the terminal and with colours there (NO_COLOR and TERM=dumb are honoured); in a \
            pipe nothing of it is cut. With --json or --csv times are in UTC.
            """)

    @OptionGroup var query: QueryWords
    @OptionGroup var server: ServerConnection
    @OptionGroup var times: TimeOptions
    @Option(
        parsing: .unconditional,
        help: "Only connections that began since: 24h (s, m, h, d, w), a date, or RFC 3339.")
    var since: String?
    @Flag(help: "Print JSON, an object a line, as the API has them.") var json = false
    @Flag(help: "CSV with a header line.") var csv = false
    @Option(help: "At most so many, and a word on stderr if there are more; 0: all.") var limit = 100

    func validate() throws {
        if json, csv { throw ValidationError("--json and --csv exclude one another") }
        if limit < 0 { throw ValidationError("--limit must not be negative") }
    }

    func run() async throws {
        let shown = try times.shown()
        var words = query.text
        if let since {
            let start = EventTime.text(try shown.point(since, "--since"))
            words += "\(words.isEmpty ? "" : " ")connected_after:\"\(start)\""
        }
        let (query, escaped) = (words, URLText.escaped(words))
        let format = csv ? "csv" : "jsonl"
        let zone = try times.parameter(query)
        let path = "/api/v2/connectionlog/export?format=\(format)&limit=\(limit)&q=\(escaped)\(zone)"
        let rows = Mutex(RowLimit(limit, isCSV: csv))
        let (server, output) = (server, output(shown))
        do {
            try await Interruption.stopping {
                try await server.get(path, query: query, timeout: .seconds(86_400)) { bytes in
                    rows.withLock { $0.take(bytes) }
                    output.write(bytes)
                }
            }
            output.finish()
            try await Interruption.stopping {
                try await EventsCommand.tellMore(rows.withLock { $0 }, escaped + zone, server)
                if rows.withLock({ $0.isEmpty }) { try await EventsCommand.tellWhy(query, escaped + zone, server) }
            }
        } catch is CancellationError {
            throw ExitCode(ExitStatus.failed.rawValue)
        }
    }

    /// Says why there are none.
    static func tellWhy(_ query: String, _ escaped: String, _ server: ServerConnection) async throws {
        let answer = Mutex<[UInt8]>([])
        do {
            try await server.get(RowLimit.warningsPath(escaped), timeout: .seconds(60)) { bytes in
                answer.withLock { $0 += bytes }
            }
        } catch is ToolError {
            // That there are none was told.
            return
        }
        if let words = QueryMistakes.warnings(query, answer.withLock { $0 }) {
            Terminal.writeError("connlog: warning: \(words)\n")
        }
    }

    private func output(_ shown: ShownTime) -> EventsOutput {
        if json || csv { return EventsOutput(stream: DataStream(csv ? .csv : .lines)) }
        var style = EventTable.Style()
        (style.columns, style.isColoured, style.time) = (Terminal.columns, Terminal.showsColour, shown)
        return EventsOutput(table: EventTable(style))
    }

    /// Says how many there are beside those that were given.
    private static func tellMore(_ rows: RowLimit, _ query: String, _ server: ServerConnection) async throws {
        guard rows.isReached else { return }
        let answer = Mutex<[UInt8]?>(nil)
        do {
            try await server.get(rows.path(query), timeout: .seconds(60)) { bytes in
                answer.withLock { $0 = ($0 ?? []) + bytes }
            }
        } catch is ToolError {
            // The rows are there; how many there are beside them could not be said in time.
            answer.withLock { $0 = nil }
        }
        if let words = rows.words(answer.withLock { $0 }) { Terminal.writeError("connlog: \(words)\n") }
    }
}

/// Where the rows go: as they come, or into a table.
private final class EventsOutput: Sendable {
    private let stream: DataStream?
    private let table: Mutex<EventTable?>

    init(stream: DataStream) {
        self.stream = stream
        table = Mutex(nil)
    }

    init(table: EventTable) {
        stream = nil
        self.table = Mutex(table)
    }

    func write(_ bytes: [UInt8]) {
        stream?.write(bytes)
        put(table.withLock { $0?.take(bytes) })
    }

    func finish() {
        stream?.finish()
        put(table.withLock { $0?.finish() })
    }

    /// A table is fit for a terminal as it is, colours and all.
    private func put(_ text: String?) {
        if let text, !text.isEmpty { Terminal.put(Array(text.utf8)) }
    }
}
