import ArgumentParser

/// `connlog status`
struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show how a running connlog is: queue, sources, each sink's lag, state and last error.",
        discussion: "Asks its [server]. Status: 0 it answered, 1 it did not, 2 usage.")

    @OptionGroup var server: ServerConnection
    @Flag(help: "Print JSON, one object.") var json = false
    @Flag(help: "Also show every figure, with what it is.") var figures = false
    @Flag(help: "Show it again every two seconds, until Ctrl-C.") var watch = false

    func run() async throws {
        let query = json ? "" : "?format=text\(figures ? "&figures=all" : "")"
        let (server, path, watch) = (server, "/api/v2/connectionlog/status\(query)", watch)
        do {
            try await Interruption.stopping {
                repeat {
                    if watch, Terminal.isTerminal(Terminal.standardOutput) {
                        Terminal.put(Array("\u{1b}[H\u{1b}[2J".utf8))
                    }
                    let output = DataStream()
                    try await server.get(path, timeout: .seconds(30)) { output.write($0) }
                    output.finish()
                    if watch { try await Task.sleep(for: .seconds(2)) }
                } while watch
            }
        } catch is CancellationError {}
    }
}
