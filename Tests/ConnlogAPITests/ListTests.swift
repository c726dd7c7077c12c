#if Server
import ConnlogAPI
import ConnlogCore
import ConnlogTestSupport
import Foundation
import Testing

/// `GET /api/v2/connectionlog`, as Coder answers it (spec §1.1, §3, §4).
@Suite struct ListTests {
    private static let user = ToldEvent.uuid(300)

    private static let people = ListedNames(
        users: [
            UserName(id: ToldEvent.uuid(100), username: "alice", email: "alice@example.com"),
            UserName(id: ListTests.user, username: "bob", email: "bob@example.com", name: "Bob"),
        ],
        organizations: [
            OrganizationName(id: ToldEvent.uuid(900), name: "coder", displayName: "Coder", icon: "/emojis/1f3e1.png")
        ])

    private static var events: [ToldEvent] {
        let ssh = ToldEvent(id: ToldEvent.uuid(1), time: 10, connection: ToldEvent.uuid(50))
        let end = ToldEvent(
            id: ToldEvent.uuid(2), time: 70, isDisconnect: true, code: 0, connection: ToldEvent.uuid(50))
        var web = ToldEvent(
            id: ToldEvent.uuid(3), time: 100, type: "workspace_app", code: 200, userAgent: "<a&b> \"q\"")
        (web.user, web.slug, web.ip) = (user, "code-server", nil)
        var nobody = ToldEvent(id: ToldEvent.uuid(4), time: 200, type: "port_forwarding", code: 404)
        (nobody.slug, nobody.ip) = ("8080", "not an address")
        var new = ToldEvent(id: ToldEvent.uuid(5), time: 300, connection: ToldEvent.uuid(51))
        (new.method, new.app, new.clientSession) = ("ssh", "Some-New-IDE", "0123456789abcdef0123456789abcdef")
        let killed = ToldEvent(
            id: ToldEvent.uuid(6), time: 400, isDisconnect: true, type: "vscode", code: 137, reason: "signal: killed",
            connection: ToldEvent.uuid(52))
        return [ssh, end, web, nobody, new, killed]
    }

    @Test func `all that match are counted where somebody asks for it`() async throws {
        let events = (0..<2100).map {
            ToldEvent(id: ToldEvent.uuid(1000 + $0), time: Int64($0), type: "tunnel", code: 101)
        }
        try await withServer(events) { server async throws in
            for (query, count, cap) in [
                ("", 2001, 2000), ("&connlog=true", 2100, 2000), ("&connlog=true&count=exact", 2100, 0),
                ("&connlog=true&count=exact&q=code:101", 2100, 0), ("&count=exact", 2001, 2000),
            ] {
                let reply = try await server.get("/api/v2/connectionlog?limit=1\(query)")
                #expect(reply.json["count"] as? Int == count && reply.json["count_cap"] as? Int == cap, "\(query)")
            }
        }
    }

    @Test func `the answer has the members of Coder's, no more and no fewer, in every kind of row`() async throws {
        try await withServer(Self.events, names: Self.people) { server async throws in
            let reply = try await server.get("/api/v2/connectionlog")
            #expect(reply.status == 200 && reply.contentType == "application/json; charset=utf-8")
            #expect(Set(reply.json.keys) == ["connection_logs", "count", "count_cap"])
            #expect(reply.json["count"] as? Int == 5 && reply.json["count_cap"] as? Int == 2000)
            #expect(reply.ids == [6, 5, 4, 3, 1].map { ToldEvent.uuid($0) })
            let expected = try JSONSerialization.jsonObject(with: Data(Self.expected.utf8)) as? NSArray
            #expect(reply.json["connection_logs"] as? NSArray == expected)
            // Coder's encoder writes them in the order of its struct, and people compare texts.
            let order = [
                "\"id\"", "\"connect_time\"", "\"organization\"", "\"agent_name\"", "\"type\"", "\"web_info\"",
            ]
            let text = reply.text[try #require(reply.text.range(of: ToldEvent.uuid(3))).lowerBound...]
            let places = order.dropFirst().compactMap { text.range(of: $0)?.lowerBound }
            #expect(places.count == 5 && places == places.sorted())
        }
    }

    private static let common = """
        "organization":{"id":"\(ToldEvent.uuid(900))","name":"coder","display_name":"Coder","icon":"/emojis/1f3e1.png"},
        "workspace_owner_id":"\(ToldEvent.uuid(100))","workspace_owner_username":"alice",
        "workspace_id":"\(ToldEvent.uuid(200))","workspace_name":"dev","agent_name":"main"
        """

    private static let expected = """
        [{"id":"\(ToldEvent.uuid(6))","connect_time":"2026-01-01T00:06:40Z",\(common),"ip":"10.0.0.1","type":"vscode",
          "connection_method":"ssh","app_name":"vscode","app_display_name":"VS Code",
          "ssh_info":{"connection_id":"\(ToldEvent.uuid(52))","disconnect_time":"2026-01-01T00:06:40Z",
                      "disconnect_reason":"signal: killed","exit_code":137}},
         {"id":"\(ToldEvent.uuid(5))","connect_time":"2026-01-01T00:05:00Z",\(common),"ip":"10.0.0.1","type":"ssh",
          "connection_method":"ssh","app_name":"some_new_ide","app_display_name":"some_new_ide",
          "ssh_info":{"connection_id":"\(ToldEvent.uuid(51))",
                      "client_session_id":"0123456789abcdef0123456789abcdef"}},
         {"id":"\(ToldEvent.uuid(4))","connect_time":"2026-01-01T00:03:20Z",\(common),"type":"port_forwarding",
          "connection_method":"port_forwarding",
          "web_info":{"user_agent":"","user":null,"slug_or_port":"8080","status_code":404}},
         {"id":"\(ToldEvent.uuid(3))","connect_time":"2026-01-01T00:01:40Z",\(common),"type":"workspace_app",
          "connection_method":"workspace_app",
          "web_info":{"user_agent":"<a&b> \\"q\\"","slug_or_port":"code-server","status_code":200,
            "user":{"id":"\(user)","username":"bob","name":"Bob","avatar_url":"","email":"bob@example.com",
              "created_at":"0001-01-01T00:00:00Z","updated_at":"0001-01-01T00:00:00Z",
              "last_seen_at":"0001-01-01T00:00:00Z","status":"","login_type":"","organization_ids":[],"roles":[]}}},
         {"id":"\(ToldEvent.uuid(1))","connect_time":"2026-01-01T00:00:10Z",\(common),"ip":"10.0.0.1","type":"ssh",
          "connection_method":"ssh",
          "ssh_info":{"connection_id":"\(ToldEvent.uuid(50))","disconnect_time":"2026-01-01T00:01:10Z","exit_code":0}}]
        """

    @Test func `an empty list is a list`() async throws {
        try await withServer { server async throws in
            let text = try await server.get("/api/v2/connectionlog").text
            #expect(text == #"{"connection_logs":[],"count":0,"count_cap":2000}"# + "\n")
        }
    }

    @Test(arguments: [
        ("type:ssh status:completed", [1]), ("status:ongoing", [5]), ("username:bob", [3]), ("username:carol", []),
        ("workspace_owner:alice type:vscode", [6]), ("workspace_owner_email:alice@example.com method:ssh", [6, 5, 1]),
        ("app:Some-New-IDE", [5]), ("organization:coder type:port_forwarding", [4]),
        ("connected_after:\"2026-01-01T02:05:00+02:00\"", [6, 5]),
        ("connected_before:\"2026-01-01T00:01:40Z\"", [3, 1]),
        ("connection_id:\(ToldEvent.uuid(50).uppercased())", [1]), ("", [6, 5, 4, 3, 1]),
    ])
    func `Coder's filters find what they name`(query: String, expected: [Int]) async throws {
        try await withServer(Self.events, names: Self.people) { server async throws in
            let reply = try await server.get("/api/v2/connectionlog?q=\(TestServer.escaped(query))")
            #expect(reply.ids == expected.map { ToldEvent.uuid($0) }, "\(query)")
            #expect(reply.json["count"] as? Int == expected.count)
        }
    }

    @Test func `what Coder refuses is refused in its words, ours too unless it is asked for`() async throws {
        try await withServer(Self.events) { server async throws in
            func refusal(_ query: String) async throws -> TestServer.Reply {
                try await server.get("/api/v2/connectionlog?q=\(TestServer.escaped(query))")
            }
            let free = try await refusal("foo")
            #expect(free.status == 400 && free.message == "Invalid connection search query.")
            #expect(free.validations == [["field": "search", "detail": "\"search\" is not a valid query param"]])
            let several = try await refusal("bar:baz type:cursor status:open")
            #expect(several.validations.map { $0["field"] } == ["bar", "type", "status"])
            #expect(
                several.validations[1]["detail"]
                    == #"Query param "type" has invalid value: "cursor" is not a valid value"#)
            #expect(try await refusal("ip:10.0.0.0/8").status == 400)
            let ours = try await server.get("/api/v2/connectionlog?connlog=true&q=ip:10.0.0.0/8%20-type:vscode%20dev")
            #expect(ours.ids == [5, 1].map { ToldEvent.uuid($0) })
            let member = try #require(ours.rows.last?["connlog"] as? [String: Any])
            #expect(member["status"] as? String == "completed" && member["duration_ms"] as? Int == 60_000)
            let wrong = try await server.get("/api/v2/connectionlog?connlog=true&q=dev%20code:x")
            let mark = (wrong.json["validations"] as? [[String: Any]])?.first
            #expect(mark?["start"] as? Int == 4 && mark?["end"] as? Int == 10)
        }
    }

    @Test func `limit and offset are as in Coder, and mistakes in them have its words`() async throws {
        try await withServer(Self.events) { server async throws in
            #expect(
                try await server.get("/api/v2/connectionlog?limit=2&offset=1").ids == [5, 4].map { ToldEvent.uuid($0) })
            #expect(try await server.get("/api/v2/connectionlog?limit=0&offset=4").ids == [ToldEvent.uuid(1)])
            let beyond = try await server.get("/api/v2/connectionlog?offset=99")
            #expect(beyond.ids.isEmpty && beyond.json["count"] as? Int == 5)
            let word = try await server.get("/api/v2/connectionlog?limit=x")
            #expect(word.status == 400 && word.message == "Query parameters have invalid values.")
            let detail = #"Query param "limit" must be a valid integer: strconv.Atoi: parsing "x": invalid syntax"#
            #expect(word.validations == [["field": "limit", "detail": detail]])
            for bad in ["limit=-1", "offset=-5", "offset=99999999999", "limit=%2B3", "after_id=7"] {
                #expect(try await server.get("/api/v2/connectionlog?\(bad)").status == 400, "\(bad)")
            }
            #expect(try await server.get("/api/v2/connectionlog?after_id=\(ToldEvent.uuid(1))").status == 200)
        }
    }

    @Test func `many rows at once come whole, counts stop at the cap, and cursors lead through all`() async throws {
        let many = (0..<2105).map { ToldEvent(id: ToldEvent.uuid(10_000 + $0), time: Int64($0 / 3), type: "tunnel") }
        try await withServer(many) { server async throws in
            let all = try await server.get("/api/v2/connectionlog?limit=5000")
            #expect(Set(all.ids).count == 2105 && all.json["count"] as? Int == 2001)
            let next = try await server.get("/api/v2/connectionlog?limit=500&offset=2000")
            #expect(next.ids == Array(all.ids.dropFirst(2000)))
            var (walked, cursor): ([String], String?) = ([], "")
            while let after = cursor {
                let page = try await server.get("/api/v2/connectionlog?connlog=true&limit=700&after=\(after)")
                walked += page.ids
                cursor = page.json["next"] as? String
            }
            #expect(walked == all.ids)
            #expect(try await server.get("/api/v2/connectionlog?connlog=true&after=1.2").status == 400)
        }
    }

    @Test func `a connection whose end was never told is lost for us and ongoing for Coder`() async throws {
        try await withServer(Self.events) { server async throws in
            let coder = try await server.get("/api/v2/connectionlog?q=status:ongoing")
            #expect(coder.ids == [ToldEvent.uuid(5)] && coder.rows.first?["connlog"] == nil)
            let ours = try await server.get("/api/v2/connectionlog?connlog=true&q=status:ongoing")
            #expect((ours.rows.first?["connlog"] as? [String: Any])?["status"] as? String == "lost")
        }
    }

    @Test func `what clients of Coder ask for around the list`() async throws {
        try await withServer(Self.events, names: Self.people) { server async throws in
            #expect(try await server.get("/api/v2/buildinfo").json["version"] as? String == "v+connlog")
            #expect(try await server.get("/api/v2/users/me").json["username"] as? String == "local")
            let organizations = try await server.get("/api/v2/organizations")
            let list = try JSONSerialization.jsonObject(with: Data(organizations.body)) as? [[String: Any]]
            #expect(list?.map { $0["name"] as? String } == ["coder"])
        }
    }

    @Test func `what is not there is not there`() async throws {
        try await withServer(Self.events) { server async throws in
            for path in [
                "/index.html", "/api/v2", "/api/v2/connectionlog/", "/api/v2/connectionlog/a/b",
                "/api/v2/connectionlog/../../etc/passwd",
                "/api/v2/connectionlog%2fexport", "//api/v2/connectionlog", "/api/v2/auditlog",
            ] {
                let reply = try await server.get(path)
                #expect(reply.status == 404 && reply.message == "Route not found.", "\(path)")
            }
            #expect(try await server.get("/api/v2/connectionlog/%FF").status == 404)
            #expect(try await server.post("/api/v2/connectionlog", []).status == 405)
            #expect(try await server.get("/api/v2/connectionlog/ingest").status == 405)
        }
    }

    @Test func `without a store there is nothing to ask`() async throws {
        try await withServer(Self.events) { server async throws in
            server.state.update { $0.store = nil }
            let reply = try await server.get("/api/v2/connectionlog")
            #expect(
                reply.status == 404 && reply.json["detail"] as? String == "This connlog has no [store] to answer from.")
        }
    }
}
#endif
