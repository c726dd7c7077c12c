import ArgumentParser
import ConnlogDaemon
import Synchronization

/// `connlog tail`
struct TailCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tail",
        abstract: "Follow events as the store of a running connlog gets them, until Ctrl-C.",
        discussion: "When the connection breaks it is made anew, and goes on where it was.")

    @OptionGroup var query: QueryWords
    @OptionGroup var server: ServerConnection
    @Flag(help: "JSON Lines.") var json = false

    func run() async throws {
        let lines = EventLines()
        let (server, query, format) = (server, ServerConnection.escaped(query.text), json ? "" : "&format=text")
        do {
            try await Interruption.stopping {
                var hasWorked = false
                while !Task.isCancelled {
                    let last = lines.last.map { "&last_event_id=\($0)" } ?? ""
                    do {
                        try await server.get(
                            "/api/v2/connectionlog/watch?q=\(query)\(format)\(last)", timeout: .seconds(86_400)
                        ) { lines.take($0) }
                    } catch let error as ToolError {
                        // A query that is wrong stays so; a server that was there may come back.
                        guard lines.hasBegun || hasWorked else { throw error }
                        Terminal.writeError("connlog: \(error); trying again\n")
                    }
                    hasWorked = hasWorked || lines.hasBegun
                    try await Task.sleep(for: .seconds(2))
                }
            }
        } catch is CancellationError {}
    }
}

/// Takes server-sent events apart and prints their data.
private final class EventLines: Sendable {
    private struct State {
        var rest: [UInt8] = []
        var last: String?
        var hasBegun = false
    }

    private let state = Mutex(State())

    /// The id of the newest event.
    var last: String? { state.withLock { $0.last } }
    var hasBegun: Bool { state.withLock { $0.hasBegun } }

    func take(_ bytes: [UInt8]) {
        let lines = state.withLock { state -> [String] in
            state.hasBegun = true
            state.rest += bytes
            var lines = state.rest.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            state.rest = Array(lines.removeLast())
            return lines.map { String(decoding: $0, as: UTF8.self) }
        }
        for line in lines {
            if line.hasPrefix("id: ") { state.withLock { $0.last = String(line.dropFirst(4)) } }
            if line.hasPrefix("data: ") { Terminal.write(line.dropFirst(6) + "\n") }
        }
    }
}
