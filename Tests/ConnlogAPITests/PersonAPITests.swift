#if Server
import ConnlogCore
import ConnlogStore
import ConnlogTestSupport
import Foundation
import Testing

@testable import ConnlogAPI

/// Who it was, on each way out: the list, CSV, JSON Lines, a terminal, live, and one connection.
@Suite struct PersonAPITests {
    private static let alice = ToldEvent.uuid(100)
    private static let names = ListedNames(
        users: [
            UserName(id: alice, username: "alice", email: "a@x.org"),
            UserName(id: ToldEvent.uuid(101), username: "=bob; eve", email: "b@x.org"),
            UserName(id: ToldEvent.uuid(102), username: "carol", email: "c@x.org"),
        ], organizations: [])

    /// A tunnel and a session each, of alice and of somebody whose name means to be more; a refused tunnel between.
    private static var events: [ToldEvent] {
        (0..<2).flatMap { number in
            var tunnel = ToldEvent(id: ToldEvent.uuid(10 + number), time: 100, type: "tunnel", code: 101)
            tunnel.user = ToldEvent.uuid(100 + number)
            var refused = ToldEvent(id: ToldEvent.uuid(20 + number), time: 101, type: "tunnel", code: 403)
            refused.user = ToldEvent.uuid(101 - number)
            let session = ToldEvent(id: ToldEvent.uuid(30 + number), time: 105, connection: ToldEvent.uuid(50 + number))
            return [tunnel, refused, session].map { event in
                var event = event
                event.workspace = ToldEvent.uuid(200 + number)
                return event
            }
        }
    }

    private static func own(_ row: [String: Any]?) -> [String: Any]? { row?["connlog"] as? [String: Any] }

    private static func isTold(_ own: [String: Any]?) -> Bool {
        let candidates = own?["person_candidates"] as? [[String: Any]]
        return own?["person"] as? String == "alice" && own?["person_id"] as? String == alice
            && own?["person_basis"] as? String == "only_candidate" && candidates?.count == 1
            && candidates?.first?["person"] as? String == "alice"
            && candidates?.first?["row"] as? String == ToldEvent.uuid(10)
    }

    @Test func `rows say who it was, and person: finds whom it was recorded and inferred of`() async throws {
        try await withServer(Self.events, names: Self.names) { server async throws in
            for who in ["alice", "a%40x.org", Self.alice] {
                let reply = try await server.get("/api/v2/connectionlog?connlog=true&q=person:\(who)")
                let rows = reply.json["connection_logs"] as? [[String: Any]] ?? []
                #expect(rows.map { $0["id"] as? String } == [30, 21, 10].map { ToldEvent.uuid($0) })
                #expect(reply.json["count"] as? Int == 3)
                #expect(Self.isTold(Self.own(rows.first)))
                #expect(Self.own(rows.last)?["person_basis"] as? String == "recorded")
            }
            let recorded = try await server.get("/api/v2/connectionlog?connlog=true&q=username:alice")
            #expect(recorded.json["count"] as? Int == 2)
            // Coder's own clients are told what Coder tells.
            let plain = try await server.get("/api/v2/connectionlog")
            #expect(!plain.text.contains("person"))
            #expect(try await server.get("/api/v2/connectionlog?q=person:alice").status == 400)
            let one = try await server.get("/api/v2/connectionlog/\(ToldEvent.uuid(30))")
            #expect(Self.isTold(Self.own(one.json["connection_log"] as? [String: Any])))
        }
    }

    @Test func `CSV and JSON Lines have columns for it, and a terminal a mark`() async throws {
        try await withServer(Self.events, names: Self.names) { server async throws in
            let path = "/api/v2/connectionlog/export?q=type:ssh"
            let csv = try await server.get("\(path)&format=csv").text.components(separatedBy: "\r\n")
            #expect(csv[0].hasSuffix(",person,person_id,person_basis,person_candidates"))
            #expect(
                csv.contains {
                    $0.hasSuffix(",\"alice\",\"\(Self.alice)\",\"only_candidate\",\"alice \(ToldEvent.uuid(10))\"")
                })
            // A name is no formula, and no second candidate.
            let bob = ToldEvent.uuid(101)
            #expect(
                csv.contains {
                    $0.hasSuffix(",\"'=bob; eve\",\"\(bob)\",\"only_candidate\",\"\(bob) \(ToldEvent.uuid(11))\"")
                })
            let lines = try await server.get("\(path)%20person:alice").text.split(separator: "\n")
            let row = try JSONSerialization.jsonObject(with: Data((lines.first ?? "").utf8)) as? [String: Any]
            #expect(lines.count == 1 && Self.isTold(Self.own(row)))
            let text = try await server.get("\(path)&format=text").text
            #expect(text.contains("  ≈alice  ") && text.contains("  ≈=bob; eve  "))
        }
    }

    @Test func `who watches is told as far as is known, and may ask for a person`() async throws {
        try await withServer([], names: Self.names) { server async throws in
            let store = server.store
            await server.stream("/api/v2/connectionlog/watch?q=person:alice") { text in
                if text.contains("retry: 2000"), !text.contains("id:") {
                    _ = try? store.apply(ToldEvent.batch(Self.events), at: nil, arrival: 0)
                }
                guard text.contains(ToldEvent.uuid(30)), text.contains(ToldEvent.uuid(21)) else { return false }
                #expect(!text.contains(ToldEvent.uuid(31)) && !text.contains(ToldEvent.uuid(11)))
                #expect(
                    text.contains(
                        "\"person\":\"alice\",\"person_id\":\"\(Self.alice)\",\"person_basis\":\"only_candidate\""))
                return true
            }
            await server.stream("/api/v2/connectionlog/watch?q=type:ssh&format=text&last_event_id=0") { text in
                text.contains("  ≈alice  ")
            }
        }
    }

    @Test func `an auditor of one organization is told of nobody in another`() async throws {
        let token = TokenText.make()
        let own = ToldEvent.uuid(901)
        let entry = try #require(
            AccessList.Entry(name: "limited", role: .auditor, tokenHashes: [token.hash], organizations: [own]))
        var session = ToldEvent(id: ToldEvent.uuid(1), time: 105, connection: ToldEvent.uuid(50))
        (session.organization, session.clientSession) = (own, "0123456789abcdef0123456789abcdef")
        var tunnel = ToldEvent(id: ToldEvent.uuid(2), time: 100, type: "tunnel", code: 101)
        (tunnel.user, tunnel.clientSession) = (ToldEvent.uuid(102), session.clientSession)
        try await withServer([tunnel, session], access: AccessList([entry]), names: Self.names) { server async throws in
            let key = [(name: "Coder-Session-Token", value: token.token)]
            for path in [
                "?connlog=true", "/export?format=csv", "/export", "/export?format=text", "/\(ToldEvent.uuid(1))",
            ] {
                let reply = try await server.get("/api/v2/connectionlog\(path)", key)
                let isTold = reply.text.contains("carol") || reply.text.contains(ToldEvent.uuid(102))
                #expect(reply.status == 200 && !isTold)
            }
            // An event that somebody gave the id of another organization's row.
            var theirs = ToldEvent(id: ToldEvent.uuid(3), time: 110)
            theirs.clientSession = session.clientSession
            var ours = theirs
            ours.organization = own
            _ = try server.store.apply(ToldEvent.batch([theirs, ours]), at: nil, arrival: 0)
            let seal = NumberSeal(try await server.store.newestMark().store)
            await server.stream("/api/v2/connectionlog/watch?last_event_id=0", key) { text in
                guard text.contains("id: \(seal.seal(4))\n") else { return false }
                #expect(!text.contains("carol") && !text.contains(ToldEvent.uuid(102)))
                return true
            }
            let asked = try await server.get("/api/v2/connectionlog?connlog=true&q=person:carol", key)
            #expect(asked.json["count"] as? Int == 0)
        }
    }
}
#endif
