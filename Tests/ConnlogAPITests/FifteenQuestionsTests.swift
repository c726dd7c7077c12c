#if Server
import ConnlogAPI
import ConnlogCore
import ConnlogStore
import ConnlogSystem
import ConnlogTestSupport
import Foundation
import Testing

/// What auditors ask, on connections of which the truth is known: each answer is all of it, and nothing else.
///
/// Sunday is 2026-01-04. alice, bob and carol have a workspace each; alice's is `payments-prod`.
@Suite struct FifteenQuestionsTests {
    private static let (alice, bob, carol) = (ToldEvent.uuid(100), ToldEvent.uuid(101), ToldEvent.uuid(102))
    private static let names = ListedNames(
        users: [(alice, "alice"), (bob, "bob"), (carol, "carol")].map {
            UserName(id: $0.0, username: $0.1, email: "\($0.1)@example.com")
        }, organizations: [])

    /// Seconds after the beginning of 2026.
    private static func at(_ day: Int, _ hour: Int, _ minute: Int = 0) -> Int64 {
        Int64(((day - 1) * 24 + hour) * 60 + minute) * 60
    }

    private static var now: Int64 { SystemWallTime().now() / 1_000_000_000 - ToldEvent.start }

    /// Named connections; what stands for a name is its number.
    private static let ids = [
        "tunnel-alice", "tunnel-bob", "before-14", "over-14", "within", "at-16-and-after", "ten-hours", "seven-hours",
        "open-long", "port-by-night", "port-by-day", "refused-1", "refused-2", "refused-3", "refused-before",
        "old-address", "same-address", "fresh-address", "bob-in-alices", "open-now", "lost", "unconfirmed", "v6",
    ]

    private static func id(_ name: String) -> String { ToldEvent.uuid(5000 + (ids.firstIndex(of: name) ?? -1)) }
    private static func name(_ id: String) -> String { ids.first { self.id($0) == id } ?? id }

    private static func session(
        _ name: String, _ begin: Int64, hours: Double? = nil, _ change: (inout ToldEvent) -> Void = { _ in }
    ) -> [ToldEvent] {
        var event = ToldEvent(
            id: id(name), time: begin, connection: ToldEvent.uuid(9000 + (ids.firstIndex(of: name) ?? 0)))
        (event.owner, event.workspace, event.workspaceName) = (alice, ToldEvent.uuid(200), "payments-prod")
        event.ip = "192.0.2.1"
        change(&event)
        guard let hours else { return [event] }
        var end = event
        (end.id, end.isDisconnect, end.time) = (nil, true, begin + Int64(hours * 3600))
        return [event, end]
    }

    /// What a person is let in by, or refused.
    private static func web(
        _ name: String, _ time: Int64, _ user: String, _ type: String = "tunnel", code: Int = 101, slug: String? = nil,
        ip: String = "192.0.2.1"
    ) -> [ToldEvent] {
        session(name, time) { event in
            (event.type, event.code, event.user, event.slug, event.ip) = (type, code, user, slug, ip)
            event.connection = nil
        }
    }

    private static func ofBob(_ event: inout ToldEvent, _ address: String) {
        ofBob(&event)
        event.ip = address
    }

    private static func ofBob(_ event: inout ToldEvent) {
        (event.owner, event.workspace, event.workspaceName) = (bob, ToldEvent.uuid(201), "lab")
    }

    private static var events: [ToldEvent] {
        let day = at(6, 0)
        let tuesday =
            web("tunnel-alice", day + 12 * 3600, alice) + session("before-14", at(6, 13), hours: 0.9)
            + session("over-14", at(6, 13, 30), hours: 1) { $0.ip = "10.20.1.5" }
            + session("within", at(6, 15), hours: 0.2) + session("at-16-and-after", at(6, 16, 1), hours: 1)
        let long =
            session("ten-hours", at(8, 1), hours: 10, ofBob) + session("seven-hours", at(8, 2), hours: 7, ofBob)
            + session("open-long", now - 9 * 3600, ofBob)
        let ports =
            web("port-by-night", at(7, 21), bob, "port_forwarding", code: 200, slug: "8080")
            + web("port-by-day", at(7, 9), bob, "port_forwarding", code: 200, slug: "8080")
        let refused =
            (1...2).flatMap { web("refused-\($0)", at(9, $0), carol, code: 403) }
            + web("refused-3", at(9, 3), bob, code: 403) + web("refused-before", at(3, 3), bob, code: 403)
        let addresses =
            session("old-address", at(2, 1), hours: 1) { ofBob(&$0, "198.51.100.1") }
            + session("same-address", at(12, 1), hours: 1) { ofBob(&$0, "198.51.100.1") }
            + session("fresh-address", at(12, 2), hours: 1) { ofBob(&$0, "198.51.100.2") }
        let others =
            web("tunnel-bob", at(10, 8), bob) + session("bob-in-alices", at(10, 9), hours: 1)
            + session("open-now", now - 600, ofBob) + session("lost", now - 90 * 86_400, ofBob)
            + session("unconfirmed", now - 2 * 86_400, ofBob)
            + session("v6", at(11, 1), hours: 1) { ofBob(&$0, "fd7a:115c::1") }
        return tuesday + long + ports + refused + addresses + others
    }

    private static let list = "/api/v2/connectionlog"

    private func with(_ body: (TestServer) async throws -> Void) async throws {
        try await withServer(Self.events, names: Self.names) { try await body($0) }
    }

    /// The names of what matches, as the list has them.
    private func found(_ query: String, zone: String = "UTC", _ server: TestServer) async throws -> [String] {
        let reply = try await server.get(
            "\(Self.list)?connlog=true&zone=\(zone)&limit=1000&q=\(TestServer.escaped(query))")
        #expect(reply.status == 200, "\(reply.text)")
        #expect(reply.json["count"] as? Int == reply.rows.count)
        return reply.ids.map(Self.name)
    }

    private func own(_ name: String, _ server: TestServer) async throws -> [String: Any] {
        let reply = try await server.get("\(Self.list)/\(Self.id(name))").json
        let row = reply["connection_log"] as? [String: Any]
        return try #require(row?["connlog"] as? [String: Any])
    }

    @Test func `1: who had access to a workspace on Tuesday from 14 to 16, and from where`() async throws {
        try await with { server async throws in
            let query = "workspace:alice/payments-prod during:2026-01-06T14:00..2026-01-06T16:00"
            #expect(try await found(query, server) == ["within", "over-14"])
            let reply = try await server.get("\(Self.list)?connlog=true&q=\(TestServer.escaped(query))")
            #expect(reply.rows.map { $0["ip"] as? String } == ["192.0.2.1", "10.20.1.5"])
            #expect(try await own("within", server)["person"] as? String == "alice")
        }
    }

    @Test func `2: which sessions lasted over 8 hours, and which of those still open`() async throws {
        try await with { server async throws in
            #expect(try await found("duration:>8h", server) == ["ten-hours"])
            #expect(try await found("status:open connected_before:-8h", server) == ["open-long"])
            #expect(try await own("ten-hours", server)["duration_ms"] as? Int == 36_000_000)
        }
    }

    @Test func `3: who used port 8080 outside of working hours, by the clocks of a zone`() async throws {
        try await with { server async throws in
            #expect(try await found("port:8080 -hour:08-18", server) == ["port-by-night"])
            // In Tokyo it is nine hours later: 18:00 by day there, and 06:00.
            #expect(
                try await found("port:8080 -hour:08-18", zone: "Asia/Tokyo", server) == [
                    "port-by-night", "port-by-day",
                ])
            #expect(
                try await found("port:8080 -hour:06-09", zone: "Asia/Tokyo", server) == ["port-by-day"])
        }
    }

    @Test func `4: who was refused most, in exactly the range that is shown`() async throws {
        try await with { server async throws in
            let range = "from=2026-01-09T00:00:00Z&to=2026-01-10T00:00:00Z"
            let reply = try await server.get("\(Self.list)/people?sort=refused&\(range)").json
            let people = try #require(reply["people"] as? [[String: Any]]).filter { $0["refused"] as? Int != 0 }
            #expect(people.map { $0["username"] as? String } == ["carol", "bob"])
            #expect(people.map { $0["refused"] as? Int } == [2, 1])
            #expect(
                reply["from"] as? String == "2026-01-09T00:00:00Z" && reply["to"] as? String == "2026-01-10T00:00:00Z")
        }
    }

    @Test func `5: which addresses were never seen before a week`() async throws {
        try await with { server async throws in
            let query = "new:ip during:2026-01-12..2026-01-18"
            #expect(try await found(query, server) == ["fresh-address"])
        }
    }

    @Test func `6: what somebody did on a day, and not what others did in the same workspace`() async throws {
        try await with { server async throws in
            let tuesday = try await found("person:alice during:2026-01-06..2026-01-06", server)
            #expect(tuesday == ["at-16-and-after", "within", "over-14", "before-14", "tunnel-alice"])
            #expect(try await found("person:alice during:2026-01-10..2026-01-10", server) == [])
            #expect(
                try await found("person:bob during:2026-01-10..2026-01-10", server) == ["bob-in-alices", "tunnel-bob"])
        }
    }

    @Test func `7: is anybody connected right now`() async throws {
        try await with { server async throws in
            #expect(try await found("status:open", server) == ["open-now", "open-long"])
        }
    }

    @Test func `8: whose is a session, and how sure is that`() async throws {
        try await with { server async throws in
            let row = try await own("bob-in-alices", server)
            #expect(row["person"] as? String == "bob" && row["person_basis"] as? String == "only_candidate")
            let candidates = try #require(row["person_candidates"] as? [[String: Any]])
            #expect(candidates.map { $0["row"] as? String } == [Self.id("tunnel-bob")])
            #expect(try await own("tunnel-bob", server)["person_basis"] as? String == "recorded")
            let nobody = try await own("ten-hours", server)
            #expect(nobody["person"] is NSNull && nobody["person_basis"] as? String == "none")
        }
    }

    @Test func `9: which sessions never closed`() async throws {
        try await with { server async throws in
            #expect(try await found("status:lost,unconfirmed", server) == ["unconfirmed", "lost"])
            #expect(
                try await found("status:ongoing", server) == ["open-now", "open-long", "unconfirmed", "lost"])
        }
    }

    @Test func `10: evidence for a ticket: rows, raw events, filter, absolute range, zone, who asked, sums`()
        async throws
    {
        try await with { server async throws in
            let reply = try await server.get(
                "\(Self.list)/export?format=package&q=person:alice&zone=Europe/Berlin"
                    + "&from=2026-01-06T00:00:00Z&to=2026-01-07T00:00:00Z")
            #expect(reply.status == 200 && reply.contentType == "application/zip")
            // Entries of a zip are named in it as they are: see `PackageTests` for what they hold.
            for name in ["connections.csv", "events.jsonl", "manifest.json", "SHA256SUMS"] {
                #expect(reply.text.contains(name))
            }
        }
    }

    @Test func `11: a week beside the week before`() async throws {
        try await with { server async throws in
            func count(_ from: String, _ to: String) async throws -> Int? {
                let range = "from=\(from)T00:00:00Z&to=\(to)T00:00:00Z"
                return try await server.get("\(Self.list)/stats?\(range)").json["count"] as? Int
            }
            #expect(try await count("2026-01-01", "2026-01-05") == 2)
            #expect(try await count("2026-01-05", "2026-01-12") == 15)
        }
    }

    @Test func `12: who came from a block of addresses, written without quotes`() async throws {
        try await with { server async throws in
            #expect(try await found("ip:10.20.0.0/16", server) == ["over-14"])
            #expect(try await found("ip:fd7a::/16", server) == ["v6"])
        }
    }

    @Test func `13 and 14: another person, and another computer, see the same view`() async throws {
        let tokens = [TokenText.make(), TokenText.make()]
        let entries = try ["jane", "joe"].enumerated().map { number, name in
            try #require(AccessList.Entry(name: name, role: .auditor, tokenHashes: [tokens[number].hash]))
        }
        try await withServer(Self.events, access: AccessList(entries), names: Self.names) { server async throws in
            let keys = tokens.map { [(name: "Coder-Session-Token", value: $0.token)] }
            let query = "port:8080 -hour:08-18 during:2026-01-05..2026-01-11"
            let view: JSONValue = [
                "name": "Nights", "q": .string(query), "zone": "Europe/Berlin",
                "shown": ["tab": "list", "row": .string(Self.id("port-by-night"))],
            ]
            let saved = try await server.post("\(Self.list)/views", Array(view.line.utf8), keys[0])
            let id = try #require(saved.json["id"] as? String)
            for key in keys {
                let shared = try await server.get("\(Self.list)/views/\(id)", key).json
                #expect(shared["q"] as? String == query && shared["zone"] as? String == "Europe/Berlin")
                #expect((shared["shown"] as? [String: String])?["row"] == Self.id("port-by-night"))
                let rows = try await server.get(
                    "\(Self.list)?connlog=true&zone=Europe/Berlin&q=\(TestServer.escaped(query))", key)
                #expect(rows.ids.map(Self.name) == ["port-by-night"])
            }
            let own = try await server.get("\(Self.list)/views", keys[0]).json["views"] as? [[String: Any]]
            #expect(own?.map { $0["name"] as? String } == ["Nights"])
        }
    }

    @Test func `15: all rows that were asked for, for paper`() async throws {
        try await with { server async throws in
            let csv = try await server.get("\(Self.list)/export?format=csv").text.components(separatedBy: "\r\n")
            #expect(csv.count == Self.ids.count + 2)
            let count = try await server.get("\(Self.list)?connlog=true&limit=1&count=exact").json["count"] as? Int
            #expect(count == Self.ids.count)
        }
    }
}
#endif
