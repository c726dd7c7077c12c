import ConnlogConfig
import ConnlogPipeline
import ConnlogTestSupport
import Foundation
import Testing

@testable import ConnlogDaemon

/// What is right by the rules and may not be what was meant is told, with the way out.
@Suite struct DoubtsTests {
    private func doubts(_ text: String) throws -> [String] {
        let folder = FileManager.default.temporaryDirectory.appending(path: "doubts-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "connlog.ini")
        try text.write(to: file, atomically: true, encoding: .utf8)
        let loaded = Registry.connlog.load(file.path)
        return Doubts.of(try #require(loaded.configuration, "\(loaded.summary)"), .connlog)
    }

    private let parts =
        "[connlog]\ndata_dir = /var/lib/connlog\n[source \"c\"]\ntype = file\npath = /var/log/coder/*.log\n"
        + "[sink \"out\"]\ntype = file\npath = /var/log/connlog/out.jsonl\n"

    @Test func `a sound configuration leaves no doubt`() throws {
        #expect(try doubts(parts).isEmpty)
    }

    @Test func `a relative pattern of a source is told for what it is`() throws {
        let source = try doubts(parts.replacing("/var/log/coder/*.log", with: "/var/log/a.log, logs/*.log"))
        #expect(
            source == [
                "[source \"c\"] path: 'logs/*.log' begins where connlog is started; write a path that begins with '/'"
            ])
        // Those of single files begin where the configuration lies, wherever connlog is started.
        #expect(try doubts(parts.replacing("/var/log/connlog/out.jsonl", with: "out.jsonl")).isEmpty)
        #expect(try doubts(parts.replacing("/var/lib/connlog", with: "./data")).isEmpty)
        #expect(try doubts(parts.replacing("/var/log/connlog/out.jsonl", with: "-")).isEmpty)
    }

    @Test func `a source that anybody can write to is told, unless it says whom it believes`() throws {
        for format in ["journal", "fluent_bit", "cloudwatch", "otlp"] {
            let shared = parts.replacing(
                "type = file\npath = /var/log/coder", with: "type = file\nformat = \(format)\npath = /var/log/coder")
            let found = try doubts(shared)
            #expect(found.count == 1, "\(found)")
            #expect(found[0].hasPrefix("[source \"c\"] format: \(format) brings lines of many programs"), "\(found)")
            for key in ["from_unit", "from_container", "from_namespace", "from_log_group"] {
                #expect(try doubts(shared.replacing("format =", with: "\(key) = a, b\nformat =")).isEmpty)
            }
        }
    }

    @Test(arguments: [
        "/var/log/containers/*.log", "/var/log/pods/*/*/*.log", "/var/lib/docker/containers/*/*-json.log",
    ])
    func `the files of all containers are told, unless it is said whom to believe`(path: String) throws {
        let all = parts.replacing("/var/log/coder/*.log", with: path)
        let found = try doubts(all)
        #expect(found.count == 1 && found[0].contains("each of them can write an event"), "\(found)")
        #expect(try doubts(all.replacing("path = \(path)", with: "from_container = coder\npath = \(path)")).isEmpty)
        let own = "/var/log/containers/coder-*_coder_coder-*.log, /var/log/pods/coder_coder-*/coder/*.log"
        #expect(try doubts(parts.replacing("/var/log/coder/*.log", with: own)).isEmpty)
    }

    @Test(arguments: DoubtsTests.openKinds)
    func `an input that others fill is told while its format is auto, unless it is said whom to believe`(
        type: String
    ) throws {
        let source = "[source \"c\"]\ntype = \(type)\n"
        let rest = "[sink \"out\"]\ntype = file\npath = /var/log/connlog/out.jsonl\n"
        let found = try doubts(source + rest)
        #expect(found.count == 1, "\(found)")
        #expect(found.first?.hasPrefix("[source \"c\"] format: auto takes lines of every program") == true, "\(found)")
        for line in [
            "from_unit = coder.service", "from_container = coder", "from_namespace = coder", "from_log_group = a",
            "format = slog_json", "format = slog_human", "format = stackdriver", "container = cri", "container = none",
        ] { #expect(try doubts(source + line + "\n" + rest).isEmpty, "\(line)") }
        let named = try doubts(source + "format = cloudwatch\n" + rest)
        #expect(named.count == 1 && named[0].contains("cloudwatch brings lines of many programs"), "\(named)")
    }

    @Test func `Splunk's CSV is refused for a file, which may be read on from its middle, with the way out`() throws {
        let csv = parts.replacing("path = /var/log/coder", with: "format = splunk_csv\npath = /var/log/coder")
        let folder = FileManager.default.temporaryDirectory.appending(path: "csv-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "connlog.ini")
        try csv.write(to: file, atomically: true, encoding: .utf8)
        let errors = Plan.checked(Registry.connlog.load(file.path)).diagnostics.map(\.message)
        #expect(errors.count == 1 && errors[0].contains("take such a file by standard input"), "\(errors)")
    }

    #if Server
    private static let openKinds = ["stdin", "ingest"]
    #else
    private static let openKinds = ["stdin"]
    #endif

    #if Server
    private func server(_ listen: String, _ more: String = "") -> String {
        parts + "[store]\ntype = sqlite\n[server]\nlisten = \(listen)\n\(more)"
            + "[access \"a\"]\nrole = admin\ntoken_sha256 = \(String(repeating: "0a", count: 32))\n"
    }

    @Test func `a proxy for which every program of the machine could speak is told`() throws {
        func proxy(_ from: String, _ more: String = "") throws -> [String] {
            try doubts(
                server("127.0.0.1:8680") + "[access \"p\"]\ntype = proxy\nrole = auditor\nfrom = \(from)\n\(more)")
        }
        for address in ["127.0.0.1", "127.0.0.0/8", "::1"] {
            let found = try proxy("10.0.0.7, \(address)")
            #expect(found.count == 1 && found[0].contains("can connect from \(address) and say"), "\(found)")
            #expect(try proxy(address, "secret = s3cret\n").isEmpty)
        }
        #expect(try proxy("10.0.0.7").isEmpty)
    }

    @Test(arguments: ["0.0.0.0:8680", "[::]:8680", "10.0.0.7:8680", "connlog.example:8680"])
    func `tokens in the clear on a network are told, with the way out`(listen: String) throws {
        let found = try doubts(server(listen))
        #expect(found.count == 1, "\(found)")
        #expect(found[0].contains("go to \(listen) in the clear; set tls_cert and tls_key"), "\(found)")
        let tls = "tls_cert = /etc/connlog/cert.pem\ntls_key = /etc/connlog/key.pem\n"
        #expect(try doubts(server(listen, tls)).isEmpty)
    }

    @Test(arguments: ["127.0.0.1:8680", "127.3.4.5:8680", "localhost:8680", "[::1]:8680"])
    func `on the loopback they stay on the machine`(listen: String) throws {
        #expect(try doubts(server(listen)).isEmpty)
    }
    #endif
}
