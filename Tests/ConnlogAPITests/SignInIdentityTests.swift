#if Server
import ConnlogCore
import ConnlogTestSupport
import Testing

@testable import ConnlogAPI

/// Who somebody is that others vouch for: by which way, at whose word, under which names.
@Suite struct SignInIdentityTests {
    private static let path = "/api/v2/connectionlog"
    private static let jane = CoderServer.Person(username: "jane", roles: ["owner"])

    private static func key(_ number: Int) -> [(name: String, value: String)] {
        [("Coder-Session-Token", CoderServer.token(number))]
    }

    private static func cookie(_ reply: TestServer.Reply) -> [(name: String, value: String)] {
        [("Cookie", String((reply.cookies.first ?? "").prefix { $0 != ";" }))]
    }

    private func logIn(_ server: TestServer, _ token: String) async throws -> TestServer.Reply {
        try await server.post("/login", Array(#"{"token":"\#(token)"}"#.utf8))
    }

    // MARK: - At whose word

    @Test func `a section that has another Coder ends what hangs on the old one, whose tokens it never sees`()
        async throws
    {
        let (old, new) = (try CoderServer([CoderServer.token(1): Self.jane]), try CoderServer())
        defer {
            old.stop()
            new.stop()
        }
        var access = AccessList()
        access.coders = [old.signIn()]
        try await withServer(access: access) { server async throws in
            let cookie = Self.cookie(try await logIn(server, CoderServer.token(1)))
            #expect(try await server.get(Self.path, cookie).status == 200)
            let watch = try RawClient(port: server.port)
            await watch.send("GET \(Self.path)/watch HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: \(cookie[0].value)\r\n\r\n")
            #expect(await watch.read { $0.contains("retry: 2000") }.contains("200 OK"))
            // The same Coder with other settings is the same.
            server.state.update { $0.access.coders = [old.signIn(.init(name: "coder", takesCookie: true))] }
            #expect(try await server.get(Self.path, cookie).status == 200)
            server.state.update { $0.access.coders = [new.signIn()] }
            #expect(server.state.sessions.count == 0)
            let reply = try await server.get(Self.path, cookie)
            #expect(reply.status == 401 && reply.text.contains("login is over"), "\(reply.text)")
            #expect(await !watch.read().contains("id:"))
            #expect(new.asked.isEmpty)
            server.state.update { $0.access.coders = [old.signIn()] }
            #expect(try await server.get(Self.path, cookie).status == 401)
        }
    }

    @Test func `a section that has another issuer ends the sign-ins of the old one`() async throws {
        let (old, new) = (try IssuerServer(), try IssuerServer())
        defer {
            old.stop()
            new.stop()
        }
        var access = AccessList()
        access.issuers = [old.signIn()]
        try await withServer(access: access) { server async throws in
            let browser = SignInBrowser(port: server.port)
            let begun = try await browser.get("/login/oidc")
            #expect(try await browser.get("/login/oidc/callback?" + old.consent(begun.location ?? "")).status == 302)
            #expect(try await browser.get(Self.path).status == 200)
            server.state.update { $0.access.issuers = [old.signIn { $0.label = "other" }] }
            #expect(try await browser.get(Self.path).status == 200)
            server.state.update { $0.access.issuers = [new.signIn()] }
            #expect(server.state.sessions.count == 0)
            #expect(try await browser.get(Self.path).status == 401)
        }
    }

    private static func proxy(_ from: String) throws -> ProxySignIn {
        let block = try #require(AddressBlock(from))
        return try #require(
            ProxySignIn(
                name: "sso", from: [block], userHeader: "Remote-User", roles: GroupRoles(everyone: .auditor)))
    }

    @Test func `a section whose proxy is another ends the views that the old one brought`() async throws {
        var access = AccessList()
        access.proxies = [try Self.proxy("127.0.0.0/8")]
        try await withServer(access: access) { server async throws in
            let watch = try RawClient(port: server.port)
            await watch.send("GET \(Self.path)/watch HTTP/1.1\r\nHost: 127.0.0.1\r\nRemote-User: jane\r\n\r\n")
            #expect(await watch.read { $0.contains("retry: 2000") }.contains("200 OK"))
            let other = try Self.proxy("10.0.0.0/8")
            server.state.update { $0.access.proxies = [other] }
            #expect(await !watch.read().contains("id:"))
        }
    }

    // MARK: - By which way

    @Test func `a log tells a person from a token of the same name, and so does whatever asks for the caller`()
        async throws
    {
        let coder = try CoderServer([CoderServer.token(1): Self.jane])
        let issuer = try IssuerServer()
        defer {
            coder.stop()
            issuer.stop()
        }
        let (token, hash) = TokenText.make()
        var access = AccessList([try #require(AccessList.Entry(name: "jane", role: .auditor, tokenHashes: [hash]))])
        access.coders = [coder.signIn()]
        access.issuers = [issuer.signIn()]
        access.proxies = [try Self.proxy("127.0.0.1")]
        try await withServer(access: access) { server async throws in
            let bearer = [(name: "Authorization", value: "Bearer \(try issuer.token())")]
            for (way, headers) in [
                ("token", [("Coder-Session-Token", token)]), ("coder", Self.key(1)), ("oidc", bearer),
                ("proxy", [("Remote-User", "jane")]),
            ] as [(String, [(name: String, value: String)])] {
                let me = try await server.get("/api/v2/users/me", headers)
                #expect(me.status == 200 && me.json["username"] as? String == "jane", "\(way): \(me.text)")
                #expect(server.lines.all.contains { $0.contains(" \(way):jane@127.0.0.1 ") }, "\(way)")
            }
            let session = Self.cookie(try await logIn(server, token))
            #expect(try await server.get("/metrics", session).status == 200)
            #expect(server.lines.all.contains { $0.contains(" token:jane@127.0.0.1 GET /metrics") })
        }
    }

    // MARK: - Under which names

    @Test func `a name that one section revokes is let in by no way`() async throws {
        let coder = try CoderServer([CoderServer.token(1): Self.jane])
        let issuer = try IssuerServer()
        defer {
            coder.stop()
            issuer.stop()
        }
        let (named, owned, free) = (TokenText.make(), TokenText.make(), TokenText.make())
        var access = AccessList([
            try #require(AccessList.Entry(name: "Jane", role: .auditor, tokenHashes: [named.hash])),
            try #require(AccessList.Entry(name: "ci", role: .auditor, tokenHashes: [owned.hash], user: "jane")),
            try #require(AccessList.Entry(name: "free", role: .auditor, tokenHashes: [free.hash])),
        ])
        access.coders = [coder.signIn()]
        access.issuers = [issuer.signIn()]
        let before = access
        try await withServer(access: access) { server async throws in
            let bearer = [(name: "Authorization", value: "Bearer \(try issuer.token())")]
            let session = Self.cookie(try await logIn(server, CoderServer.token(1)))
            let ways =
                [Self.key(1), bearer, session]
                + [named.token, owned.token].map { [(name: "Coder-Session-Token", value: $0)] }
            for headers in ways { #expect(try await server.get(Self.path, headers).status == 200) }
            for name in ["jane", "jane@example.com"] {
                server.state.update {
                    $0.access = before
                    $0.access.revoked = [name]
                }
                for (number, headers) in ways.enumerated() {
                    // Nobody says what address the issuer's person and the tokens have.
                    let isOut = name == "jane" || number == 0 || number == 2
                    let reply = try await server.get(Self.path, headers)
                    #expect(reply.status == (isOut ? 403 : 200), "\(name) \(number): \(reply.text)")
                    if isOut { #expect(reply.text.contains("'revoked' names it")) }
                }
                #expect(try await server.get(Self.path, [("Coder-Session-Token", free.token)]).status == 200)
            }
            server.state.update { $0.access.revoked = ["jane"] }
            for token in [named.token, CoderServer.token(1)] {
                let login = try await logIn(server, token)
                #expect(login.status == 403 && login.cookies.isEmpty, "\(login.text)")
            }
        }
    }

    @Test(arguments: ["username", "upn", "client_id", "azp", "email", "sub"])
    func `a program's token that lacks the user's claim is known by what else it says`(claim: String) async throws {
        let issuer = try IssuerServer()
        defer { issuer.stop() }
        var access = AccessList()
        access.issuers = [issuer.signIn(roles: GroupRoles(auditors: ["audit"], revoked: ["mallory"]))]
        try await withServer(access: access) { server async throws in
            for (name, status) in [("Mallory", 403), ("alice", 200)] {
                let token = try issuer.token(["preferred_username": .none, claim: .string(name)])
                let reply = try await server.get(Self.path, [("Authorization", "Bearer \(token)")])
                #expect(reply.status == status, "\(reply.text)")
            }
        }
    }

    @Test func `names have their limits, and what is not to be seen or looks like nothing is none`() {
        let wide = "\u{1d5ba}"
        for (name, isOne) in [
            (String(repeating: "a", count: 127), true), (String(repeating: "a", count: 128), true),
            (String(repeating: "a", count: 129), false),
            (String(repeating: wide, count: 127) + "abc", false),
            (String(repeating: wide, count: 127) + "abc\u{301}", false),
            (String(repeating: wide, count: 127) + "é", true), (String(repeating: wide, count: 128), true),
            (String(repeating: wide, count: 127) + "a\u{301}\u{301}", false),
            (String(repeating: wide, count: 127) + "a\u{301}", true),
            ("\u{2800}", false), ("a\u{2800}", false), ("\u{115f}", false), ("\u{1160}", false), ("\u{3164}", false),
            ("\u{ffa0}", false), ("jane\u{fe0f}", false), ("jane\u{34f}", false), ("jane\u{e0100}", false),
            ("jane\u{180b}", false), ("\u{17b4}x", false), ("\u{301}", false), ("\u{301}jane", false),
            ("\u{20dd}", false), ("jan\u{65}\u{301}", true), ("jane\u{feff}", false), ("jane\u{fffd}", false),
            ("𝒥ane", true),
        ] {
            #expect(VouchedName.isName(name) == isOne, "\(name.unicodeScalars.map { String($0.value, radix: 16) })")
        }
    }

    // MARK: - How long

    @Test func `a token that is pasted at the page is good for session_age, and no longer than itself`() async throws {
        for (age, good, over) in [(120, 119, 120), (3600, 359, 360)] {
            let (issuer, clock) = (try IssuerServer(), HandClock())
            defer { issuer.stop() }
            var access = AccessList()
            access.issuers = [issuer.signIn(clock) { $0.sessionAge = .seconds(age) }]
            try await withServer(access: access) { server async throws in
                // It ends in 300 s, and clocks may differ by 60.
                let cookie = Self.cookie(try await logIn(server, try issuer.token()))
                clock.advance(.seconds(good))
                #expect(try await server.get(Self.path, cookie).status == 200)
                clock.advance(.seconds(over - good))
                #expect(try await server.get(Self.path, cookie).status == 401)
            }
        }
    }

    @Test func `whoever sets the machine's clock makes no sign-in longer or shorter`() async throws {
        let (issuer, clock, wall) = (try IssuerServer(), HandClock(), HandClock())
        defer { issuer.stop() }
        var access = AccessList()
        access.issuers = [issuer.signIn(clock, wall: wall)]
        try await withServer(access: access) { server async throws in
            let browser = SignInBrowser(port: server.port)
            let begun = try await browser.get("/login/oidc")
            #expect(try await browser.get("/login/oidc/callback?" + issuer.consent(begun.location ?? "")).status == 302)
            for step in [90_000, -180_000] {
                wall.advance(.seconds(step))
                #expect(try await browser.get(Self.path).status == 200)
            }
            clock.advance(.seconds(3599))
            #expect(try await browser.get(Self.path).status == 200)
            clock.advance(.seconds(1))
            #expect(try await browser.get(Self.path).status == 401)
        }
    }
}
#endif
