#if Server
import ConnlogAPI
import ConnlogCore
import ConnlogTestSupport
import Testing

/// Who is let in, and to what.
@Suite struct AccessTests {
    static let tokens = Dictionary(
        uniqueKeysWithValues: Role.allCases.map { ($0, TokenText.make()) })

    static func access(organizations: [String] = []) throws -> AccessList {
        AccessList(
            try Role.allCases.map { role in
                try #require(
                    AccessList.Entry(
                        name: "\(role)", role: role, tokenHashes: [tokens[role]?.hash ?? ""],
                        organizations: organizations))
            })
    }

    private static func header(_ role: Role) -> (name: String, value: String) {
        ("Coder-Session-Token", tokens[role]?.token ?? "")
    }

    @Test func `a token is taken as Coder's clients send it and as a bearer, and in no cookie`() async throws {
        try await withServer(access: try Self.access()) { server async throws in
            let token = Self.tokens[.auditor]?.token ?? ""
            for header in [
                ("Coder-Session-Token", token), ("Authorization", "Bearer \(token)"),
                ("Authorization", "bearer \(token)"),
            ] {
                #expect(try await server.get("/api/v2/users/me", [(name: header.0, value: header.1)]).status == 200)
            }
            for header in [
                ("Authorization", "Basic \(token)"), ("Coder-Session-Token", "x"),
                ("Cookie", "coder_session_token=\(token)"),
                ("Cookie", "connlog_session=\(token)"),
            ] {
                let reply = try await server.get("/api/v2/users/me", [(name: header.0, value: header.1)])
                #expect(reply.status == 401 && reply.message == "You must be logged in.")
            }
            #expect(try await server.get("/api/v2/connectionlog?coder_session_token=\(token)").status == 401)
        }
    }

    @Test func `health, readiness and what the API is need no token, all else does`() async throws {
        try await withServer(access: try Self.access()) { server async throws in
            for path in ["/healthz", "/readyz", "/openapi.json", "/api/v2/buildinfo"] {
                #expect(try await server.get(path).status == 200, "\(path)")
            }
            for path in [
                "/metrics", "/api/v2/connectionlog", "/api/v2/connectionlog/export", "/api/v2/connectionlog/watch",
                "/api/v2/connectionlog/stats", "/api/v2/connectionlog/status", "/api/v2/connectionlog/x",
                "/api/v2/organizations",
            ] {
                #expect(try await server.get(path).status == 401, "\(path)")
            }
        }
    }

    @Test func `whoever may see one organization sees its rows only, everywhere`() async throws {
        var other = ToldEvent(id: ToldEvent.uuid(2), time: 20)
        other.organization = ToldEvent.uuid(901)
        let events = [ToldEvent(id: ToldEvent.uuid(1), time: 10), other]
        try await withServer(events, access: try Self.access(organizations: [ToldEvent.uuid(901)])) {
            server async throws in
            let header = [Self.header(.auditor)]
            let list = try await server.get("/api/v2/connectionlog", header)
            #expect(list.ids == [ToldEvent.uuid(2)] && list.json["count"] as? Int == 1)
            let asked = try await server.get("/api/v2/connectionlog?q=organization:\(ToldEvent.uuid(900))", header)
            #expect(asked.status == 200 && asked.ids.isEmpty)
            #expect(try await server.get("/api/v2/connectionlog/\(ToldEvent.uuid(1))", header).status == 404)
            #expect(try await server.get("/api/v2/connectionlog/\(ToldEvent.uuid(2))", header).status == 200)
            let export = try await server.get("/api/v2/connectionlog/export", header)
            #expect(!export.text.contains(ToldEvent.uuid(1)) && export.text.contains(ToldEvent.uuid(2)))
            let stats = try await server.get(
                "/api/v2/connectionlog/stats?from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z", header)
            #expect(stats.json["count"] as? Int == 1)
        }
    }

    @Test func `after ten wrong tokens an address has to wait with further ones, and a good one lets in`() async throws
    {
        try await withServer(access: try Self.access()) { server async throws in
            for _ in 0..<10 {
                #expect(try await server.get("/api/v2/users/me", [("Coder-Session-Token", "wrong")]).status == 401)
            }
            let reply = try await server.get("/api/v2/users/me", [("Coder-Session-Token", "wrong")])
            #expect(reply.status == 429)
            #expect(Int(reply.retryAfter ?? "") ?? 0 > 0)
            #expect(try await server.get("/api/v2/users/me", [Self.header(.admin)]).status == 200)
        }
    }

    @Test func `no token is ever logged, and every request is`() async throws {
        try await withServer(access: try Self.access()) { server async throws in
            let token = Self.tokens[.auditor]?.token ?? ""
            _ = try await server.get("/api/v2/connectionlog?q=foo&token=\(token)", [Self.header(.auditor)])
            _ = try await server.get("/nothing/\(token)", [Self.header(.auditor)])
            let lines = server.lines.all
            #expect(lines.contains { $0.contains("auditor@127.0.0.1 GET /api/v2/connectionlog: 400") })
            #expect(lines.contains { $0.contains("unknown path: 404") })
            #expect(!lines.contains { $0.contains(token) })
        }
    }

    @Test func `a token's hash must be one`() {
        for bad in ["", "abc", String(repeating: "g", count: 64), String(repeating: "0", count: 63)] {
            #expect(AccessList.Entry(name: "x", role: .admin, tokenHashes: [bad]) == nil)
        }
    }
}

/// Takes everything and keeps nothing.
struct NoIntake: EventIntake {
    final class Session: IntakeSession {
        func take(_ bytes: Span<UInt8>) async throws(IntakeError) {}
        func finish() async throws(IntakeError) -> IntakeReport { IntakeReport() }
    }
    func begin() throws(IntakeError) -> any IntakeSession { Session() }
}
#endif
