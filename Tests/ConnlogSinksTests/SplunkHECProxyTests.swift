import ConnlogCore
import ConnlogSystem
import ConnlogTestSupport
import Synchronization
import Testing

@testable import ConnlogSinks

/// Through a proxy.
@Suite(.serialized) struct SplunkHECProxyTests {
    private final class Seen: Sendable {
        private let requests = Mutex<[ServedRequest]>([])
        func add(_ request: ServedRequest) { requests.withLock { $0.append(request) } }
        var all: [ServedRequest] { requests.withLock { $0 } }
    }

    @Test func `requests go to the proxy, which finds the collector`() async throws {
        let seen = Seen()
        let proxy = try HTTPServer { request in
            seen.add(request)
            return .reply(status: 200, body: "{\"text\":\"Success\",\"code\":0}")
        }
        defer { proxy.stop() }
        let fixture = try HECFixture(["http://splunk.example.com:8088"]) { $0.http.proxy = .url(proxy.url) }
        #expect(await fixture.sink.send(HECFixture.batch(0..<3)) == .delivered)
        #expect(seen.all.map(\.target) == ["http://splunk.example.com:8088/services/collector/event"])
    }

    @Test func `a proxy that wants credentials is held with that reason, and never sees the token`() async throws {
        let seen = Seen()
        let proxy = try HTTPServer { request in
            seen.add(request)
            return .reply(status: 407, headers: [("Proxy-Authenticate", "Basic realm=\"x\"")], body: "")
        }
        defer { proxy.stop() }
        let fixture = try HECFixture(["https://splunk.example.com:8088"]) { $0.http.proxy = .url(proxy.url) }
        let outcome = await fixture.sink.send(HECFixture.batch(0..<3))
        #expect(outcome.word == "hold" && outcome.reason?.mayRepeat == false)
        #expect(outcome.reason?.text.contains("the proxy wants credentials: put them in `proxy`") == true)
        let request = try #require(seen.all.first)
        #expect(request.method == "CONNECT" && request.target == "splunk.example.com:8088")
        #expect(request.header("authorization") == nil && request.header("x-splunk-request-channel") == nil)
        #expect(!"\(request)".contains(HECFixture.token))
    }
}
