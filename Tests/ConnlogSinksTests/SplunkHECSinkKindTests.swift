import ConnlogConfig
import ConnlogCore
import ConnlogPipeline
import ConnlogSystem
import Foundation
import Testing

@testable import ConnlogSinks

@Suite struct SplunkHECSinkKindTests {
    private let context = SinkContext(
        hostname: "here", version: "1.2.3", pid: 1, dataDirectory: "/nonexistent", log: { _, _ in })

    /// The section as the configuration reads it, or what it says against it.
    private func section(_ lines: String) throws -> Result<Section, Diagnostic> {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("connlog-\(UUID().uuidString).ini")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data("[connlog]\n[sink \"splunk\"]\ntype = splunk_hec\n\(lines)\n".utf8).write(to: file)
        let loaded = Configuration.load(file.path, schemas: [SplunkHECSinkKind.schema])
        if let section = loaded.configuration?.sections(ofKind: "sink").first { return .success(section) }
        return .failure(try #require(loaded.diagnostics.first))
    }

    private func settings(_ lines: String) throws -> SplunkHECSink.Settings {
        try SplunkHECSinkKind.settings(try section(lines).get(), context)
    }

    private let least = "url = https://splunk:8088\ntoken = secret-token"

    @Test func `two keys are enough`() throws {
        let settings = try settings(least)
        #expect(settings.endpoints.map(\.eventURL) == ["https://splunk:8088/services/collector/event"])
        #expect(try settings.token.read() == "secret-token")
        #expect(settings.format == .fields && settings.compresses && !settings.adaptsConcurrency)
        #expect(
            settings.metadata == .init(host: "here", source: "connlog", sourcetype: "coder:connection", index: nil))
        #expect(settings.limits.bytes == 900 << 10 && settings.limits.events == 5000)
        #expect(settings.limits.wait == .seconds(1) && settings.limits.inFlight == 4)
        #expect(settings.timeout == .seconds(60) && settings.ack == .auto && settings.ackTimeout == .seconds(300))
        // A gigabyte on its way without proof, at most.
        #expect(settings.limits.bytes * 1165 <= 1 << 30)
        #expect(settings.http.userAgent == "connlog/1.2.3")
        #expect(settings.http.verifiesServer && settings.http.proxy == .environment)
    }

    @Test func `every key counts`() throws {
        let settings = try settings(
            """
            url = https://a:8088, https://b:8088/services/collector, https://a:8088/
            token = t
            index = main
            host = h
            source = s
            sourcetype = st
            event_format = line
            ack = off
            compression = none
            batch_bytes = 64KiB
            batch_events = 10
            batch_wait = 5ms
            max_in_flight = 1
            concurrency = adaptive
            timeout = 5s
            tls_ca = /ca.pem
            tls_cert = /cert.pem
            tls_key = /key.pem
            tls_verify = false
            tls_pin = sha256//YhKJKSzoTt2b5FP18fvpHo7fJYqQCjAa3HWY3tvRMwE=
            proxy = http://proxy:3128
            """)
        #expect(settings.endpoints.map(\.name) == ["https://a:8088", "https://b:8088"])
        #expect(settings.metadata == .init(host: "h", source: "s", sourcetype: "st", index: "main"))
        #expect(settings.format == .line && !settings.compresses)
        #expect(settings.limits.bytes == 64 << 10 && settings.limits.events == 10 && settings.limits.inFlight == 1)
        #expect(settings.adaptsConcurrency)
        #expect(settings.http.certificateAuthorityFile == "/ca.pem")
        #expect(settings.http.clientCertificateFile == "/cert.pem" && settings.http.clientKeyFile == "/key.pem")
        #expect(settings.http.pinnedPublicKey == "sha256//YhKJKSzoTt2b5FP18fvpHo7fJYqQCjAa3HWY3tvRMwE=")
        #expect(!settings.http.verifiesServer && settings.http.proxy == .url("http://proxy:3128"))
    }

    @Test(arguments: [
        ("url = https://s:8088/?token=abc\ntoken = t", "must not hold the token"),
        ("url = https://s:8088?index=x\ntoken = t", "keys of their own"),
        ("url = https://u:p@s:8088\ntoken = t", "must not hold credentials"),
        ("url = https://s:8088\ntoken = t\ntls_key = /key.pem", "without tls_cert"),
        ("url = https://s:8088\ntoken = t\ntls_pin = sha256:abc", "is no pin"),
        (
            "url = https://s:8088\ntoken = t\ntls_pin = sha256//YhKJKSzoTt2b5FP18fvpHo7fJYqQCjAa3HWY3tvRMwE=;",
            "is no pin"
        ),
        ("url = https://s:8088\ntoken = t\nretry_initial = 10s\nretry_max = 5s", "shorter than retry_initial"),
    ])
    func `a mistake is told with its place and the next step`(lines: String, words: String) throws {
        let section = try section(lines).get()
        let error = #expect(throws: Diagnostic.self) { try SplunkHECSinkKind.settings(section, context) }
        #expect(error?.message.contains(words) == true, "\(String(describing: error))")
        #expect((error?.place.line ?? 0) > 2)
    }

    @Test(arguments: ["auto", "on", "off"]) func `acknowledgement is asked for as configured`(ack: String) throws {
        let settings = try settings("\(least)\nack = \(ack)\nack_timeout = 90s")
        #expect(settings.ack.rawValue == ack && settings.ackTimeout == .seconds(90))
    }
}
