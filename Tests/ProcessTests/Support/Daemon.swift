import Foundation

/// connlog itself, with a configuration of the test's.
struct Daemon {
    let workplace: Workplace
    let configuration: URL

    /// Writes a configuration that reads `log` and has these further sections.
    ///
    /// - Parameter settings: lines of the section `[connlog]`, beside the data directory, a host name, and as long as it
    ///   takes to deliver everything before the end.
    init(reading log: URL, sections: String, settings: String = "", in workplace: Workplace) throws {
        self.workplace = workplace
        configuration = try workplace.write(
            """
            [connlog]
            data_dir = \(workplace.path("data"))
            hostname = coderd.example.com
            \(settings.contains("shutdown_timeout") ? "" : "shutdown_timeout = 600s")
            \(settings)

            [source "coderd"]
            type = file
            path = \(log.path)

            \(sections)
            """, to: "connlog.ini")
    }

    /// Starts `connlog run`.
    func start(_ options: [String] = []) throws -> Child {
        try Child(
            Project.connlog.path, ["run", "--config", configuration.path] + options, in: workplace, named: "connlog")
    }

    /// Runs `connlog run --once` to its end.
    func once() throws -> Child.End { try start(["--once"]).wait() }

    /// Sections of a sink that writes JSON lines into a file of the workplace.
    static func file(_ name: String, in workplace: Workplace, _ keys: String = "rotate_size = 10GiB") -> String {
        "[sink \"\(name.replacing("/", with: "-"))\"]\ntype = file\npath = \(workplace.path(name))\n\(keys)\n\n"
    }

    static func syslog(_ name: String, _ keys: String) -> String {
        "[sink \"\(name)\"]\ntype = syslog\n\(keys)\n\n"
    }

    static func splunk(_ name: String, port: Int, _ keys: String = "") -> String {
        "[sink \"\(name)\"]\ntype = splunk_hec\nurl = http://127.0.0.1:\(port)\ntoken = test-token\n\(keys)\n\n"
    }
}

/// Generated coderd lines, with the IDs of their events.
struct GeneratedLog {
    let log: URL
    let identifiers: URL
    /// What an RFC 5424 receiver must see of each event; empty unless asked for.
    let messages: URL
    let events: Int

    init(lines: Int, seed: Int, withMessages: Bool = false, in workplace: Workplace) throws {
        log = workplace.url("generated-\(seed).log")
        identifiers = workplace.url("generated-\(seed).expected")
        messages = workplace.url("generated-\(seed).messages")
        let more = withMessages ? ["--messages", messages.path] : []
        let said = try Child.tool(
            "gen_lines.py",
            ["--lines", "\(lines)", "--seed", "\(seed)", "--out", log.path, "--ids", identifiers.path] + more,
            in: workplace)
        struct Counts: Decodable { let events: Int }
        events = try JSONDecoder().decode(Counts.self, from: Data(said.utf8)).events
    }
}
