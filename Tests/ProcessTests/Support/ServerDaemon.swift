import ConnlogSystem
import Foundation
import Synchronization

/// connlog with its server and a store: the build that has them, which is another than the forwarder.
struct ServerDaemon {
    let daemon: Daemon
    let port: Int
    private let workplace: Workplace

    /// - Parameters:
    ///   - sections: beside `[store]` and `[server]`.
    ///   - settings: lines of `[connlog]`.
    init(
        reading log: URL, sections: String = "", server: String = "", store: String = "", settings: String = "",
        in workplace: Workplace
    ) throws {
        self.workplace = workplace
        port = try Ports.free(1, in: workplace)[0]
        let open = sections.contains("[access") ? "" : "open = true\n"
        let own = "[store]\ntype = sqlite\n\(store)\n\n[server]\nlisten = 127.0.0.1:\(port)\n\(open)\(server)\n\n"
        daemon = try Daemon(reading: log, sections: own + sections, settings: settings, in: workplace)
    }

    /// `CONNLOG_SERVER_BINARY`, or the one that was built beside this test.
    static let program: String =
        ProcessInfo.processInfo.environment["CONNLOG_SERVER_BINARY"]
        ?? URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        .appending(path: "connlog").path

    /// Starts it, and waits until it answers.
    func start() throws -> Child {
        let child = try run()
        // Not whether the port is taken: that may be the server of one that was killed a moment ago.
        try eventually("it listens") { !child.isRunning || child.errors.contains("server: listening at") }
        return child
    }

    /// Runs `connlog run --once` to its end.
    func once() throws -> Child.End { try run(["--once"]).wait() }

    /// Starts it, whether it will answer or not.
    func run(_ options: [String] = []) throws -> Child {
        try Child(
            ServerDaemon.program, ["run", "--config", daemon.configuration.path] + options, in: workplace,
            named: "connlog")
    }

    /// Runs a command of this connlog that asks the server.
    func command(_ arguments: [String]) throws -> Child.End {
        try Child.run(
            ServerDaemon.program, arguments + ["--config", daemon.configuration.path], in: workplace)
    }

    /// Waits until the store has so many events of connections.
    func waitForEvents(_ count: Int) throws {
        try eventually("\(count) events are in the store") {
            let text = try Child.run(
                "/usr/bin/env", ["curl", "-s", "http://127.0.0.1:\(port)/metrics"], in: workplace
            ).output
            func figure(_ name: String) -> Int {
                let line = text.split(separator: "\n").first {
                    $0.hasPrefix("connlog_sink_\(name)_total{sink=\"store\"}")
                }
                return Int(line?.split(separator: " ").last ?? "") ?? 0
            }
            // Who asked meanwhile is there too.
            return figure("delivered_events") - figure("audit_events") == count
        }
    }

    func curl(_ path: String, _ options: [String] = []) throws -> String {
        let url = "http://127.0.0.1:\(port)\(path)"
        return try Child.run("/usr/bin/env", ["curl", "-s"] + options + [url], in: workplace).output
    }
}
