import ConnlogConfig
import ConnlogCore
import ConnlogSystem
import ConnlogTestSupport
import Foundation
import Synchronization
import Testing

@testable import ConnlogSinks

private typealias Fixture = HECFixture

private func batch(_ range: Range<Int>, filling: Int = 0) -> EventBatch { HECFixture.batch(range, filling: filling) }

@Suite(.serialized) struct SplunkHECSinkTests {
    private func ids(_ range: Range<Int>) -> [String] { range.map { "e\($0)" } }

    /// Each limit on the way, one less and one more, alone and among small ones; what `batch_bytes` bounds is a batch of
    /// several, not an event.
    @Test(arguments: [false, true], [HECEnvelope.Format.fields, .line])
    func `events of every size are indexed`(compresses: Bool, format: HECEnvelope.Format) async throws {
        let server = try HECServer()
        defer { server.stop() }
        let fixture = try Fixture([server.url]) {
            $0.compresses = compresses
            $0.format = format
        }
        var count = 0
        for limit in [1, 8 << 10, 96 << 10, 900 << 10] {
            for size in limit - 1...limit + 1 {
                #expect(await fixture.sink.send(batch(count..<count + 1, filling: size)) == .delivered, "\(size)")
                var among = batch(count + 1..<count + 2)
                for part in [batch(count + 2..<count + 3, filling: size), batch(count + 3..<count + 4)] {
                    among.append(part.record(0))
                }
                #expect(await fixture.sink.send(among) == .delivered, "\(size)")
                count += 4
            }
        }
        #expect(server.events.count == count)
        if format == .fields { #expect(server.ids == ids(0..<count)) }
        server.expectClean()
    }

    @Test(arguments: [false, true], [HECEnvelope.Format.fields, .line])
    func `a batch is one request and every event of it is indexed`(
        compresses: Bool, format: HECEnvelope.Format
    ) async throws {
        let server = try HECServer()
        defer { server.stop() }
        let fixture = try Fixture([server.url]) {
            $0.compresses = compresses
            $0.format = format
            $0.metadata = .init(host: "h", source: "s", sourcetype: "t", index: "main")
        }
        for round in 0..<3 {
            #expect(await fixture.sink.send(batch(round * 100..<round * 100 + 100)) == .delivered)
        }
        #expect(server.events.count == 300)
        #expect(server.requests.count == 3)
        #expect(server.connectionCount == 1)
        if format == .fields { #expect(server.ids == ids(0..<300)) }
        for event in server.events {
            #expect(event.envelope["host"] == "\"h\"")
            #expect(event.envelope["index"] == "\"main\"")
            #expect(event.envelope["time"] == "1751519381.000000")
        }
        for request in server.requests {
            #expect(request.header("authorization") == "Splunk \(Fixture.token)")
            #expect(request.header("content-encoding") == (compresses ? "gzip" : nil))
            #expect(request.header("content-type") == "application/json")
            #expect(request.header("x-splunk-request-channel") == nil)
            #expect(request.target == "/services/collector/event")
        }
        server.expectClean()
    }

    @Test func `an empty batch makes no request`() async throws {
        let server = try HECServer()
        defer { server.stop() }
        #expect(try await Fixture([server.url]).sink.send(EventBatch()) == .delivered)
        #expect(server.requests.isEmpty)
        server.expectClean()
    }

    /// Each row of the table of replies, and the same batch once the trouble is over.
    @Test(arguments: HECReplyTable.rows.map { [$0.status, $0.code] })
    func `every reply of the collector is acted on, and afterwards nothing is missing`(row: [Int]) async throws {
        let server = try HECServer()
        defer { server.stop() }
        let (status, code) = (row[0], row[1])
        let isTaken = [0, 24, 25].contains(code)
        server.script([.code(status, code, taking: isTaken ? 3 : 0)])
        let fixture = try Fixture([server.url])
        let outcome = await fixture.sink.send(batch(0..<3))
        let expected = HECVerdict(
            .success(HTTPResponse(status: status, body: Array("{\"text\":\"\",\"code\":\(code)}".utf8))),
            HECSent(endpoint: "", events: 3, bodyBytes: 10, isCompressed: true))
        #expect(outcome.word == expected.outcome.word)
        if !isTaken {
            let reason = try #require(outcome.reason)
            #expect(reason.text.contains("\(server.url) answered \(status) code \(code)"))
            #expect(!reason.text.contains(Fixture.token))
            #expect(await fixture.sink.send(batch(0..<3)) == .delivered)
        }
        #expect(server.ids == ids(0..<3))
        #expect(!fixture.words.contains { $0.contains(Fixture.token) })
        server.expectClean()
    }

    /// The table of statuses.
    @Test(arguments: [
        301, 302, 303, 307, 308, 401, 403, 404, 405, 407, 408, 413, 415, 418, 425, 429, 495, 496, 500, 502, 503, 504,
        511, 200, 204,
    ])
    func `every reply of something else is acted on, and afterwards nothing is missing`(status: Int) async throws {
        let server = try HECServer()
        defer { server.stop() }
        let body = status == 204 ? "" : "<html><body>\(status)</body></html>"
        server.script([.reply(status, body, headers: [("Location", "\(server.url)/elsewhere")])])
        let fixture = try Fixture([server.url])
        let outcome = await fixture.sink.send(batch(0..<3))
        #expect(outcome.word != "delivered")
        let reason = try #require(outcome.reason)
        #expect(reason.text.contains("answered \(status)"))
        #expect(server.requests.count == 1)
        #expect(await fixture.sink.send(batch(0..<3)) == .delivered)
        #expect(server.ids == ids(0..<3))
        server.expectClean()
    }

    @Test func `a connection that breaks is tried again, and counted as a possible repeat only when it may be one`()
        async throws
    {
        let server = try HECServer()
        defer { server.stop() }
        let fixture = try Fixture([server.url]) {
            $0.compresses = false
            $0.timeout = .milliseconds(500)
        }
        let success = "{\"text\":\"Success\",\"code\":0}"
        let steps: [(HECServer.Step, mayRepeat: Bool)] = [
            (.close(taking: true), true), (.close(taking: false), true), (.silence, true),
            (.reply(200, success, taking: 3, cutTo: 9), true), (.reply(200, "{\"text\":\"Succ", taking: 3), true),
            (.reply(200, success, headers: [("Connection", "close")], taking: 3, cutTo: 0), true),
        ]
        for (place, step) in steps.enumerated() {
            server.script([step.0])
            let outcome = await fixture.sink.send(batch(0..<3))
            #expect(outcome.word == "retry", "step \(place)")
            #expect(outcome.reason?.mayRepeat == step.mayRepeat, "step \(place): \(outcome)")
            if place > 2 { #expect(outcome.reason?.text.contains("TLS") == false, "step \(place)") }
        }
        #expect(await fixture.sink.send(batch(0..<3)) == .delivered)
        #expect(Set(server.ids) == Set(ids(0..<3)))
        server.expectClean()
    }

    @Test func `a reset in the middle of a body repeats nothing`() async throws {
        let server = try HECServer()
        defer { server.stop() }
        let fixture = try Fixture([server.url]) { $0.compresses = false }
        server.script([.resetWithin(1000)])
        // More than the kernel's socket buffers hold.
        let large = batch(0..<100, filling: 80_000)
        let outcome = await fixture.sink.send(large)
        #expect(outcome.word == "retry")
        #expect(outcome.reason?.mayRepeat == false)
        #expect(server.events.isEmpty)
        #expect(await fixture.sink.send(batch(0..<3)) == .delivered)
        server.expectClean()
    }

    @Test func `a server that reads slowly gets everything, and one that stops reading repeats nothing`() async throws {
        let server = try HECServer()
        defer { server.stop() }
        let fixture = try Fixture([server.url]) { $0.compresses = false }
        server.script([.sips(100)])
        #expect(await fixture.sink.send(batch(0..<300)) == .delivered)
        #expect(server.ids == ids(0..<300))
        let hasty = try Fixture([server.url]) {
            $0.compresses = false
            $0.timeout = .milliseconds(500)
        }
        server.script([.stallWithin(1000)])
        // More than the kernel's socket buffers hold.
        let outcome = await hasty.sink.send(batch(0..<100, filling: 80_000))
        #expect(outcome.reason?.label == "timeout" && outcome.reason?.mayRepeat == false)
        #expect(server.events.count == 300)
        server.expectClean()
    }

    @Test func `nobody there is tried again without a repeat`() async throws {
        let port = try LoopbackListener.freePort()
        let outcome = try await Fixture(["http://127.0.0.1:\(port)"]).sink.send(batch(0..<1))
        #expect(outcome.reason?.label == "connect_failed")
        #expect(outcome.reason?.mayRepeat == false)
    }

    /// Against a server that judges events itself.
    @Test(arguments: [0, 1, 2]) func `the event that splunkd refuses is named, and those before it are taken`(
        place: Int
    ) async throws {
        let server = try HECServer()
        defer { server.stop() }
        server.script([.code(400, 6, number: place, taking: place), .itself])
        let fixture = try Fixture([server.url])
        #expect(await fixture.sink.send(batch(0..<3)).word == "rejected \(place)")
        if place < 2 { #expect(await fixture.sink.send(batch(place + 1..<3)) == .delivered) }
        #expect(server.ids == ids(0..<3).filter { $0 != "e\(place)" })
        server.expectClean()
    }

    @Test func `an index that is not allowed holds everything until it is`() async throws {
        let server = try HECServer(tokens: [Fixture.token: .init(indexes: ["main"])])
        defer { server.stop() }
        let fixture = try Fixture([server.url]) { $0.metadata.index = "other" }
        let outcome = await fixture.sink.send(batch(0..<3))
        #expect(outcome.word == "hold")
        #expect(outcome.reason?.label == "hec_7")
        #expect(server.events.isEmpty)
        server.set(token: Fixture.token, .init())
        #expect(await fixture.sink.send(batch(0..<3)) == .delivered)
        server.expectClean()
    }

    @Test func `a token that wants a channel gets one, the same for every request`() async throws {
        let server = try HECServer(tokens: [Fixture.token: .init(usesAcknowledgement: true)])
        defer { server.stop() }
        let fixture = try Fixture([server.url]) { $0.ack = .off }
        guard case .retry(let after, let reason) = await fixture.sink.send(batch(0..<3)) else {
            Issue.record("not tried again")
            return
        }
        #expect(after == .zero && !reason.mayRepeat)
        for round in 1...2 { #expect(await fixture.sink.send(batch(round * 3..<round * 3 + 3)) == .delivered) }
        #expect(Set(server.events.map(\.channel)).count == 1)
        #expect(UUID(uuidString: server.events.first?.channel ?? "") != nil)
        server.script([.code(400, 11)])
        #expect(await fixture.sink.send(batch(0..<3)).word == "hold")
        #expect(await fixture.sink.send(batch(9..<10)) == .delivered)
        #expect(Set(server.events.map(\.channel)).count == 2)
        server.expectClean()
    }

    @Test func `a server that cannot inflate gets plain bodies from then on`() async throws {
        let server = try HECServer()
        defer { server.stop() }
        let fixture = try Fixture([server.url])
        server.script([.reply(415, "<html>Unsupported</html>")])
        #expect(await fixture.sink.send(batch(0..<3)).word == "retry")
        #expect(await fixture.sink.send(batch(0..<3)) == .delivered)
        #expect(server.requests.map { $0.header("content-encoding") } == ["gzip", nil])
        server.script([.reply(415, "<html>Unsupported</html>")])
        #expect(await fixture.sink.send(batch(0..<3)).word == "hold")
        server.expectClean()
    }

    @Test func `a body that is too large is halved down to one event`() async throws {
        let server = try HECServer()
        defer { server.stop() }
        server.limitContent(to: 1500)
        let fixture = try Fixture([server.url])
        var parts = [0..<16]
        while let part = parts.popLast() {
            let outcome = await fixture.sink.send(batch(part))
            if outcome == .delivered { continue }
            #expect(outcome.word == "tooLarge")
            let middle = (part.lowerBound + part.upperBound) / 2
            guard part.count > 1 else {
                Issue.record("one event is too large")
                return
            }
            parts += [middle..<part.upperBound, part.lowerBound..<middle]
        }
        #expect(server.ids == ids(0..<16))
        server.expectClean()
    }

    @Test func `a token that changes in its file counts from the next request on`() async throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("connlog-token-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data("old-token\n".utf8).write(to: file)
        let server = try HECServer(tokens: ["old-token": .init()])
        defer { server.stop() }
        let fixture = try Fixture([server.url]) { $0.token = SecretReference(file: file.path) }
        try await fixture.sink.open(nil)
        #expect(await fixture.sink.send(batch(0..<3)) == .delivered)
        server.set(token: "old-token", nil)
        server.set(token: "new-token", .init())
        let refused = await fixture.sink.send(batch(3..<6))
        #expect(refused.word == "hold" && refused.reason?.label == "hec_4")
        try Data("new-token\n".utf8).write(to: file, options: .atomic)
        #expect(await fixture.sink.send(batch(3..<6)) == .delivered)
        try FileManager.default.removeItem(at: file)
        let missing = await fixture.sink.send(batch(6..<9))
        #expect(missing.word == "hold" && missing.reason?.label == "token_unreadable")
        #expect(server.ids == ids(0..<6))
        for text in fixture.words { #expect(!text.contains("-token") || text.contains("connlog-token-")) }
        server.expectClean()
    }

    @Test func `endpoints take turns, and stand in for one that is away or refuses`() async throws {
        let (first, second) = (try HECServer(), try HECServer())
        defer { first.stop(); second.stop() }
        let fixture = try Fixture([first.url, second.url])
        for round in 0..<4 { #expect(await fixture.sink.send(batch(round..<round + 1)) == .delivered) }
        #expect(first.ids.count == 2 && second.ids.count == 2)
        first.script([.code(503, 9), .reply(404, "<html>"), .code(403, 4)])
        for round in 4..<10 { #expect(await fixture.sink.send(batch(round..<round + 1)) == .delivered) }
        #expect(Set(first.ids + second.ids) == Set(ids(0..<10)))
        first.stop()
        for round in 10..<14 { #expect(await fixture.sink.send(batch(round..<round + 1)) == .delivered) }
        second.script([.code(503, 9, headers: [("Retry-After", "17")])])
        guard case .retry(let after, _) = await fixture.sink.send(batch(14..<15)) else {
            Issue.record("both are away, and yet")
            return
        }
        #expect(after == nil || after == .seconds(17))
        #expect(Set(first.ids + second.ids) == Set(ids(0..<14)))
        #expect((first.ids + second.ids).count == 14)
        first.expectClean()
        second.expectClean()
    }

    @Test func `a batch that may have arrived is not handed to another endpoint in the same breath`() async throws {
        let (first, second) = (try HECServer(), try HECServer())
        defer { first.stop(); second.stop() }
        first.script([.close(taking: true)])
        let fixture = try Fixture([first.url, second.url])
        let outcome = await fixture.sink.send(batch(0..<1))
        #expect(outcome.reason?.mayRepeat == true)
        #expect(second.requests.isEmpty)
        for server in [first, second] { server.expectClean() }
    }

    @Test func `an endpoint that rests is asked last, and first again when it has rested`() throws {
        let one = try HECEndpoint("https://a:8088")
        let two = try HECEndpoint("https://b:8088")
        var endpoints = HECEndpoints([one, two])
        endpoints[0].failed(now: .zero)
        #expect(endpoints.order(now: .zero) == [1, 0])
        #expect(endpoints.order(now: .zero) == [1, 0])
        #expect(endpoints.order(now: .seconds(2)) == [0, 1])
        for _ in 0..<40 { endpoints[1].failed(now: .zero) }
        #expect(endpoints[1].restsUntil == .seconds(60))
        endpoints[1].succeeded()
        #expect(endpoints[1].restsUntil == .zero)
    }

    @Test func `a slow endpoint does not hold up the others, and one that failed is tried by one request`() throws {
        var endpoints = HECEndpoints([try HECEndpoint("https://a:8088"), try HECEndpoint("https://b:8088")])
        for _ in 0..<3 { endpoints[0].began() }
        for _ in 0..<3 { #expect(endpoints.order(now: .zero).first == 1) }
        endpoints[1].failed(now: .zero)
        #expect(endpoints.order(now: .seconds(5)) == [1, 0])
        endpoints[1].began()
        #expect(endpoints.order(now: .seconds(5)) == [0, 1])
        endpoints[1].succeeded()
        #expect(endpoints.order(now: .seconds(5)) == [1, 0])
    }

    @Test func `a server that nears its limits is asked more slowly, and at full speed again when it says so`() throws {
        var endpoint = try HECEndpoint("https://a:8088")
        for _ in 0..<10 { endpoint.succeeded(isSlow: true) }
        #expect(endpoint.pace == .seconds(2))
        for _ in 0..<10 { endpoint.succeeded() }
        #expect(endpoint.pace == .zero)
    }

    @Test func `a certificate's file that appears while everything is held is noticed`() async throws {
        let server = try HECServer()
        defer { server.stop() }
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("connlog-ca-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        let fixture = try Fixture([server.url.replacing("http:", with: "https:")]) {
            $0.http.certificateAuthorityFile = file.path
        }
        let outcome = await fixture.sink.send(batch(0..<1))
        #expect(outcome.word == "hold" && outcome.reason?.label == "tls_file")
        async let isMended = fixture.sink.mended()
        try Data("x".utf8).write(to: file)
        #expect(await isMended)
        server.expectClean()
    }

    @Test(arguments: [
        ("https://s:8088", "https://s:8088/services/collector/event"),
        ("https://s:8088/", "https://s:8088/services/collector/event"),
        ("https://s/services/collector", "https://s/services/collector/event"),
        ("https://s/services/collector/event", "https://s/services/collector/event"),
        ("https://s/services/collector/event/1.0/", "https://s/services/collector/event"),
        ("https://s/splunk", "https://s/splunk/services/collector/event"),
        ("https://s/splunk/services/collector/raw", "https://s/splunk/services/collector/event"),
    ])
    func `a URL is taken with and without the collector's path`(url: String, expected: String) throws {
        #expect(try HECEndpoint(url).eventURL == expected)
    }

    @Test(arguments: [
        "https://s:8088?token=abc", "https://s/services/collector?TOKEN=abc", "https://s/?index=main", "https://s/#x",
        "https://u:p@s:8088", "splunk:8088",
    ])
    func `a URL that would carry the token, or more than a place, is refused`(url: String) {
        #expect(throws: HECEndpoint.Mistake.self) { try HECEndpoint(url) }
    }

    @Test func `cancelling a request that hangs returns soon, saying that it may repeat`() async throws {
        let server = try HECServer()
        defer { server.stop() }
        server.script([.silence])
        let fixture = try Fixture([server.url])
        let task = Task { await fixture.sink.send(batch(0..<3)) }
        while server.requests.isEmpty { await Task.yield() }
        task.cancel()
        let outcome = await task.value
        #expect(outcome.word == "retry")
        #expect(outcome.reason?.mayRepeat == true)
        server.expectClean()
    }

    @Test func `many batches under way at once are each delivered once`() async throws {
        let server = try HECServer()
        defer { server.stop() }
        let fixture = try Fixture([server.url])
        await withTaskGroup(of: SendOutcome.self) { group in
            for round in 0..<32 { group.addTask { await fixture.sink.send(batch(round * 10..<round * 10 + 10)) } }
            for await outcome in group { #expect(outcome == .delivered) }
        }
        #expect(server.ids.sorted() == ids(0..<320).sorted())
        server.expectClean()
    }
}
