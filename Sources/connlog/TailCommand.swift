import ArgumentParser
import ConnlogTools
import Synchronization

/// `connlog tail`
struct TailCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tail",
        abstract: "Follow events as the store of a running connlog gets them, until Ctrl-C.",
        discussion: "When the connection breaks it is made anew, and goes on where it was.")

    @OptionGroup var query: QueryWords
    @OptionGroup var server: ServerConnection
    @Flag(help: "Print JSON, an object a line.") var json = false

    func run() async throws {
        let lines = EventLines()
        let (server, text, format) = (server, query.text, json ? "" : "&format=text")
        let query = URLText.escaped(text)
        do {
            try await Interruption.stopping {
                var hasWorked = false
                while !Task.isCancelled {
                    let last = lines.last.map { "&last_event_id=\($0)" } ?? ""
                    do {
                        try await server.get(
                            "/api/v2/connectionlog/watch?q=\(query)\(format)\(last)", query: text,
                            timeout: .seconds(86_400)
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

/// Takes server-sent events apart, prints their data, and says what else there is to say.
private final class EventLines: Sendable {
    private struct State {
        var stream = WatchedEvents()
        var hasBegun = false
    }

    private let state = Mutex(State())

    /// The id of the newest event.
    var last: String? { state.withLock { $0.stream.last } }
    var hasBegun: Bool { state.withLock { $0.hasBegun } }

    func take(_ bytes: [UInt8]) {
        let told = state.withLock { state in
            state.hasBegun = true
            return state.stream.take(bytes)
        }
        for event in told {
            if event.isRestart {
                Terminal.writeError("connlog: the store has begun anew; its events come from here on\n")
            } else {
                Terminal.write(event.data + "\n")
            }
        }
    }
}
