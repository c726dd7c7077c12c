import ConnlogConfig
import ConnlogCore
import ConnlogSystem
import ConnlogTestSupport
import Foundation
import Testing

@testable import ConnlogSinks

extension HECFixture {
    /// The sum over all endpoints and answers, or of those with this label.
    func figure(_ name: String, _ label: String? = nil) -> Double? {
        let found = sink.figures.filter { figure in
            figure.name == name && (label == nil || figure.labels.contains { $0.value == label })
        }
        return found.isEmpty ? nil : found.reduce(0) { $0 + ($1.value ?? 0) }
    }
}

/// What the sink counts itself.
@Suite(.serialized) struct SplunkHECFiguresTests {
    @Test func `requests are counted by answer and endpoint, with their bytes and their time`() async throws {
        let servers = try [0, 1].map { _ in try HECServer(token: HECFixture.token) }
        defer { for server in servers { server.stop() } }
        let fixture = try HECFixture(servers.map(\.url))
        servers[0].script([.itself, .code(503, 9), .reply(502, "<html>"), .close(taking: false), .code(200, 77)])
        for round in 0..<20 {
            _ = await fixture.sink.send(HECFixture.batch(round * 10..<round * 10 + 10))
            fixture.advance(by: .seconds(60))
        }
        for answer in ["200/0", "503/9", "502", "connection_broken", "200"] {
            let count = answer == "200/0" ? servers.map { $0.requests.count }.reduce(0, +) - 4 : 1
            #expect(fixture.figure("requests", answer) == Double(count), "\(answer)")
        }
        let requests = servers.flatMap(\.requests)
        #expect(fixture.figure("requests", servers[0].url) == Double(servers[0].requests.count))
        #expect(fixture.figure("sent_bytes") == Double(requests.reduce(0) { $0 + $1.body.count }))
        #expect(fixture.figure("body_bytes") == Double(servers.flatMap(\.bodies).reduce(0) { $0 + $1.utf8.count }))
        #expect(fixture.figure("request_seconds_count") == Double(requests.count))
        #expect(fixture.figure("request_seconds_bucket", "+Inf") == Double(requests.count))
        #expect(fixture.figure("request_seconds_sum") ?? 0 > 0)
        #expect(fixture.figure("requests_under_way") == 0)
        for server in servers { server.expectClean() }
    }

    @Test func `an endpoint that rests or is paced is shown to, until it is well again`() async throws {
        let server = try HECServer(token: HECFixture.token)
        defer { server.stop() }
        let fixture = try HECFixture([server.url])
        server.script([.code(503, 9), .code(503, 9), .code(200, 24)])
        for _ in 0..<2 { _ = await fixture.sink.send(HECFixture.batch(0..<1)) }
        #expect(fixture.figure("failures_in_a_row") == 2 && fixture.figure("is_resting") == 1)
        _ = await fixture.sink.send(HECFixture.batch(0..<1))
        #expect(fixture.figure("failures_in_a_row") == 0 && fixture.figure("is_resting") == 0)
        #expect(fixture.figure("pace_seconds") == 0.05)
        _ = await fixture.sink.send(HECFixture.batch(0..<1))
        #expect(fixture.figure("pace_seconds") == 0)
        server.expectClean()
    }

    @Test func `acknowledgements are counted: waiting, for how long, proven and lost`() async throws {
        let server = try HECServer(tokens: [HECFixture.token: .init(usesAcknowledgement: true)])
        defer { server.stop() }
        let fixture = try HECFixture([server.url], sleeps: false) { $0.ack = .on }
        guard case .accepted = await fixture.sink.send(HECFixture.batch(0..<1)) else {
            Issue.record("not accepted")
            return
        }
        fixture.advance(by: .seconds(42))
        #expect(fixture.figure("acknowledgements_pending") == 1)
        #expect(fixture.figure("acknowledgements_oldest_seconds") == 42)
        let polling = try HECFixture([server.url]) { $0.ack = .on }
        server.scriptPolls([.itself, .code(503, 9)])
        guard case .accepted(let receipt) = await polling.sink.send(HECFixture.batch(1..<2)) else { return }
        #expect(await polling.sink.outcome(of: receipt) == .delivered)
        #expect(polling.figure("acknowledgements_pending") == 0 && polling.figure("acknowledgements_proven") == 1)
        #expect(polling.figure("acknowledgements_lost") == 0)
        #expect(polling.figure("acknowledgement_polls", "503/9") == 1)
        #expect(polling.figure("acknowledgement_polls", "200") == Double(server.pollCount - 2))
        server.expectClean()
    }

    @Test func `the token's age begins anew with a new token, and no figure holds it`() async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "connlog-token-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data("old-secret".utf8).write(to: file)
        let server = try HECServer(tokens: ["old-secret": .init(), "new-secret": .init()])
        defer { server.stop() }
        let fixture = try HECFixture([server.url]) { $0.token = .init(file: file.path) }
        #expect(fixture.figure("token_age_seconds") == nil)
        for expected in [0.0, 100] {
            _ = await fixture.sink.send(HECFixture.batch(0..<1))
            #expect(fixture.figure("token_age_seconds") == expected)
            fixture.advance(by: .seconds(100))
        }
        try Data("new-secret".utf8).write(to: file, options: .atomic)
        _ = await fixture.sink.send(HECFixture.batch(0..<1))
        #expect(fixture.figure("token_age_seconds") == 0)
        #expect(!"\(fixture.sink.figures)".contains("secret"))
        server.expectClean()
    }

    @Test func `the slowest has a bucket, and a server cannot make up ever new answers`() {
        var tally = HECTally()
        for code in 0..<1000 {
            let body = Array("{\"text\":\"\",\"code\":\(code + 100)}".utf8)
            let outcome = Result<HTTPResponse, HTTPFailure>.success(HTTPResponse(status: 400, body: body))
            let verdict = HECVerdict(outcome, HECSent(endpoint: "", events: 1, bodyBytes: 1))
            tally.notePoll(outcome, verdict.code)
        }
        #expect(tally.polls == ["400": 1000])
    }

    @Test func `figures are told to people in one line without what is zero`() {
        let endpoint = Figure.Label("endpoint", "https://a:8088")
        let words = Figure.words([
            Figure(.counter, "requests", "", by: [endpoint, .init("answer", "200/0")], 12),
            Figure(.gauge, "failures_in_a_row", "", by: [endpoint], 0),
            Figure(.histogram, "request_seconds_sum", "", .milliseconds(1234)),
        ])
        #expect(words == "requests (https://a:8088, 200/0) 12, request_seconds_sum 1.234")
    }
}
