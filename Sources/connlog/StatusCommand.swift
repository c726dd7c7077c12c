import ArgumentParser
import ConnlogCore
import ConnlogSystem
import ConnlogTools
import Synchronization

/// `connlog status`
struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show how a running connlog is: queue, sources, store, each sink's lag, rate, state and last error.",
        discussion: """
            Asks its [server]. With --watch a terminal shows it anew every two seconds in its place, with what has \
            changed since the last look; elsewhere the first look is followed by the lines that change. A connlog that \
            is started again meanwhile is waited for.

            Status: 0 it answered, 1 it did not, 2 usage.
            """)

    @OptionGroup var server: ServerConnection
    @Flag(help: "Print JSON, one object.") var json = false
    @Flag(help: "Also show every figure, with what it is.") var figures = false
    @Flag(help: "Show it again every two seconds, and what has changed, until Ctrl-C.") var watch = false

    private static let pause = Duration.seconds(2)

    func run() async throws {
        let query = json ? "" : "?format=text\(figures ? "&figures=all" : "")"
        let (server, path, watch, json) = (server, "/api/v2/connectionlog/status\(query)", watch, json)
        do {
            try await Interruption.stopping {
                guard watch else { return Terminal.write(try await StatusCommand.look(server, path)) }
                try await StatusCommand.watch(server, path, comparing: !json)
            }
        } catch is CancellationError {}
    }

    private static func look(_ server: ServerConnection, _ path: String) async throws -> String {
        let answer = Mutex<[UInt8]>([])
        try await server.get(path, timeout: .seconds(30)) { bytes in answer.withLock { $0 += bytes } }
        return String(decoding: answer.withLock { $0 }, as: UTF8.self)
    }

    /// - Parameter comparing: what is told can be held against what was told before.
    private static func watch(_ server: ServerConnection, _ path: String, comparing: Bool) async throws {
        var last: String?
        while true {
            do {
                let text = try await look(server, path)
                show(text, since: last, comparing: comparing)
                last = text
            } catch let error as ToolError {
                // One that was there may come back; what is wrong with the question stays so.
                guard last != nil, error.status == .failed else { throw error }
                Terminal.writeError("connlog: \(error); trying again\n")
            }
            try await Task.sleep(for: pause)
        }
    }

    private static func show(_ text: String, since last: String?, comparing: Bool) {
        guard comparing else { return Terminal.write(text) }
        let lines = StatusChanges.lines(text, since: last)
        guard Terminal.drawsOver, let size = Machine.terminalSize(Terminal.standardOutput) else {
            if last == nil { return Terminal.write(text) }
            let changes = StatusChanges.report(lines)
            if changes.isEmpty { return }
            let time = EventTime.text(SystemWallTime().now()).prefix(19)
            return Terminal.write("\n\(time)Z\n\(changes)")
        }
        if last == nil { Terminal.put(Array("\u{1b}[H\u{1b}[2J".utf8)) }
        let frame = StatusChanges.frame(
            lines, columns: size.columns, rows: size.lines, isColoured: Terminal.showsColour)
        Terminal.put(Array(frame.utf8))
    }
}
