import ConnlogCore
import ConnlogDelivery
import ConnlogSystem
import ConnlogTestSupport
import Foundation
import Testing

@testable import ConnlogSinks

/// Certificates, ours and the server's, that are wrong and then mended while the sink goes on.
@Suite(.serialized, .enabled(if: TestCertificates.isAvailable)) struct SplunkHECTLSTests {
    private let certificates: TestCertificates

    init() throws { certificates = try TestCertificates() }

    private func server(_ change: (inout LoopbackTLS.Settings) -> Void = { _ in }) throws -> HECServer {
        var tls = LoopbackTLS.Settings("server", of: certificates)
        change(&tls)
        return try HECServer(token: HECFixture.token, tls: tls)
    }

    private func fixture(
        _ server: HECServer, _ change: (inout SplunkHECSink.Settings) -> Void = { _ in }
    ) throws -> HECFixture {
        try HECFixture([server.url]) {
            $0.http.certificateAuthorityFile = certificates.authority
            change(&$0)
        }
    }

    @Test func `an expired certificate holds everything, and a renewed one lets it go on by itself`() async throws {
        try certificates.make("server", "IP:127.0.0.1", isExpired: true)
        let server = try server()
        defer { server.stop() }
        let fixture = try fixture(server)
        let outcome = await fixture.sink.send(HECFixture.batch(0..<1))
        #expect(outcome.word == "hold" && outcome.reason?.label == "tls_untrusted")
        #expect(outcome.reason?.text.contains("expired") == true && outcome.reason?.mayRepeat == false)

        let bench = try HECDelivery(10)
        let delivery = try bench.delivery(fixture.sink)
        let running = Task { await delivery.run() }
        let refused = server.connectionCount
        while server.connectionCount < refused + 3 { await Task.yield() }
        #expect(server.requests.isEmpty)
        try certificates.make("server", "IP:127.0.0.1")
        while server.events.count < 10 { await Task.yield() }
        delivery.drain()
        await running.value
        #expect(server.numbers == Array(0..<10))
        #expect(delivery.status.delivered == 10 && delivery.status.possibleRepeats == 0)
        #expect(bench.words.contains { $0.contains("expired") })
        server.expectClean()
    }

    @Test func `another authority in the file of tls_ca is used without a restart`() async throws {
        let others = try TestCertificates()
        try certificates.make("server", "IP:127.0.0.1")
        let server = try server()
        defer { server.stop() }
        let file = others.path("trusted.pem")
        try FileManager.default.copyItem(atPath: others.authority, toPath: file)
        let fixture = try fixture(server) { $0.http.certificateAuthorityFile = file }
        #expect(await fixture.sink.send(HECFixture.batch(0..<3)).reason?.label == "tls_untrusted")
        async let isMended = fixture.sink.mended()
        try Data(contentsOf: URL(fileURLWithPath: certificates.authority))
            .write(to: URL(fileURLWithPath: file), options: .atomic)
        #expect(await isMended)
        #expect(await fixture.sink.send(HECFixture.batch(0..<3)) == .delivered)
        server.expectClean()
    }

    @Test(arguments: [false, true]) func `a server that wants our certificate gets it, and says so while it does not`(
        isOld: Bool
    ) async throws {
        try certificates.make("server", "IP:127.0.0.1")
        try certificates.make("client", nil)
        let server = try server {
            $0.clientAuthority = certificates.authority
            $0.isOld = isOld
        }
        defer { server.stop() }
        let bare = await refusal(try fixture(server))
        #expect(bare.word == "hold" && bare.reason?.label == "tls_refused", "\(bare)")
        #expect(bare.reason?.text.contains("tls_cert") == true)
        #expect(bare.reason?.mayRepeat == false)
        let known = try fixture(server) {
            $0.http.clientCertificateFile = certificates.path("client.pem")
            $0.http.clientKeyFile = certificates.path("client.key")
        }
        #expect(await known.sink.send(HECFixture.batch(0..<3)) == .delivered)
        #expect(server.ids == ["e0", "e1", "e2"])
        server.expectClean()
    }

    /// With TLS 1.3 a server says no after the handshake, and a reset may come before its words: that is tried again.
    private func refusal(_ fixture: HECFixture) async -> SendOutcome {
        var outcome = await fixture.sink.send(HECFixture.batch(0..<3))
        for _ in 0..<100 where outcome.word == "retry" { outcome = await fixture.sink.send(HECFixture.batch(0..<3)) }
        return outcome
    }

    @Test func `a certificate of ours that has expired holds everything, and a new one in its file is used at once`()
        async throws
    {
        try certificates.make("server", "IP:127.0.0.1")
        try certificates.make("client", nil, isExpired: true)
        let server = try server { $0.clientAuthority = certificates.authority }
        defer { server.stop() }
        let fixture = try fixture(server) {
            $0.http.clientCertificateFile = certificates.path("client.pem")
            $0.http.clientKeyFile = certificates.path("client.key")
        }
        let outcome = await refusal(fixture)
        #expect(outcome.word == "hold" && outcome.reason?.label == "tls_refused", "\(outcome)")
        async let isMended = fixture.sink.mended()
        try certificates.make("client", nil)
        #expect(await isMended)
        #expect(await fixture.sink.send(HECFixture.batch(0..<3)) == .delivered)
        #expect(server.ids == ["e0", "e1", "e2"])
        server.expectClean()
    }

    @Test func `check --connect tells what is wrong with a certificate`() async throws {
        try certificates.make("server", "IP:127.0.0.1", isExpired: true)
        let server = try server()
        defer { server.stop() }
        let findings = await (try fixture(server)).sink.connectTrial()
        #expect(findings.contains { $0.verdict == .failed && $0.text.contains("expired") }, "\(findings)")
        try certificates.make("server", "IP:127.0.0.1")
        let mended = await (try fixture(server)).sink.connectTrial()
        #expect(mended.contains { $0.verdict == .good && $0.text.contains("over TLS, its certificate trusted") })
        server.expectClean()
    }

    @Test func `a key with a pass phrase is refused in a sentence, and never asked for`() async throws {
        try certificates.make("server", "IP:127.0.0.1")
        try certificates.make("client", nil)
        try certificates.encrypt("client")
        let server = try server()
        defer { server.stop() }
        let fixture = try fixture(server) {
            $0.http.clientCertificateFile = certificates.path("client.pem")
            $0.http.clientKeyFile = certificates.path("client.key")
        }
        let outcome = await fixture.sink.send(HECFixture.batch(0..<1))
        #expect(outcome.word == "hold" && outcome.reason?.label == "tls_file")
        #expect(outcome.reason?.text.contains("pass phrase") == true, "\(outcome)")
    }
}
