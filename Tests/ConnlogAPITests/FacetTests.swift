#if Server
import ConnlogCore
import ConnlogStore
import ConnlogTestSupport
import Testing

/// Facets, histograms in a zone, and people: over exactly the range that was asked for.
@Suite struct FacetTests {
    private static let people = ListedNames(
        users: [
            UserName(id: ToldEvent.uuid(100), username: "alice"), UserName(id: ToldEvent.uuid(101), username: "bob"),
        ], organizations: [OrganizationName(id: ToldEvent.uuid(900), name: "design")])

    private static func web(
        _ id: Int, _ time: Int64, _ user: Int, _ code: Int, ip: String = "10.0.0.1", _ type: String = "workspace_app"
    ) -> ToldEvent {
        var event = ToldEvent(id: ToldEvent.uuid(id), time: time, type: type, code: code)
        (event.user, event.ip, event.owner) = (ToldEvent.uuid(user), ip, ToldEvent.uuid(100))
        return event
    }

    private static var events: [ToldEvent] {
        let key = ToldEvent.uuid(50)
        return [
            ToldEvent(id: ToldEvent.uuid(1), time: 0, connection: key),
            web(2, 100, 100, 200), web(3, 200, 101, 403, ip: "198.51.100.7"), web(4, 300, 101, 401, ip: "198.51.100.8"),
            web(5, 400, 101, 502), web(6, 7200, 100, 101, "tunnel"),
            ToldEvent(id: ToldEvent.uuid(7), time: 500, isDisconnect: true, code: 1, connection: key),
        ]
    }

    private static let hour = "from=2026-01-01T00:00:00Z&to=2026-01-01T01:00:00Z"

    private func values(_ reply: TestServer.Reply, _ facet: String) -> [String: Int] {
        let facets = reply.json["facets"] as? [String: Any]
        let values = (facets?[facet] as? [String: Any])?["values"] as? [[String: Any]] ?? []
        return Dictionary(
            values.map { ($0["value"] as? String ?? "", $0["count"] as? Int ?? 0) }, uniquingKeysWith: { $0 + $1 })
    }

    @Test func `facets count the values of the range, and each says what asks for it alone`() async throws {
        try await withServer(Self.events, names: Self.people) { server async throws in
            let names = Facet.allCases.map(\.rawValue).joined(separator: ",")
            let reply = try await server.get("/api/v2/connectionlog/stats?\(Self.hour)&facets=\(names)")
            #expect(reply.json["count"] as? Int == 5)
            #expect(values(reply, "outcome") == ["ok": 1, "refused": 2, "failed": 1, "exit": 1])
            #expect(values(reply, "type") == ["ssh": 1, "workspace_app": 4])
            #expect(values(reply, "person") == [ToldEvent.uuid(100): 1, ToldEvent.uuid(101): 3])
            #expect(values(reply, "ip") == ["10.0.0.1": 3, "198.51.100.7": 1, "198.51.100.8": 1])
            let facets = try #require(reply.json["facets"] as? [String: [String: Any]])
            #expect(facets["person"]?["without"] as? Int == 1)
            for (facet, found) in facets {
                for value in found["values"] as? [[String: Any]] ?? [] {
                    guard let filter = value["filter"] as? String else { continue }
                    let alone = try await server.get(
                        "/api/v2/connectionlog/stats?\(Self.hour)&q=\(TestServer.escaped(filter))")
                    #expect(alone.json["count"] as? Int == value["count"] as? Int, "\(facet) \(filter): \(alone.text)")
                }
            }
            let one = try await server.get("/api/v2/connectionlog/stats?\(Self.hour)&facets=ip&limit=1")
            #expect(values(one, "ip") == ["10.0.0.1": 3] && (one.json["facets"] as? [String: Any])?.count == 1)
            for bad in ["facets=ips", "facets=ip&limit=1001", "limit=x"] {
                #expect(try await server.get("/api/v2/connectionlog/stats?\(bad)").status == 400, "\(bad)")
            }
        }
    }

    /// A tunnel of alice, her session, one address in two texts, and a connection of nobody.
    private static var shared: [ToldEvent] {
        var tunnel = web(10, 100, 100, 101, ip: "10.0.0.9", "tunnel")
        tunnel.agent = "gpu"
        var session = ToldEvent(id: ToldEvent.uuid(11), time: 110, connection: ToldEvent.uuid(51))
        (session.agent, session.ip) = ("gpu", "::ffff:10.0.0.9")
        var nobody = ToldEvent(id: ToldEvent.uuid(12), time: 120, connection: ToldEvent.uuid(52))
        nobody.agent = "other"
        return [tunnel, session, nobody]
    }

    @Test func `people are counted by who it was, recorded or inferred, and the filter of each gives as many`()
        async throws
    {
        try await withServer(Self.shared, names: Self.people) { server async throws in
            let alice = ToldEvent.uuid(100)
            let reply = try await server.get("/api/v2/connectionlog/stats?\(Self.hour)&facets=person,user,ip")
            #expect(values(reply, "person") == [alice: 2] && values(reply, "user") == [alice: 1])
            #expect(values(reply, "ip") == ["10.0.0.9": 2, "10.0.0.1": 1])
            let found = try await server.get("/api/v2/connectionlog/people?\(Self.hour)")
            let person = try #require((found.json["people"] as? [[String: Any]])?.first)
            #expect(person["connections"] as? Int == 2 && person["addresses"] as? Int == 1)
            #expect(found.json["without"] as? Int == 1 && person["filter"] as? String == "person:\(alice)")
            let rows = try await server.get("/api/v2/connectionlog?connlog=true&q=person:\(alice)")
            #expect(rows.json["count"] as? Int == 2)
            // What the page's bars ask for is `username:`, whom events name.
            let old = try await server.get("/api/v2/connectionlog/stats?\(Self.hour)")
            #expect((old.json["users"] as? [[String: Any]])?.map { $0["count"] as? Int } == [1])
        }
    }

    @Test(arguments: [
        ("connected_before:2026-01-01T00:04", "2026-01-01T00:00:00Z", "2026-01-01T00:04:00.000001Z", 3),
        (
            "connected_before:2026-01-01T00:04 type:workspace_app", "2026-01-01T00:01:40Z",
            "2026-01-01T00:04:00.000001Z", 2
        ),
        ("during:..2026-01-01T00:04", "2026-01-01T00:00:00Z", "2026-01-01T00:05:00Z", 3),
        ("-connected_after:2026-01-01T00:04", "2026-01-01T00:00:00Z", "2026-01-01T00:04:00Z", 3),
        (
            "connected_after:2026-01-01T00:04 connected_before:2026-01-01T00:06", "2026-01-01T00:04:00Z",
            "2026-01-01T00:06:00.000001Z", 1
        ),
        ("connected_before:2025-01-01", "2024-12-31T00:00:00.000001Z", "2025-01-01T00:00:00.000001Z", 0),
        (
            "connected_after:2026-01-02 connected_before:2026-01-01", "2026-01-01T00:00:00Z",
            "2026-01-01T00:00:00.000001Z", 0
        ),
    ])
    func `the range of an answer is what the question asks for, and is told`(
        query: String, from: String, to: String, count: Int
    ) async throws {
        try await withServer(Self.events, names: Self.people) { server async throws in
            for path in ["stats", "people"] {
                let reply = try await server.get("/api/v2/connectionlog/\(path)?q=\(TestServer.escaped(query))")
                #expect(reply.json["from"] as? String == from && reply.json["to"] as? String == to, "\(reply.text)")
                if path == "stats" { #expect(reply.json["count"] as? Int == count, "\(reply.text)") }
            }
        }
    }

    @Test func `with an end of its own the range begins where the filter does, and else a day before`() async throws {
        try await withServer(Self.events, names: Self.people) { server async throws in
            for (query, from) in [
                ("connected_after:2026-01-01T00:03", "2026-01-01T00:03:00Z"), ("", "2026-01-02T00:00:00Z"),
                ("connected_after:2026-02-01", "2026-01-02T00:00:00Z"),
            ] {
                let reply = try await server.get(
                    "/api/v2/connectionlog/stats?to=2026-01-03T00:00:00Z&q=\(TestServer.escaped(query))")
                #expect(reply.json["from"] as? String == from, "\(query)")
            }
            let bad = "from=2026-01-03T00:00:00Z&to=2026-01-03T00:00:00Z"
            #expect(try await server.get("/api/v2/connectionlog/stats?\(bad)").status == 400)
        }
    }

    @Test(arguments: [(1999, true), (2000, true), (2001, false)])
    func `a histogram has two thousand buckets at most`(minutes: Int64, isTaken: Bool) async throws {
        try await withServer(Self.events) { server async throws in
            let end = EventTime.text((ToldEvent.start + minutes * 60) * 1_000_000_000)
            for seconds in [60, 61] as [Int64] {
                let to = seconds == 60 ? end : EventTime.text((ToldEvent.start + minutes * 61) * 1_000_000_000)
                let reply = try await server.get(
                    "/api/v2/connectionlog/stats?from=2026-01-01T00:00:00Z&to=\(to)&interval=\(seconds)")
                #expect(reply.status == (isTaken ? 200 : 400))
                let buckets = reply.json["concurrent"] as? [Any]
                if isTaken {
                    #expect(buckets?.count == Int(minutes))
                } else {
                    #expect(reply.text.contains("2000 buckets"))
                }
            }
        }
    }

    @Test func `without a range of its own the filter's is taken, and all that matches is counted`() async throws {
        try await withServer(Self.events, names: Self.people) { server async throws in
            let during = "during:2026-01-01T00:05..2026-01-01T00:07"
            let reply = try await server.get("/api/v2/connectionlog/stats?q=\(TestServer.escaped(during))&facets=type")
            // The session began before and ended after.
            #expect(values(reply, "type") == ["ssh": 1, "workspace_app": 2])
            #expect(reply.json["from"] as? String == "2026-01-01T00:05:00Z")
            #expect(reply.json["to"] as? String == "2026-01-01T00:08:00Z")
            let open = reply.json["concurrent"] as? [[String: Any]] ?? []
            #expect(open.map { $0["count"] as? Int } == [1, 1, 1])
            #expect(open.map { $0["time"] as? String } == (5...7).map { "2026-01-01T00:0\($0):00Z" })
        }
    }

    @Test(
        arguments: [
            // Clocks are put forward on 29 March 2026 at 01:00 UTC, and back on 25 October.
            (
                "Europe/Berlin", "2026-03-27T23:00:00Z", "2026-03-30T22:00:00Z", 86_400,
                ["2026-03-27T23:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"]
            ),
            (
                "Europe/Berlin", "2026-10-24T22:00:00Z", "2026-10-25T05:00:00Z", 3600,
                [
                    "2026-10-24T22:00:00Z", "2026-10-24T23:00:00Z", "2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z",
                    "2026-10-25T02:00:00Z", "2026-10-25T03:00:00Z", "2026-10-25T04:00:00Z",
                ]
            ),
            (
                "Europe/Berlin", "2026-03-28T23:00:00Z", "2026-03-29T09:00:00Z", 10_800,
                ["2026-03-28T23:00:00Z", "2026-03-29T01:00:00Z", "2026-03-29T04:00:00Z", "2026-03-29T07:00:00Z"]
            ),
            (
                "Asia/Kolkata", "2026-03-27T00:00:00Z", "2026-03-27T02:00:00Z", 3600,
                ["2026-03-27T00:00:00Z", "2026-03-27T00:30:00Z", "2026-03-27T01:30:00Z"]
            ),
            (
                "UTC", "2026-01-07T12:00:00Z", "2026-01-21T00:00:00Z", 604_800,
                ["2026-01-07T12:00:00Z", "2026-01-12T00:00:00Z", "2026-01-19T00:00:00Z"]
            ),
            (
                "UTC", "2026-01-01T00:00:30Z", "2026-01-01T00:03:00Z", 0,
                ["2026-01-01T00:00:30Z", "2026-01-01T00:01:00Z", "2026-01-01T00:02:00Z"]
            ),
        ] as [(String, String, String, Int, [String])])
    func `buckets begin where the zone's clocks show full hours, midnights and Mondays`(
        zone: String, from: String, to: String, interval: Int, starts: [String]
    ) async throws {
        try await withServer(Self.events) { server async throws in
            let reply = try await server.get(
                "/api/v2/connectionlog/stats?from=\(from)&to=\(to)&interval=\(interval)&zone=\(TestServer.escaped(zone))"
            )
            let found = (reply.json["concurrent"] as? [[String: Any]] ?? []).map { $0["time"] as? String }
            #expect(found == starts, "\(reply.text)")
            #expect(reply.json["zone"] as? String == zone)
        }
    }

    @Test func `people have what they did in the range, and rows that name nobody are counted as such`() async throws {
        try await withServer(Self.events, names: Self.people) { server async throws in
            let reply = try await server.get("/api/v2/connectionlog/people?\(Self.hour)&sort=refused")
            let people = try #require(reply.json["people"] as? [[String: Any]])
            #expect(people.map { $0["username"] as? String } == ["bob", "alice"])
            #expect(people.map { $0["connections"] as? Int } == [3, 1])
            #expect(people.map { $0["refused"] as? Int } == [2, 0] && people.map { $0["failed"] as? Int } == [1, 0])
            #expect(
                people.map { $0["addresses"] as? Int } == [3, 1] && people.map { $0["workspaces"] as? Int } == [1, 1])
            #expect(people[0]["first_seen"] as? String == "2026-01-01T00:03:20Z")
            #expect(people[0]["last_seen"] as? String == "2026-01-01T00:06:40Z")
            #expect(reply.json["without"] as? Int == 1 && reply.json["count"] as? Int == 2)
            let all = try await server.get("/api/v2/connectionlog/people?q=during:2026-01-01&sort=username&limit=1")
            let first = (all.json["people"] as? [[String: Any]])?.first
            #expect(first?["username"] as? String == "alice" && first?["connections"] as? Int == 2)
            for bad in ["sort=age", "limit=5001", "from=x"] {
                #expect(try await server.get("/api/v2/connectionlog/people?\(bad)").status == 400, "\(bad)")
            }
        }
    }
}
#endif
