#if Server
import ConnlogCore
import ConnlogTestSupport
import Testing

@testable import ConnlogAPI

/// The page's logins.
@Suite struct SessionTests {
    private static func jane(_ role: Role = .auditor) throws -> (token: String, access: AccessList) {
        let (token, hash) = TokenText.make()
        return (token, AccessList([try #require(AccessList.Entry(name: "jane", role: role, tokenHashes: [hash]))]))
    }

    private func logIn(
        _ server: TestServer, _ body: String, _ headers: [(name: String, value: String)] = []
    ) async throws -> TestServer.Reply {
        try await server.post("/login", Array(body.utf8), headers)
    }

    private static func pair(_ reply: TestServer.Reply) -> String {
        String((reply.cookies.first ?? "").prefix { $0 != ";" })
    }

    @Test func `a login gives a cookie of connlog's own that lets in, and holds no token`() async throws {
        let (token, access) = try Self.jane(.admin)
        try await withServer(access: access, intake: NoIntake()) { server async throws in
            let good = try await logIn(server, #"{"token":"\#(token)"}"#)
            #expect(good.status == 200 && good.text.contains("jane"))
            let cookie = good.cookies.first ?? ""
            #expect(cookie.hasPrefix("connlog_session=") && !cookie.contains(token) && !cookie.contains("Secure"))
            #expect(cookie.contains("; Path=/;") && cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"))
            let again = try await logIn(server, #"{"token":"\#(token)"}"#)
            #expect(Self.pair(again) != Self.pair(good))
            let header = [("Cookie", "a=b; \(Self.pair(good)); c=d")].map { (name: $0.0, value: $0.1) }
            #expect(try await server.get("/api/v2/users/me", header).status == 200)
            // A browser sends cookies whoever asks.
            #expect(try await server.post("/api/v2/connectionlog/ingest", [], header).status == 403)
            for bad in [
                "", "{", "[]", #"{"token":""}"#, #"{"token":"a;b"}"#, #"{"tok":"x"}"#,
                String(repeating: "x", count: 9000),
            ] {
                #expect(try await logIn(server, bad).status == 400, "\(bad.prefix(20))")
            }
            #expect(try await logIn(server, #"{"token":"wrong"}"#).status == 401)
        }
    }

    @Test func `a logged-out session is over at once, and says why; others go on`() async throws {
        let (token, access) = try Self.jane()
        try await withServer(access: access) { server async throws in
            let one = Self.pair(try await logIn(server, #"{"token":"\#(token)"}"#))
            let other = Self.pair(try await logIn(server, #"{"token":"\#(token)"}"#))
            let out = try await server.post("/logout", [], [("Cookie", one)])
            #expect(out.status == 200 && out.cookies.first?.contains("Max-Age=0") == true)
            let reply = try await server.get("/api/v2/users/me", [("Cookie", one)])
            #expect(reply.status == 401 && (reply.json["detail"] as? String)?.contains("login is over") == true)
            #expect(try await server.get("/api/v2/users/me", [("Cookie", other)]).status == 200)
            server.state.update { $0.access = AccessList() }
            server.state.update { $0.access = (try? Self.jane().access) ?? AccessList() }
            #expect(try await server.get("/api/v2/users/me", [("Cookie", other)]).status == 401)
        }
    }

    @Test func `a token that may not see connections is told so at the login`() async throws {
        for role in [Role.ingest, .metrics] {
            let (token, access) = try Self.jane(role)
            try await withServer(access: access) { server async throws in
                let reply = try await logIn(server, #"{"token":"\#(token)"}"#)
                #expect(reply.status == 403 && reply.message.contains(role.rawValue) && reply.cookies.isEmpty)
            }
        }
    }

    @Test(arguments: [
        (nil, false, "connlog_session", "/", false), (nil, true, "__Host-connlog_session", "/", true),
        ("https://a.example/", false, "__Host-connlog_session", "/", true),
        ("https://a.example/connlog/", false, "connlog_session", "/connlog", true),
        ("http://a.example/connlog", false, "connlog_session", "/connlog", false),
    ])
    func `the cookie's name and path are as narrow as can be`(
        url: String?, isTLS: Bool, name: String, path: String, isSecure: Bool
    ) {
        let cookie = OwnCookie.session(url.flatMap { ExternalURL($0) }, isTLS: isTLS)
        #expect(cookie.name == name)
        #expect(cookie.set("x").contains("; Path=\(path);") && cookie.set("x").contains("; Secure") == isSecure)
    }

    @Test func `sessions end by themselves, and there are never more than so many`() {
        let sessions = Sessions()
        let start = ContinuousClock.now
        let first = sessions.begin(.token([1]), now: start)
        #expect(sessions.grant(of: first, now: start + Sessions.idleMax - .seconds(1)) == .token([1]))
        #expect(sessions.grant(of: first, now: start + Sessions.idleMax + .seconds(1)) == .token([1]))
        #expect(sessions.grant(of: first, now: start + Sessions.idleMax * 2 + .seconds(2)) == nil)
        let used = sessions.begin(.token([1]), now: start)
        for hour in 1..<12 { #expect(sessions.grant(of: used, now: start + .seconds(3600 * hour)) == .token([1])) }
        #expect(sessions.grant(of: used, now: start + Sessions.ageMax) == nil)
        let many = (0..<Sessions.countOfHolderMax + 1).map { sessions.begin(.token([2]), now: start + .seconds($0)) }
        #expect(sessions.count == Sessions.countOfHolderMax)
        #expect(sessions.grant(of: many[0], now: start + .seconds(99)) == nil)
        #expect(sessions.grant(of: many[1], now: start + .seconds(99)) == .token([2]))
    }

    @Test func `who loses the right to it loses the live view at once`() async throws {
        let (token, access) = try Self.jane()
        try await withServer(access: access) { server async throws in
            let cookie = Self.pair(try await logIn(server, #"{"token":"\#(token)"}"#))
            let watch = "GET /api/v2/connectionlog/watch HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            let byToken = try RawClient(port: server.port)
            await byToken.send(watch + "Coder-Session-Token: \(token)\r\n\r\n")
            let bySession = try RawClient(port: server.port)
            await bySession.send(watch + "Cookie: \(cookie)\r\n\r\n")
            for client in [byToken, bySession] {
                #expect(await client.read { $0.contains("retry: 2000") }.contains("200 OK"))
            }
            _ = try await server.post("/logout", [], [("Cookie", cookie)])
            // Each of these reads to the end of the connection.
            #expect(await !bySession.read().contains("id:"))
            server.state.update { $0.access = AccessList() }
            #expect(await !byToken.read().contains("id:"))
        }
    }
}
#endif
