#if Server
import ConnlogCore
import ConnlogStore
import ConnlogTestSupport
import Testing

@testable import ConnlogAPI

/// What one client can take from the others.
@Suite struct BudgetTests {
    private static func tunnels(_ count: Int, agentBytes: Int = 10) -> [ToldEvent] {
        (0..<count).map { number in
            ToldEvent(
                id: ToldEvent.uuid(1000 + number), time: Int64(number), type: "tunnel", code: 101,
                userAgent: String(repeating: "x", count: agentBytes))
        }
    }

    private static let watch = "GET /api/v2/connectionlog/watch HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"

    @Test func `one token gets a quarter of what there is, one address half, and all get all`() throws {
        let budget = Budget("questions", 8)
        var held = try (0..<2).map { _ in try budget.take("jane", "10.0.0.1") }
        #expect(throws: APIError.self) { _ = try budget.take("jane", "10.0.0.2") }
        held += try (0..<2).map { _ in try budget.take("joe", "10.0.0.1") }
        #expect(throws: APIError.self) { _ = try budget.take("jim", "10.0.0.1") }
        held += try ["a", "b", "c", "d"].map { try budget.take($0, "10.0.0.\($0)") }
        #expect(throws: APIError.self) { _ = try budget.take("e", "10.0.0.e") }
        #expect(budget.underWay == 8)
        held.removeAll()
        #expect(budget.underWay == 0)
        _ = try budget.take("jane", "10.0.0.1")
    }

    @Test func `too many streams get 429 with when to come again, health goes on, and who leaves makes room`()
        async throws
    {
        try await withServer(change: { $0.streamsMax = 8 }) { server async throws in
            var held: [RawClient] = []
            for _ in 0..<2 {
                let client = try RawClient(port: server.port)
                await client.send(Self.watch)
                #expect(await client.read { $0.contains("retry: 2000") }.hasPrefix("HTTP/1.1 200"))
                held.append(client)
            }
            let refused = try await server.get("/api/v2/connectionlog/export")
            #expect(refused.status == 429 && refused.retryAfter == "1" && refused.message.contains("of this token"))
            #expect(try await server.get("/healthz").status == 200)
            #expect(try await server.get("/api/v2/connectionlog").status == 200)
            held.removeAll()
            try await Waiting.until { try await server.get("/api/v2/connectionlog/export").status == 200 }
        }
    }

    @Test func `an address with too many connections gets no more, and others do not notice`() async throws {
        try await withServer(change: { $0.connectionsOfAddressMax = 5 }) { server async throws in
            let held = try (0..<8).map { _ in try RawClient(port: server.port) }
            var served = 0
            for client in held {
                await client.send("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
                if await client.read(until: { $0.contains("ok") }).hasPrefix("HTTP/1.1 200") { served += 1 }
            }
            #expect(served == 5)
            #expect(server.lines.all.filter { $0.contains("has 5 connections open") }.count == 1)
            for client in held { client.leave() }
            try await Waiting.until { (try? await server.get("/healthz").status) == 200 }
            // Some more were refused while the others were being closed.
            let metrics = try await server.get("/metrics").text
            #expect(metrics.contains("\nconnlog_http_connections_refused_total "))
            #expect(!metrics.contains("connlog_http_connections_refused_total 0\n"))
        }
    }

    @Test func `whoever takes nothing of a download is cut off, and whoever takes it is not`() async throws {
        // More than kernels keep for a connection.
        try await withServer(Self.tunnels(6000, agentBytes: 4000), change: { $0.timeout = .seconds(1) }) {
            server async throws in
            let client = try RawClient(port: server.port)
            await client.send("GET /api/v2/connectionlog/export HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            try await Waiting.until { try await server.get("/metrics").text.contains("reason=\"slow_reader\"} 1\n") }
            #expect(await !client.read().hasSuffix("\r\n0\r\n\r\n"))
            let all = try await server.get("/api/v2/connectionlog/export")
            #expect(all.text.split(separator: "\n").count == 6000)
        }
    }

    @Test func `a body that never comes to its end is cut off on every route`() async throws {
        try await withServer(intake: NoIntake(), change: { $0.timeout = .seconds(1) }) { server async throws in
            for path in ["/api/v2/connectionlog/ingest", "/login", "/logout", "/nothing"] {
                let client = try RawClient(port: server.port)
                await client.send(
                    "POST \(path) HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/jsonl\r\n"
                        + "Content-Length: 1000000\r\n\r\n")
                // A byte now and then, for as long as somebody takes it.
                let dripping = Task {
                    while !Task.isCancelled, await client.send("x") { await Waiting.moment() }
                }
                let reply = await client.read()
                dripping.cancel()
                await dripping.value
                #expect(!reply.contains(" 200 ") || path == "/logout", "\(path): \(reply.prefix(100))")
            }
        }
    }

    @Test func `what a client that left was waiting for is not worked on any more`() async throws {
        let left = ClientConnection()
        let (ends, end) = AsyncStream.makeStream(of: Void.self)
        await #expect(throws: ClientLeft.self) {
            try await left.whileThere {
                left.leave()
                // Nothing but being cancelled ends this.
                for await _ in ends {}
            }
        }
        end.finish()
        #expect(try await ClientConnection().whileThere { 7 } == 7)
    }

    @Test(arguments: [0, 1, 63, 64, 65, 127, 128, 500, 1000, 1001])
    func `pages of any size come to the same list`(limit: Int) async throws {
        try await withServer(Self.tunnels(1100, agentBytes: 3000)) { server async throws in
            let wanted = (0..<1100).reversed().prefix(limit == 0 ? 100 : limit).map { ToldEvent.uuid(1000 + $0) }
            let list = try await server.get("/api/v2/connectionlog?connlog=true&limit=\(limit)")
            #expect(list.ids == wanted)
            let next = try #require(list.json["next"] as? String)
            let rest = try await server.get("/api/v2/connectionlog?connlog=true&limit=2000&after=\(next)")
            #expect(rest.ids.count == 1100 - wanted.count && rest.json["next"] == nil)
            let export = try await server.get("/api/v2/connectionlog/export?limit=\(limit)")
            #expect(export.text.split(separator: "\n").count == (limit == 0 ? 1100 : limit))
            let offset = try await server.get("/api/v2/connectionlog?limit=\(max(1, limit))&offset=7")
            #expect(offset.ids.first == ToldEvent.uuid(1000 + 1092))
        }
    }

    @Test(arguments: [(1, 1000), (1 << 10, 256), (256 << 10, 1), (10 << 20, 1)])
    func `a page has as many rows as make a quarter of a megabyte`(bytes: Int, count: Int) {
        var size = PageSize()
        size.learn(count: 10, bytes: 10 * bytes)
        #expect(size.count == count)
    }

    @Test(arguments: [99, 100, 101, 3000])
    func `a question with too many words is refused, and no path is told`(words: Int) async throws {
        try await withServer(Self.tunnels(10)) { server async throws in
            let query = TestServer.escaped(Array(repeating: "dev", count: words).joined(separator: " "))
            let reply = try await server.get("/api/v2/connectionlog?connlog=true&q=\(query)")
            #expect(reply.status == (words > 100 ? 400 : 200), "\(reply.text.prefix(200))")
            #expect(!reply.text.contains(server.folder))
        }
    }

    @Test func `what breaks in the store is told in the log, not to whoever asked`() async {
        await #expect {
            try await Question.ask(nil) { throw StoreProblem("/var/lib/connlog/connlog.db is damaged") }
        } throws: { error in
            guard let error = error as? APIError else { return false }
            return !(error.message + error.detail).contains("/") && error.logged?.contains("/var/lib") == true
        }
    }

    @Test func `wrong tokens are slowed and cannot fill the log`() async throws {
        let (_, hash) = TokenText.make()
        let entry = try #require(AccessList.Entry(name: "jane", role: .admin, tokenHashes: [hash]))
        try await withServer(access: AccessList([entry])) { server async throws in
            for _ in 0..<25 {
                _ = try await server.get("/api/v2/connectionlog", [("Coder-Session-Token", "guess")])
            }
            #expect(server.lines.all.count < 25 && server.lines.all.contains { $0.contains(": 401") })
        }
        let words = RepeatedWords(first: 2)
        let now = ContinuousClock.now
        let said = (0..<5).map { words.words("x", now: now + .seconds($0)) }
        #expect(said == ["x", "x", nil, nil, nil])
        #expect(words.words("x", now: now + .seconds(61)) == "x (and 3 times more since it was said last)")
    }

    @Test func `behind a trusted proxy it is whoever asked there that counts`() throws {
        let block = try #require(AddressBlock("10.0.0.0/8"))
        let proxies = TrustedProxies([block])
        #expect(proxies.client("10.0.0.1", ["203.0.113.7"]) == "203.0.113.7")
        #expect(proxies.client("10.0.0.1", ["6.6.6.6, 203.0.113.7, 10.2.3.4"]) == "203.0.113.7")
        #expect(proxies.client("10.0.0.1", ["nonsense"]) == "10.0.0.1")
        #expect(proxies.client("10.0.0.1", []) == "10.0.0.1")
        #expect(proxies.client("192.0.2.1", ["203.0.113.7"]) == "192.0.2.1")
        #expect(TrustedProxies().client("127.0.0.1", ["203.0.113.7"]) == "127.0.0.1")
    }

    @Test(arguments: [
        "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n-1\r\nabcde\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nabcde\r\n0\r\n\r\n", "Content-Length: +5\r\n\r\nabcde",
    ])
    func `a body that is not as HTTP has it is the client's mistake`(rest: String) async throws {
        try await withServer(intake: NoIntake()) { server async throws in
            let reply = try await server.raw(
                "POST /api/v2/connectionlog/ingest HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/jsonl\r\n"
                    + rest
            ) { $0.contains("\r\n\r\n") }
            #expect(reply.hasPrefix("HTTP/1.1 400"), "\(reply.prefix(200))")
        }
    }
}
#endif
