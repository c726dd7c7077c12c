import ConnlogSystem
import ConnlogTestSupport
import Foundation
import Testing

/// The server that the sink is tested against is as unkind as splunkd was measured to be, and counts what that costs.
@Suite(.serialized) struct HECServerTests {
    private static let token = "00000000-1111-4222-8333-444444444444"
    private static let channel = "11111111-2222-4333-8444-555555555555"
    private let session: HTTPSession

    init() {
        var settings = HTTPSettings(userAgent: "test")
        settings.proxy = .none
        session = HTTPSession(settings)
    }

    private func post(
        _ server: HECServer, _ body: String, path: String = "/services/collector/event",
        authorization: String? = "Splunk \(HECServerTests.token)", channel: String? = nil, encoding: String? = nil
    ) async throws -> HTTPResponse {
        var headers: [(name: String, value: String)] = []
        if let authorization { headers.append((name: "Authorization", value: authorization)) }
        if let channel { headers.append((name: "X-Splunk-Request-Channel", value: channel)) }
        if let encoding { headers.append((name: "Content-Encoding", value: encoding)) }
        let request = HTTPRequest(
            .post, server.url + path, headers: headers, body: ByteBuffer(body.utf8), timeout: .seconds(60))
        return try await session.perform(request).outcome.get()
    }

    /// Status and body as one text, without the collector's own words.
    private func said(_ response: HTTPResponse) -> String {
        let text = String(decoding: response.body, as: UTF8.self)
        guard let end = text.firstRange(of: "\"code\"") else { return "\(response.status) \(text.prefix(9))" }
        return "\(response.status) {\(text[end.lowerBound...])"
    }

    @Test(arguments: [
        (#"{"event":1}{"event":2}"#, "200 {\"code\":0}", 2, 0),
        // What splunkd loses without a word.
        (#"{"event":1}{"event":2,"level":"INFO"}{"event":3}"#, "200 {\"code\":0}", 1, 2),
        (#"{"event":1}{"fields":{"a":"b"}}{"event":3}"#, "200 {\"code\":0}", 2, 1),
        // What it says.
        (#"{"event":1,"level":"INFO"}"#, "400 {\"code\":5}", 0, 0),
        (#"{"event":1}{"time":1}"#, "400 {\"code\":12,\"invalid-event-number\":1}", 1, 0),
        (#"{"event":1}{"event":" "}{"event":3}"#, "400 {\"code\":13,\"invalid-event-number\":1}", 1, 0),
        (#"{"event":1,"fields":{"a":{"b":"c"}}}"#, "400 {\"code\":15,\"invalid-event-number\":0}", 0, 0),
        (#"{"event":1},{"event":2}"#, "400 {\"code\":6,\"invalid-event-number\":1}", 1, 0),
        (#"{"event":1}{"event":"bad"}{"event":3}"#, "400 {\"code\":6,\"invalid-event-number\":1}", 1, 0),
        // One too high.
        (#"{"event":1,"index":"secret"}"#, "400 {\"code\":7,\"invalid-event-number\":1}", 0, 0),
        (#"{"event":1}{"event":2,"index":"secret"}"#, "400 {\"code\":7,\"invalid-event-number\":2}", 1, 0),
    ])
    func `a batch is taken as far as splunkd takes it, and what it loses is counted`(
        body: String, reply: String, indexed: Int, lost: Int
    ) async throws {
        let server = try HECServer(tokens: [HECServerTests.token: .init(indexes: ["main"])])
        defer { server.stop() }
        server.refuse(["bad"])
        #expect(said(try await post(server, body)) == reply)
        #expect(server.events.count == indexed && server.lostObjects == lost && server.violations == [])
    }

    @Test func `tokens, sizes and encodings are refused as splunkd does`() async throws {
        let server = try HECServer(tokens: [
            HECServerTests.token: .init(), "off": .init(isEnabled: false),
        ])
        defer { server.stop() }
        let body = #"{"event":1}"#
        #expect(said(try await post(server, body, authorization: nil)) == "401 {\"code\":2}")
        #expect(said(try await post(server, body, authorization: "Bearer x")) == "401 {\"code\":3}")
        #expect(said(try await post(server, body, authorization: "Splunk x")) == "403 {\"code\":4}")
        #expect(said(try await post(server, body, authorization: "Splunk off")) == "403 {\"code\":1}")
        #expect(said(try await post(server, body, path: "/elsewhere")) == "404 {\"code\":404}")
        #expect(said(try await post(server, body, encoding: "deflate")) == "415 <!doctype")
        server.limitContent(to: 5)
        #expect(said(try await post(server, body)) == "413 <!doctype")
        server.set { $0.isCloud = true }
        #expect(said(try await post(server, body)) == "400 {\"code\":6,\"invalid-event-number\":0}")
        #expect(server.events.isEmpty && server.violations == [])
    }

    @Test func `what a client must never do is noted`() async throws {
        let server = try HECServer(token: HECServerTests.token)
        defer { server.stop() }
        _ = try await post(server, "")
        #expect(server.violations == ["empty body"])
        _ = try await post(server, #"{"event":1}"#, path: "/services/collector/event?token=\(HECServerTests.token)")
        #expect(server.violations == ["empty body", "token in the URL"])
    }

    @Test func `an acknowledgement is told once, on its channel, at its indexer`() async throws {
        let server = try HECServer(tokens: [HECServerTests.token: .init(usesAcknowledgement: true)])
        defer { server.stop() }
        server.usePipeline()
        let body = #"{"event":1}"#
        #expect(said(try await post(server, body)) == "400 {\"code\":10}")
        #expect(said(try await post(server, body, channel: "mine")) == "400 {\"code\":11}")
        #expect(said(try await post(server, body, channel: HECServerTests.channel)) == "200 {\"code\":0,\"ackId\":0}")
        #expect(said(try await post(server, body, channel: HECServerTests.channel)) == "200 {\"code\":0,\"ackId\":1}")
        #expect(server.events.isEmpty, "accepted is not indexed")
        func asked(_ channel: String, _ number: Int) async throws -> String {
            let path = "/services/collector/ack?channel=\(channel)"
            let reply = try await post(server, "{\"acks\":[\(number)]}", path: path)
            return String(decoding: reply.body, as: UTF8.self)
        }
        #expect(try await asked(UUID().uuidString, 0) == #"{"acks":{"0":false}}"#)
        #expect(try await asked(HECServerTests.channel, 0) == #"{"acks":{"0":true}}"#)
        #expect(try await asked(HECServerTests.channel, 0) == #"{"acks":{"0":false}}"#)
        #expect(server.events.count == 2)
        server.restart()
        #expect(try await asked(HECServerTests.channel, 1) == #"{"acks":{"1":false}}"#)
        #expect(said(try await post(server, body, channel: HECServerTests.channel)) == "200 {\"code\":0,\"ackId\":0}")
        server.set(token: HECServerTests.token, .init())
        #expect(try await asked(HECServerTests.channel, 0).contains("\"code\":14"))
    }

    @Test func `fullness and the end are told by the newer codes`() async throws {
        let server = try HECServer(tokens: [HECServerTests.token: .init(usesAcknowledgement: true)])
        defer { server.stop() }
        func answers() async throws -> [String] {
            let request = HTTPRequest(.get, server.url + "/services/collector/health", timeout: .seconds(60))
            let health = said(try await session.perform(request).outcome.get())
            return [health, said(try await post(server, #"{"event":1}"#, channel: HECServerTests.channel))]
        }
        #expect(try await answers() == ["200 {\"code\":17}", "200 {\"code\":0,\"ackId\":0}"])
        server.set { $0.queue = .nearFull }
        #expect(try await answers() == ["200 {\"code\":17}", "200 {\"code\":24,\"ackId\":1}"])
        server.set { ($0.queue, $0.acknowledgements) = (.normal, .nearFull) }
        #expect(try await answers() == ["200 {\"code\":17}", "200 {\"code\":25,\"ackId\":2}"])
        server.set { ($0.queue, $0.acknowledgements) = (.full, .normal) }
        #expect(try await answers() == ["503 {\"code\":18}", "429 {\"code\":26}"])
        server.set { ($0.queue, $0.acknowledgements) = (.normal, .full) }
        #expect(try await answers() == ["503 {\"code\":19}", "429 {\"code\":27}"])
        server.set { ($0.queue, $0.acknowledgements) = (.full, .full) }
        #expect(try await answers() == ["503 {\"code\":20}", "429 {\"code\":26}"])
        server.set { $0.isShuttingDown = true }
        #expect(try await answers() == ["503 {\"code\":23}", "503 {\"code\":23}"])
        server.set { ($0.isShuttingDown, $0.isCloud, $0.queue, $0.acknowledgements) = (false, true, .normal, .normal) }
        #expect(said(try await post(server, #"{"event":1}"#)) == "400 {\"code\":28}")
    }
}
