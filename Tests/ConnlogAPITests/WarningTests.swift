#if Server
import ConnlogCore
import ConnlogStore
import ConnlogTestSupport
import Foundation
import Testing

@testable import ConnlogAPI

/// Never a silent zero: what there is to say beside an answer.
@Suite struct WarningTests {
    @Test func `a filter that would be passed over is refused on our own routes, and Coder's list answers as Go does`()
        async throws
    {
        try await withServer([ToldEvent(id: ToldEvent.uuid(1), time: 1)]) { server async throws in
            let path = "/api/v2/connectionlog"
            for wrong in ["q=type:ssh%zz", "q%=x", "filter=type:ssh", "query=type:ssh"] {
                for route in [
                    "?connlog=true&", "/export?", "/export?format=package&", "/stats?", "/people?", "/watch?",
                    "/audit?",
                ] {
                    let reply = try await server.get(path + route + wrong)
                    #expect(reply.status == 400, "\(route)\(wrong): \(reply.text)")
                }
            }
            #expect(try await server.get(path + "?q=type:ssh%zz&filter=x").json["count"] as? Int == 1)
        }
    }

    @Test func `an empty answer without a filter says where there is something`() async throws {
        try await withServer([ToldEvent(id: ToldEvent.uuid(1), time: 1)]) { server async throws in
            let range = "from=2020-01-01T00:00:00Z&to=2020-02-01T00:00:00Z"
            for question in ["people?\(range)", "stats?\(range)", "people", "stats?facets=type"] {
                let reply = try await server.get("/api/v2/connectionlog/\(question)")
                #expect(reply.text.contains("nothing at these times"), "\(question): \(reply.text)")
                #expect(reply.text.contains("2026-01-01T00:00:01"))
            }
        }
        try await withServer { server async throws in
            for question in ["?connlog=true", "/stats", "/people"] {
                let reply = try await server.get("/api/v2/connectionlog\(question)")
                #expect(reply.text.contains("there is no connection yet"), "\(question): \(reply.text)")
            }
        }
    }

    private static let own = ToldEvent.uuid(900)
    private static let other = ToldEvent.uuid(901)
    private static let people = ListedNames(
        users: [
            UserName(id: ToldEvent.uuid(100), username: "alice", email: "alice@example.com"),
            UserName(id: ToldEvent.uuid(101), username: "alicia", email: "alicia@example.com"),
            UserName(id: ToldEvent.uuid(102), username: "bob", email: "bob@example.com"),
        ],
        organizations: [OrganizationName(id: own, name: "design"), OrganizationName(id: other, name: "research")])

    private static var events: [ToldEvent] {
        let ssh = ToldEvent(id: ToldEvent.uuid(1), time: 10, connection: ToldEvent.uuid(50))
        var app = ToldEvent(id: ToldEvent.uuid(2), time: 20, type: "workspace_app", code: 200)
        (app.slug, app.user, app.workspaceName) = ("code-server", ToldEvent.uuid(100), "payments-prod")
        var theirs = ToldEvent(id: ToldEvent.uuid(3), time: 30, type: "tunnel", code: 403)
        (theirs.organization, theirs.workspaceName, theirs.user) = (other, "secret-lab", ToldEvent.uuid(102))
        return [ssh, app, theirs]
    }

    private func warnings(_ reply: TestServer.Reply) -> [[String: Any]] {
        reply.json["warnings"] as? [[String: Any]] ?? []
    }

    private func list(_ server: TestServer, _ query: String) -> String {
        "/api/v2/connectionlog?connlog=true&q=\(TestServer.escaped(query))"
    }

    @Test(arguments: [
        ("username:alcie", "username", ["alice"], "no user is called 'alcie'"),
        ("username:alice,alcia", "username", ["alicia"], "no user is called 'alcia'"),
        ("person:alcie", "person", ["alice"], "no user is called 'alcie': perhaps alice"),
        ("person:alice,alcia", "person", ["alicia"], "no user is called 'alcia'"),
        ("person:bob@example.con", "person", ["bob@example.com"], "no user is called 'bob@example.con'"),
        ("person:zzzzz", "person", [], "no name is like it"),
        ("person:zz*", "person", [], "no connection has person:zz*"),
        ("person:me", "person", [], "this token belongs to no user"),
        ("person:alicia", "person", [], "no connection has person:alicia"),
        ("person:\(ToldEvent.uuid(999))", "person", [], "no connection has person:"),
        ("person:alice person:bob", "person", ["person:alice,bob"], "exclude one another"),
        ("person:alice person:bob@example.com", "q", [], "no connection matches all of them"),
        ("username:alice username:\(ToldEvent.uuid(102))", "username", [], "no user is called"),
        ("workspace_owner:zzzzz", "workspace_owner", [], "no name is like it"),
        ("user_email:bob@example.con", "user_email", ["bob@example.com"], "no address of a user is called"),
        ("organization:desing", "organization", ["design"], "no organization is called 'desing'"),
        ("username:me", "username", [], "this token belongs to no user"),
        ("workspace:paymnets-prod", "workspace", ["payments-prod"], "no connection has workspace:paymnets-prod"),
        ("app:code-server", "app", [], "type:workspace_app code-server"),
        ("type:ssh type:vscode", "type", ["type:ssh,vscode"], "exclude one another"),
        (
            "username:bob workspace:dev agent:main connected_before:2025-12-31", "connected_before", [],
            "the store begins at"
        ),
        ("during:..2025-12-31", "during", [], "the store begins at 2026-01-01T00:00:10Z"),
        ("connected_after:2026-02-01", "connected_after", [], "the newest connection began at 2026-01-01T00:00:30Z"),
        ("during:2026-01-01T00:00..2026-01-01T00:00 -dev -type:tunnel hour:12", "q", [], "at these times"),
        ("code:403 payments", "q", [], "no connection matches all of them"),
        ("port:8080", "port", [], "no connection has port:8080"),
        ("nothing_like_it", "q", [], "no connection has nothing_like_it"),
    ])
    func `an answer that says nothing says why`(query: String, field: String, nearest: [String], words: String)
        async throws
    {
        try await withServer(Self.events, names: Self.people) { server async throws in
            let reply = try await server.get(list(server, query))
            let told = warnings(reply)
            let found = told.first { ($0["detail"] as? String)?.contains(words) == true }
            #expect(found != nil, "\(query): \(reply.text)")
            #expect(found?["field"] as? String == field && found?["nearest"] as? [String] == nearest, "\(reply.text)")
            if let start = found?["start"] as? Int, let end = found?["end"] as? Int {
                #expect(start < end && end <= query.utf8.count)
            }
            // Coder's own clients get Coder's own answer.
            let coder = try await server.get("/api/v2/connectionlog?q=username:nobody")
            #expect(Set(coder.json.keys) == ["connection_logs", "count", "count_cap"])
        }
    }

    @Test func `an answer with rows and known names has no warnings, and an empty store says that it is`() async throws
    {
        try await withServer(Self.events, names: Self.people) { server async throws in
            for query in [
                "", "username:alice", "type:ssh,vscode", "-username:bob", "workspace:pay*", "status:open,lost",
            ] {
                let reply = try await server.get(list(server, query))
                #expect(reply.status == 200 && warnings(reply).isEmpty, "\(query): \(reply.text)")
                #expect(reply.json["warnings"] != nil)
            }
            let stats = try await server.get("/api/v2/connectionlog/stats?q=username:alcie")
            #expect(warnings(stats).count == 1)
        }
        try await withServer { server async throws in
            let reply = try await server.get(list(server, "type:ssh"))
            #expect(warnings(reply).first?["detail"] as? String == "there is no connection yet that you may see")
        }
    }

    @Test func `two names of one person exclude nothing, and a name that a pattern has is known`() async throws {
        try await withServer(Self.events, names: Self.people) { server async throws in
            for query in [
                "person:alice person:alice@example.com", "person:alice person:\(ToldEvent.uuid(100))", "person:al*",
                "person:alice", "person:ALICE@example.com",
            ] {
                let reply = try await server.get(list(server, query))
                #expect(reply.json["count"] as? Int ?? 0 > 0 && warnings(reply).isEmpty, "\(query): \(reply.text)")
            }
            // Nothing is found, but not for that reason.
            let reply = try await server.get(list(server, "person:alice person:alice@example.com type:vscode"))
            #expect(!reply.text.contains("exclude one another") && !warnings(reply).isEmpty)
        }
    }

    @Test func `who may not see addresses is told none that is like what was asked for`() async throws {
        let token = TokenText.make()
        let access = AccessList([try #require(AccessList.Entry(name: "a", role: .auditor, tokenHashes: [token.hash]))])
        try await withServer(Self.events, access: access, names: Self.people) { server async throws in
            let key = [(name: "Coder-Session-Token", value: token.token)]
            let reply = try await server.get(list(server, "person:bob@example.con"), key)
            #expect(!reply.text.contains("bob@example.com") && !warnings(reply).isEmpty, "\(reply.text)")
        }
    }

    private static func some(_ count: Int) -> [Warning] {
        (0..<count).map { Warning(field: "username", detail: "number \($0)", nearest: ["é"], range: 0..<1) }
    }

    @Test(arguments: [0, 1, 9, 10, 11, 12, 100])
    func `of very many warnings some are left out, and the last place says how many`(count: Int) async throws {
        let told = Warnings.cut(Self.some(count))
        #expect(told.count == min(count, 10))
        if count <= 10 { #expect(told == Self.some(count)) }
        if count > 10 {
            #expect(told[..<9] == Self.some(9)[...] && told[9].detail == "\(count - 9) more warnings are left out")
        }
        #expect(Warnings.cut(Self.some(2), to: 1).map(\.detail) == ["2 more warnings are left out"])
        if count == 0 { return }
        let names = (0..<count).map { "nobody\($0)" }.joined(separator: ",")
        try await withServer(Self.events, names: Self.people) { server async throws in
            let reply = try await server.get(list(server, "username:\(names)"))
            let left = count > 10 ? "\(count - 9) more warnings are left out" : "no user is called 'nobody\(count - 1)'"
            #expect(warnings(reply).count == min(count, 10))
            #expect((warnings(reply).last?["detail"] as? String)?.hasPrefix(left) == true, "\(reply.text)")
        }
    }

    @Test func `a header holds what fits to the byte, and says how many warnings it leaves out`() throws {
        let all = Self.some(6)
        let whole = Warnings.headerText(all, bytesMax: .max)
        #expect(
            try JSONSerialization.jsonObject(with: Data(whole.utf8)) as? [Any] != nil && !whole.contains("left out"))
        #expect(Warnings.headerText(all, bytesMax: whole.utf8.count) == whole)
        for bytes in stride(from: whole.utf8.count - 1, to: 0, by: -1) {
            let text = Warnings.headerText(all, bytesMax: bytes)
            let told = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[String: Any]])
            let left = 6 - (told.count - 1)
            #expect(text.utf8.count <= bytes || told.count == 1)
            #expect((told.last?["detail"] as? String)?.hasPrefix(left == 1 ? "one more" : "\(left) more") == true)
        }
    }

    @Test func `an export says it in a header of ASCII, whatever was asked for`() async throws {
        try await withServer(Self.events, names: Self.people) { server async throws in
            for (query, words) in [
                ("username:alcie", "no user is called 'alcie'"),
                ("workspace:\"é\u{1F600}\n\"", "\\u00e9\\ud83d\\ude00"),
            ] {
                let text = try await server.raw(
                    "GET /api/v2/connectionlog/export?q=\(TestServer.escaped(query)) HTTP/1.1\r\nHost: localhost\r\n"
                        + "Connection: close\r\n\r\n")
                let line = text.components(separatedBy: "\r\n").first {
                    $0.lowercased().hasPrefix("connlog-warnings: [")
                }
                #expect(line?.contains(words) == true, "\(text)")
                #expect(line?.utf8.allSatisfy { (0x20..<0x7f).contains($0) } == true)
            }
            let good = try await server.raw(
                "GET /api/v2/connectionlog/export HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            #expect(!good.lowercased().contains("connlog-warnings"))
        }
    }

    @Test func `who may see one organization is told nothing of what others have`() async throws {
        let token = TokenText.make()
        let access = AccessList([
            try #require(
                AccessList.Entry(name: "a", role: .auditor, tokenHashes: [token.hash], organizations: [Self.own]))
        ])
        try await withServer(Self.events, access: access, names: Self.people) { server async throws in
            let key = [(name: "Coder-Session-Token", value: token.token)]
            for query in [
                "username:bbo", "person:bbo", "person:bob", "person:bob@example.com", "person:bo*",
                "workspace:secret-lb", "workspace:secret*", "organization:reserch", "code:403",
                "connected_after:2026-01-01T00:00:25Z", "username:bob", "username:nobody",
            ] {
                let reply = try await server.get(list(server, query), key)
                let asked = reply.text.replacing(query, with: "").replacing("'bob'", with: "")
                for secret in ["bob", "secret-lab", "research", "00:30Z", Self.other] {
                    #expect(!asked.contains(secret), "\(query): \(reply.text)")
                }
                #expect(!warnings(reply).isEmpty, "\(query)")
            }
            // A name that others have is as unknown as one that nobody has.
            let told = try await ["bob", "nobody"].map { name in "username:\(name)" }
                .asyncMap { warnings(try await server.get(list(server, $0), key)).first?["detail"] as? String ?? "" }
            #expect(told[0].replacing("bob", with: "nobody") == told[1])
        }
    }

    @Test func `mistakes carry their place, and one in the zone says what can be`() async throws {
        try await withServer(Self.events) { server async throws in
            let reply = try await server.get(list(server, "type:ssh hour:25-26"))
            let told = reply.json["validations"] as? [[String: Any]]
            #expect(told?.first?["start"] as? Int == 9 && told?.first?["end"] as? Int == 19)
            for path in ["?connlog=true&zone=Mars/Olympus", "/stats?zone=../../etc/passwd", "/export?zone=x"] {
                let reply = try await server.get("/api/v2/connectionlog\(path)")
                #expect(reply.status == 400 && reply.validations.first?["field"] == "zone", "\(reply.text)")
            }
            #expect(try await server.get("/api/v2/connectionlog?connlog=true&q=new:ip").status == 400)
            // Coder's knows no zone.
            #expect(try await server.get("/api/v2/connectionlog?zone=x").status == 200)
        }
    }

    @Test func `a count with a range is exact beyond the cap, and one without says that it is not`() async throws {
        let tunnels = (0..<2500).map {
            ToldEvent(id: ToldEvent.uuid(1000 + $0), time: Int64($0), type: "tunnel", code: 101)
        }
        try await withServer(tunnels) { server async throws in
            for (query, count, isExact) in [
                ("code:101", 2001, false), ("code:101 connected_after:2026-01-01", 2500, true), ("", 2500, true),
                ("type:tunnel", 2500, true), ("during:2026-01-01T00:00..2026-01-01T00:10 code:101", 660, true),
                ("code:999", 0, true),
            ] {
                let reply = try await server.get(list(server, query) + "&limit=1")
                #expect(reply.json["count"] as? Int == count, "\(query)")
                #expect(reply.json["count_exact"] as? Bool == isExact, "\(query)")
            }
            let coder = try await server.get("/api/v2/connectionlog?limit=1")
            #expect(coder.json["count"] as? Int == 2001)
        }
    }
}

extension Sequence {
    fileprivate func asyncMap<Value>(_ body: (Element) async throws -> Value) async rethrows -> [Value] {
        var values: [Value] = []
        for element in self { values.append(try await body(element)) }
        return values
    }
}
#endif
