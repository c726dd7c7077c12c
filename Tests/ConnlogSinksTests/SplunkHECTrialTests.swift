import ConnlogCore
import ConnlogSystem
import ConnlogTestSupport
import Testing

@testable import ConnlogSinks

/// `connlog check --connect` and `--send`.
@Suite(.serialized) struct SplunkHECTrialTests {
    private func texts(_ findings: [TrialFinding], _ verdict: TrialFinding.Verdict) -> String {
        for finding in findings {
            #expect(!finding.text.contains(HECFixture.token))
            #expect(finding.text.utf8.count < 500 && !finding.text.contains("\n"))
        }
        return findings.filter { $0.verdict == verdict }.map(\.text).joined(separator: "\n")
    }

    private func tried(
        _ urls: [String], _ change: (inout SplunkHECSink.Settings) -> Void = { _ in }
    ) async throws -> [TrialFinding] {
        let fixture = try HECFixture(urls, change)
        return await fixture.sink.connectTrial()
    }

    @Test(arguments: [false, true], [SplunkHECSink.AckMode.auto, .on, .off])
    func `a collector that works is said to, with what its token can, and gets no event`(
        acknowledges: Bool, mode: SplunkHECSink.AckMode
    ) async throws {
        let server = try HECServer(tokens: [HECFixture.token: .init(usesAcknowledgement: acknowledges)])
        defer { server.stop() }
        let findings = try await tried([server.url]) { $0.ack = mode }
        #expect(texts(findings, .good).contains("answers unencrypted, and is healthy (HEC is healthy)"))
        #expect(texts(findings, .doubtful).contains("is not encrypted"))
        let words = acknowledges ? "it has indexer acknowledgement" : "it has no indexer acknowledgement"
        let isWrong = mode == .on && !acknowledges
        #expect(texts(findings, isWrong ? .failed : .good).contains(words))
        #expect((texts(findings, .failed) == "") == !isWrong)
        #expect(server.requests.isEmpty && server.events.isEmpty)
        server.expectClean()
    }

    @Test func `a token that is refused is a failure, before any event is sent`() async throws {
        let server = try HECServer(tokens: ["another": .init(), HECFixture.token: .init(isEnabled: false)])
        defer { server.stop() }
        let disabled = try await tried([server.url])
        #expect(texts(disabled, .failed).contains("answered 403 code 1 (Token disabled): enable the token in Splunk"))
        server.set(token: HECFixture.token, nil)
        let unknown = try await tried([server.url])
        #expect(texts(unknown, .failed).contains("answered 403 code 4 (Invalid token)"))
        #expect(server.requests.isEmpty)
        server.expectClean()
    }

    @Test func `what is no collector is told for what it looks like`() async throws {
        let web = try HTTPServer { _ in .reply(status: 303, headers: [("Location", "/en-US/")], body: "<html>") }
        defer { web.stop() }
        let redirected = try await tried([web.url])
        #expect(texts(redirected, .failed).contains("this looks like Splunk Web"))
        let page = try HTTPServer { _ in .reply(status: 200, body: "<html>Welcome</html>") }
        defer { page.stop() }
        let welcomed = try await tried([page.url])
        #expect(texts(welcomed, .failed).contains("no HTTP Event Collector"))
        let port = try LoopbackListener.freePort()
        let nobody = try await tried(["http://127.0.0.1:\(port)"])
        #expect(texts(nobody, .failed).contains("http://127.0.0.1:\(port)"))
    }

    @Test(.enabled(if: TestCertificates.isAvailable))
    func `http where https belongs, and the reverse, is told as such`()
        async throws
    {
        let certificates = try TestCertificates()
        try certificates.make("server", "IP:127.0.0.1")
        // As a web server answers what is no request.
        let plain = try LoopbackListener { connection in
            _ = connection.read(atMost: 1 << 16)
            connection.write(Array("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n".utf8))
        }
        let secured = try HECServer(token: HECFixture.token, tls: .init("server", of: certificates))
        defer { plain.stop(); secured.stop() }
        let tooMuch = try await tried(["https://127.0.0.1:\(plain.port)"])
        #expect(texts(tooMuch, .failed).contains("does not speak TLS; if that is meant so, write http://"))
        let tooLittle = try await tried([secured.url.replacing("https:", with: "http:")])
        #expect(texts(tooLittle, .failed).contains("if this port speaks TLS, write https://"))
        // As OpenSSL's servers do: an alert in place of an answer.
        let alerting = try LoopbackListener { connection in
            _ = connection.read(atMost: 1 << 16)
            connection.write([0x15, 3, 1, 0, 2, 2, 70])
        }
        defer { alerting.stop() }
        let alerted = try await tried(["http://127.0.0.1:\(alerting.port)"])
        #expect(texts(alerted, .failed).contains("if this port speaks TLS, write https://"))
    }

    @Test func `a busy collector is doubtful, and each endpoint is tried`() async throws {
        let (good, busy) = (try HECServer(token: HECFixture.token), try HECServer(token: HECFixture.token))
        defer { good.stop(); busy.stop() }
        busy.set { $0.queue = .full }
        let findings = try await tried([good.url, busy.url])
        #expect(texts(findings, .doubtful).contains("\(busy.url) answers unencrypted, but is not healthy now (code 18"))
        #expect(texts(findings, .good).contains(good.url))
        for server in [good, busy] { server.expectClean() }
    }

    @Test(arguments: [nil, "main"] as [String?]) func `the test event goes to the index, and the answer is told`(
        index: String?
    ) async throws {
        let server = try HECServer(tokens: [HECFixture.token: .init(indexes: ["main"])])
        defer { server.stop() }
        let fixture = try HECFixture([server.url]) { $0.metadata.index = index }
        let findings = await fixture.sink.sendTrial(HECFixture.batch(0..<1))
        #expect(texts(findings, .good).contains(index.map { "index '\($0)'" } ?? "the token's default index"))
        #expect(server.ids == ["e0"])
        server.expectClean()
    }

    @Test func `an index that is refused is named`() async throws {
        let server = try HECServer(tokens: [HECFixture.token: .init(indexes: ["main"])])
        defer { server.stop() }
        let fixture = try HECFixture([server.url]) { $0.metadata.index = "secrets" }
        let findings = await fixture.sink.sendTrial(HECFixture.batch(0..<1))
        #expect(texts(findings, .failed).contains("code 7 (Incorrect index) for index 'secrets': create the index"))
        #expect(fixture.words.isEmpty, "said once, by the finding")
        #expect(server.events.isEmpty)
        server.expectClean()
    }

    @Test func `with acknowledgement the test event counts when it is indexed`() async throws {
        let server = try HECServer(tokens: [HECFixture.token: .init(usesAcknowledgement: true)])
        defer { server.stop() }
        server.usePipeline(polls: 1)
        let fixture = try HECFixture([server.url]) { $0.ack = .on }
        let findings = await fixture.sink.sendTrial(HECFixture.batch(0..<1))
        let said = texts(findings, .good) + texts(findings, .doubtful)
        #expect(said.contains("acknowledged"))
        #expect(findings.count == 1)
        server.expectClean()
    }
}
