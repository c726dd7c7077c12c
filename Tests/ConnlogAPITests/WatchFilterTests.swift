#if Server
import ConnlogAPI
import ConnlogTestSupport
import Testing

/// Which filters can be watched: what events by themselves tell, and who somebody was.
@Suite struct WatchFilterTests {
    private static let path = "/api/v2/connectionlog/watch?q="

    @Test(arguments: [
        ("duration:>1h", "duration", "watch event:disconnected"), ("-duration:<1m", "duration", "not known when"),
        ("new:ip connected_after:-24h", "new", "a range in the past"), ("-new:ip", "new", "a range in the past"),
        ("status:lost", "status", "no event says that"), ("status:unconfirmed", "status", "no event says that"),
        ("status:start_unknown", "status", "watch event:disconnected"),
        ("type:ssh status:open,lost", "status", "no event"),
    ])
    func `what no event can decide is refused, with its place, the reason and the way out`(
        query: String, field: String, words: String
    ) async throws {
        try await withServer { server async throws in
            let reply = try await server.get(Self.path + TestServer.escaped(query))
            let told = reply.json["validations"] as? [[String: Any]] ?? []
            #expect(reply.status == 400 && told.count == 1 && told[0]["field"] as? String == field, "\(reply.text)")
            #expect((told[0]["detail"] as? String)?.contains(words) == true, "\(reply.text)")
            let (start, end) = (try #require(told[0]["start"] as? Int), try #require(told[0]["end"] as? Int))
            let term = String(decoding: Array(query.utf8)[start..<end], as: UTF8.self)
            #expect((told[0]["detail"] as? String)?.hasPrefix("'\(term)' cannot be watched: ") == true, "\(reply.text)")
        }
    }

    @Test func `every mistake is told`() async throws {
        try await withServer { server async throws in
            let reply = try await server.get(Self.path + TestServer.escaped("duration:>1h new:ip status:lost type:ssh"))
            #expect(reply.validations.map { $0["field"] } == ["duration", "new", "status"])
        }
    }

    @Test(arguments: [
        "status:open", "status:ongoing", "status:completed", "event:disconnected", "during:-24h", "hour:08-18",
        "type:ssh",
        "person:nobody", "ip:10.0.0.0/8", "code:403", "killed",
    ])
    func `what events tell can be watched`(query: String) async throws {
        try await withServer { server async throws in
            await server.stream(Self.path + TestServer.escaped(query)) { $0.contains("retry: 2000") }
        }
    }
}
#endif
