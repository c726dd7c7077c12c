#if Server
import ConnlogAPI
import ConnlogCore
import ConnlogStore
import ConnlogSystem
import ConnlogTestSupport
import Testing

/// Dates of the first and the last moment that there is, in events and in questions.
@Suite struct ExtremeTimeTests {
    private static let times =
        [
            "1677-09-21T00:12:43.145224192Z", "1677-09-21T00:12:43.9Z", "1677-09-21T00:12:44Z", "1678-01-01T00:00:00Z",
            "1677-09-20T00:00:00Z", "0001-01-01T00:00:00Z", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999Z",
            "1969-12-31T23:59:59.999999999Z", "1970-01-01T00:00:00Z",
        ]
        + (["7", "6.8547745", "6.8547754995", "6.8547755", "6.854775500", "6.854775501", "6.854775806", "6.854775807"]
        + ["6.854775808", "6.9"]).map { "2262-04-11T23:47:1\($0)Z" }

    @Test func `events of every extreme time are listed, exported, summed up, shown and watched`() async throws {
        try await withServer { server in
            let events = Self.times.indices.map { number in
                ToldEvent(
                    id: ToldEvent.uuid(number), time: 0, isDisconnect: true, connection: ToldEvent.uuid(900 + number))
            }
            var batch = EventBatch()
            for (event, time) in zip(events, Self.times) {
                batch.append(Array(event.line.replacing("2026-01-01T00:00:00Z", with: time).utf8).span)
            }
            _ = try server.store.apply(batch, at: nil, arrival: 0)
            for path in ["?limit=100", "?limit=100&connlog=1", "/export?format=csv", "/export?format=text", "/export"] {
                let reply = try await server.get("/api/v2/connectionlog\(path)")
                #expect(reply.status == 200, "\(path)")
            }
            #expect(try await server.get("/api/v2/connectionlog?limit=100").rows.count == Self.times.count)
            for event in events {
                #expect(try await server.get("/api/v2/connectionlog/\(event.id ?? "")").status == 200)
            }
            await server.stream("/api/v2/connectionlog/watch?last_event_id=0") { text in
                text.split(separator: "id: ").count >= Self.times.count
            }
        }
    }

    @Test func `questions about every extreme time are answered or refused`() async throws {
        try await withServer([ToldEvent(time: 0)]) { server in
            for time in Self.times {
                for query in [
                    "from=\(time)", "to=\(time)", "to=\(time)&interval=1", "from=\(time)&interval=2147483647",
                ] {
                    let reply = try await server.get("/api/v2/connectionlog/stats?\(query)")
                    #expect([200, 400].contains(reply.status), "\(query): \(reply.text)")
                }
                for word in ["connected_after", "connected_before"] {
                    let query = TestServer.escaped("\(word):\"\(time)\"")
                    let reply = try await server.get("/api/v2/connectionlog?connlog=1&q=\(query)")
                    #expect([200, 400].contains(reply.status), "\(query)")
                }
                for place in [Int64.min, .max] {
                    let reply = try await server.get("/api/v2/connectionlog?connlog=1&after=\(place).\(place).\(place)")
                    #expect(reply.status == 200)
                }
            }
            let first = try await server.get("/api/v2/connectionlog/stats?to=1677-09-21T00:12:44Z")
            #expect([200, 400].contains(first.status))
        }
    }
}
#endif
