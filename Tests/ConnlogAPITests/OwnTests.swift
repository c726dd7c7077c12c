#if Server
import ConnlogAPI
import ConnlogCore
import ConnlogStore
import ConnlogSystem
import ConnlogTestSupport
import Foundation
import Testing

/// What is ours on top of Coder's API.
@Suite struct OwnTests {
    private static func tunnels(_ numbers: Range<Int>) -> [ToldEvent] {
        numbers.map { ToldEvent(id: ToldEvent.uuid(1000 + $0), time: Int64($0), type: "tunnel", code: 101) }
    }

    @Test func `an export holds every row that matches, in the order of the list, in both formats`() async throws {
        try await withServer(Self.tunnels(0..<2500)) { server async throws in
            let lines = try await server.get("/api/v2/connectionlog/export?q=code:101").text.split(separator: "\n")
            let ids = try lines.map { line in
                let row = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
                return row?["id"] as? String
            }
            #expect(ids == (0..<2500).reversed().map { ToldEvent.uuid(1000 + $0) })
            let csv = try await server.get("/api/v2/connectionlog/export?format=csv&limit=1200")
            #expect(csv.contentType?.hasPrefix("text/csv") == true)
            let rows = csv.text.components(separatedBy: "\r\n")
            #expect(rows.count == 1202 && rows[0].hasPrefix("id,connect_time,") && rows.last == "")
            #expect(rows[1].hasPrefix("\"\(ToldEvent.uuid(3499))\""))
            #expect(try await server.get("/api/v2/connectionlog/export?format=xml").status == 400)
            #expect(try await server.get("/api/v2/connectionlog/export?q=type:nothing").status == 400)
        }
    }

    @Test func `cells are quoted as RFC 4180 says, and none is a formula`() async throws {
        var event = ToldEvent(
            id: ToldEvent.uuid(1), time: 1, reason: "a \"quoted\", line\r\nbreak", connection: ToldEvent.uuid(2))
        event.workspaceName = "=HYPERLINK(1)"
        event.agent = "@x"
        event.isDisconnect = true
        event.code = -1
        try await withServer([event]) { server async throws in
            let text = try await server.get("/api/v2/connectionlog/export?format=csv").text
            #expect(text.contains(",\"'=HYPERLINK(1)\",\"'@x\","))
            #expect(text.contains(",\"a \"\"quoted\"\", line\r\nbreak\","))
            #expect(text.contains(",\"-1\","))
        }
    }

    @Test func `a line for a terminal holds nothing that moves its cursor`() async throws {
        var event = ToldEvent(id: ToldEvent.uuid(1), time: 1, connection: ToldEvent.uuid(2))
        event.workspaceName = "a\u{1b}[2Jb\nc\u{202e}d"
        try await withServer([event]) { server async throws in
            let text = try await server.get("/api/v2/connectionlog/export?format=text").text
            #expect(text.filter(\.isNewline).count == 1)
            #expect(
                text.unicodeScalars.allSatisfy {
                    $0 == "\n" || ![.control, .format].contains($0.properties.generalCategory)
                })
        }
    }

    @Test func `one connection is shown with its events as they were received`() async throws {
        let begin = ToldEvent(id: ToldEvent.uuid(1), time: 10, connection: ToldEvent.uuid(50))
        let end = ToldEvent(
            id: ToldEvent.uuid(2), time: 20, isDisconnect: true, code: 1, connection: ToldEvent.uuid(50))
        try await withServer([begin, end] + Self.tunnels(0..<10)) { server async throws in
            let reply = try await server.get("/api/v2/connectionlog/\(ToldEvent.uuid(1).uppercased())")
            let events = reply.json["events"] as? [[String: Any]]
            #expect(events?.map { $0["line"] as? String } == [begin.line, end.line])
            #expect((reply.json["connection_log"] as? [String: Any])?["id"] as? String == ToldEvent.uuid(1))
            #expect(try await server.get("/api/v2/connectionlog/\(ToldEvent.uuid(99))").status == 404)
        }
    }

    @Test func `who watches sees what comes, and goes on where it was`() async throws {
        try await withServer(Self.tunnels(0..<5)) { server async throws in
            let store = server.store
            await server.stream("/api/v2/connectionlog/watch", [("Last-Event-ID", "2")]) {
                $0.contains("id: 5\n") && !$0.contains("id: 2\n")
            }
            await server.stream("/api/v2/connectionlog/watch?q=code:403&last_event_id=5") { text in
                if text.contains("retry: 2000"), !text.contains("id:") {
                    let events = [
                        ToldEvent(id: ToldEvent.uuid(7), time: 50, type: "tunnel", code: 101),
                        ToldEvent(id: ToldEvent.uuid(8), time: 51, type: "tunnel", code: 403),
                    ]
                    _ = try? store.apply(ToldEvent.batch(events), at: nil, arrival: 0)
                }
                return text.contains("id: 7\n") && !text.contains("id: 6\n") && text.contains(ToldEvent.uuid(8))
            }
            #expect(try await server.get("/api/v2/connectionlog/watch?last_event_id=x").status == 400)
        }
    }

    @Test(arguments: [1, 3, 6]) func `who watches when the store begins anew is told so, and gets what it has`(
        count: Int
    ) async throws {
        try await withServer(Self.tunnels(0..<5)) { server async throws in
            let (folder, store) = (server.folder, server.store)
            await server.stream("/api/v2/connectionlog/watch?last_event_id=4") { text in
                if text.contains("id: 5\n"), !text.contains("event: restart\n") {
                    for name in ["", "-wal", "-shm"] {
                        try? FileManager.default.removeItem(atPath: "\(folder)/connlog.db\(name)")
                    }
                    try? store.look()
                    _ = try? store.apply(ToldEvent.batch(Self.tunnels(100..<100 + count)), at: nil, arrival: 0)
                }
                let new = text.components(separatedBy: "id: 0\nevent: restart\ndata: {\"message\":\"").dropFirst().first
                return (1...count).allSatisfy { new?.contains("id: \($0)\n") == true }
                    && new?.contains(ToldEvent.uuid(1100)) == true
            }
        }
    }

    @Test func `who comes back with a number that the store has not given yet is told that it began anew`()
        async throws
    {
        try await withServer(Self.tunnels(0..<3)) { server async throws in
            for path in ["?last_event_id=4", "?last_event_id=4&format=text"] {
                await server.stream("/api/v2/connectionlog/watch\(path)") { text in
                    text.contains("id: 0\nevent: restart\ndata: ") && text.contains("\n\nid: 1\nevent: connection\n")
                        && text.contains("id: 3\n")
                }
            }
            await server.stream("/api/v2/connectionlog/watch?last_event_id=3") { text in
                if text.contains("retry: 2000"), !text.contains("id: ") {
                    _ = try? server.store.apply(ToldEvent.batch(Self.tunnels(7..<8)), at: nil, arrival: 0)
                }
                return text.contains("id: 4\n") && !text.contains("restart")
            }
        }
    }

    @Test func `counts over time add up, by type, user and workspace`() async throws {
        var events = Self.tunnels(0..<100)
        for index in events.indices { events[index].user = ToldEvent.uuid(300 + index % 3) }
        events.append(ToldEvent(id: ToldEvent.uuid(1), time: 5000, connection: ToldEvent.uuid(2)))
        try await withServer(events) { server async throws in
            let reply = try await server.get(
                "/api/v2/connectionlog/stats?from=2026-01-01T00:00:00Z&to=2026-01-01T02:00:00Z&interval=60")
            #expect(reply.json["count"] as? Int == 101)
            #expect(reply.json["types"] as? [String: Int] == ["tunnel": 100, "ssh": 1])
            let buckets = try #require(reply.json["buckets"] as? [[String: Any]])
            #expect(
                buckets.map { $0["time"] as? String } == [
                    "2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z", "2026-01-01T01:23:00Z",
                ])
            #expect(buckets.map { ($0["types"] as? [String: Int])?.values.reduce(0, +) } == [60, 40, 1])
            let users = try #require(reply.json["users"] as? [[String: Any]])
            #expect(users.map { $0["count"] as? Int } == [34, 33, 33])
            let workspaces = reply.json["workspaces"] as? [[String: Any]]
            #expect(workspaces?.first?["name"] as? String == "dev")
            let filtered = try await server.get(
                "/api/v2/connectionlog/stats?q=type:ssh&from=2026-01-01T00:00:00Z&to=2026-01-01T02:00:00Z")
            #expect(filtered.json["count"] as? Int == 1)
            for bad in [
                "from=x", "from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "interval=1&from=2020-01-01T00:00:00Z",
            ] {
                #expect(try await server.get("/api/v2/connectionlog/stats?\(bad)").status == 400, "\(bad)")
            }
        }
    }

    @Test func `metrics are in Prometheus' format, each family once`() async throws {
        try await withServer(Self.tunnels(0..<3)) { server async throws in
            server.state.update { parts in
                parts.overview = {
                    var overview = Overview()
                    overview.version = "1.2.3"
                    var sink = Overview.SinkPart()
                    (sink.name, sink.type) = ("a \"b\"\\", "file")
                    sink.figures = [Figure(.gauge, "lag_events", key: "lag", "What waits.", 7)]
                    sink.figures += Figure.each(
                        .counter, "retries", "Again.", by: "reason", ["http_503": 2, "timeout": 1])
                    overview.sinks = [sink, sink]
                    return overview
                }
            }
            _ = try await server.get("/api/v2/connectionlog")
            let text = try await server.get("/metrics").text
            var families: Set<String> = []
            for line in text.split(separator: "\n") where !line.hasPrefix("# HELP ") {
                if line.hasPrefix("# TYPE ") {
                    #expect(families.insert(String(line.split(separator: " ")[2])).inserted, "\(line)")
                } else {
                    let name = String(line.prefix { $0 != "{" && $0 != " " })
                    #expect(families.contains(name) && Double(line.split(separator: " ").last ?? "") != nil, "\(line)")
                }
            }
            #expect(text.contains(#"connlog_sink_lag_events{sink="a \"b\"\\"} 7"#))
            #expect(text.contains(#"connlog_http_requests_total{route="/api/v2/connectionlog",status="200"} 1"#))
        }
    }

    @Test func `what cannot be taken in is told with what to do`() async throws {
        struct Refusing: EventIntake {
            let error: IntakeError
            func begin() throws(IntakeError) -> any IntakeSession { throw error }
        }
        for (error, status, wait) in [
            (IntakeError.full("disk_full"), 429, "5"), (.stopping, 503, "10"), (.failed("no disk"), 503, "5"),
        ] {
            try await withServer(intake: Refusing(error: error)) { server async throws in
                let reply = try await server.post("/api/v2/connectionlog/ingest", Array("x\n".utf8))
                #expect(reply.status == status && reply.retryAfter == wait)
            }
        }
        try await withServer(intake: NoIntake(), change: { $0.bodyBytesMax = 1000 }) { server async throws in
            let body = [UInt8](repeating: 0x78, count: 1001)
            #expect(try await server.post("/api/v2/connectionlog/ingest", body).status == 413)
            #expect(try await server.post("/api/v2/connectionlog/ingest", Array(body.dropFirst())).status == 200)
            let odd = try await server.post("/api/v2/connectionlog/ingest", [1], [("Content-Encoding", "br")])
            #expect(odd.status == 415)
            let broken = try await server.post(
                "/api/v2/connectionlog/ingest", [1, 2, 3], [("Content-Encoding", "gzip")])
            #expect(broken.status == 400)
        }
    }

    @Test func `not ready while the queue takes nothing`() async throws {
        try await withServer { server async throws in
            #expect(try await server.get("/readyz").status == 200)
            server.state.update { parts in
                parts.overview = {
                    var overview = Overview()
                    overview.queue.state = "disk_full"
                    return overview
                }
            }
            #expect(try await server.get("/readyz").status == 503)
            #expect(try await server.get("/healthz").status == 200)
        }
    }

    @Test func `not ready while the store is in trouble, and whoever asks is told no more than that`() async throws {
        try await withServer([ToldEvent(time: 1)]) { server async throws in
            #expect(try await server.get("/readyz").status == 200)
            let away = server.folder + ".away"
            defer { try? FileManager.default.removeItem(atPath: away) }
            try FileManager.default.moveItem(atPath: server.folder, toPath: away)
            // A file where its directory should be.
            #expect(FileManager.default.createFile(atPath: server.folder, contents: nil))
            #expect(throws: StoreProblem.self) { try server.store.look() }
            let reply = try await server.get("/readyz")
            #expect(reply.status == 503 && !reply.text.contains(server.folder), "\(reply.text)")
            #expect(reply.json["reasons"] as? [String] == ["the store cannot answer now: connlog's own log says why"])
            try FileManager.default.removeItem(atPath: server.folder)
            try server.store.look()
            #expect(try await server.get("/readyz").status == 200)
        }
    }
}
#endif
