#if Server
import ConnlogCore
import ConnlogTestSupport
import Testing

@testable import ConnlogAPI

/// The most of what others say that is looked at, and how far their clocks may be.
@Suite struct SignInSizeTests {
    private static let path = "/api/v2/connectionlog"

    private func withIssuer(
        _ body: (TestServer, IssuerServer, HandClock) async throws -> Void
    ) async throws {
        let (issuer, clock) = (try IssuerServer(), HandClock())
        defer { issuer.stop() }
        var access = AccessList()
        access.issuers = [issuer.signIn(clock)]
        try await withServer(access: access, intake: NoIntake()) { server async throws in
            try await body(server, issuer, clock)
        }
    }

    private func get(_ server: TestServer, _ token: String) async throws -> TestServer.Reply {
        try await server.get(Self.path, [("Authorization", "Bearer \(token)")])
    }

    /// The one that counts is the last of so many.
    private static func groups(_ count: Int) -> [String] { (1..<count).map { "g\($0)" } + ["audit"] }

    @Test(arguments: [(-1, true), (0, true), (1, false)])
    func `so many groups of a person are looked at, whoever names them`(more: Int, isIn: Bool) async throws {
        let groups = Self.groups(GroupRoles.groupsMax + more)
        let roles = GroupRoles(auditors: ["audit"])
        let refused = Verdict.refused("No group that this user is in lets in here.")
        #expect((roles.verdict("jane", [], groups) == refused) != isIn)
        let block = try #require(AddressBlock("127.0.0.1"))
        let proxy = ProxySignIn(
            name: "p", from: [block], userHeader: "Remote-User", groupsHeader: "Remote-Groups", roles: roles)
        var access = AccessList()
        access.proxies = [try #require(proxy)]
        try await withServer(access: access) { server async throws in
            let headers = [("Remote-User", "jane"), ("Remote-Groups", groups.joined(separator: ", "))]
            let named = headers.map { (name: $0.0, value: $0.1) }
            #expect(try await server.get(Self.path, named).status == (isIn ? 200 : 403))
        }
        try await withIssuer { server, issuer, _ async throws in
            let token = try issuer.token(["groups": .array(groups.map { .string($0) })])
            #expect(try await get(server, token).status == (isIn ? 200 : 403))
        }
    }

    @Test(arguments: [-1, 0, 1]) func `a token is looked at up to 16 KiB`(more: Int) throws {
        let key = SigningKey.p256("e")
        func token(_ filler: Int) throws -> String {
            try key.token(["sub": "x"], header: ["x": .string(String(repeating: "y", count: filler))])
        }
        // Three bytes become four letters, so that not every length is one of a token's: a part is filled up.
        let wanted = JSONWebToken.bytesMax + more
        let parts = try token(100).split(separator: ".").map(String.init)
        let rest = parts[0].count + parts[2].count + 2
        let text = parts[0] + "." + String(repeating: "A", count: wanted - rest) + "." + parts[2]
        #expect(text.utf8.count == wanted && JSONWebToken.mayBe(text) == (more <= 0))
        let long = try token((JSONWebToken.bytesMax - 400) * 3 / 4)
        #expect(long.utf8.count < JSONWebToken.bytesMax && JSONWebToken(long) != nil)
        #expect(JSONWebToken(try token(JSONWebToken.bytesMax)) == nil)
    }

    @Test(arguments: [(-1, true), (0, true), (1, false)])
    func `so many keys of an issuer are looked at`(more: Int, isKnown: Bool) async throws {
        try await withIssuer { server, issuer, _ async throws in
            let others = (1..<OIDCIssuer.keysMax + more).map { SigningKey.p256("other-\($0)").jwk }
            issuer.change { $0.published = others + [$0.key.jwk] }
            let reply = try await get(server, try issuer.token())
            #expect(reply.status == (isKnown ? 200 : 401), "\(reply.text)")
        }
    }

    @Test(
        arguments: [
            ("iat", 59, true), ("iat", 60, true), ("iat", 61, false), ("nbf", 59, true), ("exp", -59, true),
            ("exp", -60, false), ("exp", -61, false),
        ] as [(String, Int64, Bool)])
    func `an issuer's clock may be a minute off, at the page as for programs`(
        claim: String, offset: Int64, isGood: Bool
    ) async throws {
        try await withIssuer { server, issuer, _ async throws in
            #expect(
                try await get(server, try issuer.token([claim: .integer(IssuerServer.now + offset)])).status
                    == (isGood ? 200 : 401))
            issuer.change { $0.claims[claim] = .integer(IssuerServer.now + offset) }
            let browser = SignInBrowser(port: server.port)
            let begun = try await browser.get("/login/oidc")
            let end = try await browser.get("/login/oidc/callback?" + issuer.consent(begun.location ?? ""))
            #expect(end.status == (isGood ? 302 : 403), "\(end.text)")
            if !isGood { #expect(end.text.contains("clocks"), "\(end.text)") }
        }
    }

    @Test(arguments: ["/token", "/keys"])
    func `an issuer that goes down while somebody is there signs nobody in, and later it does`(path: String)
        async throws
    {
        try await withIssuer { server, issuer, clock async throws in
            let browser = SignInBrowser(port: server.port)
            var begun = try await browser.get("/login/oidc")
            issuer.change { $0.instead[path] = (500, "") }
            let down = try await browser.get("/login/oidc/callback?" + issuer.consent(begun.location ?? ""))
            #expect(down.status == 503 && browser.cookies["connlog_session"] == nil, "\(down.text)")
            issuer.change { $0.instead = [:] }
            clock.advance(.seconds(5))
            begun = try await browser.get("/login/oidc")
            let up = try await browser.get("/login/oidc/callback?" + issuer.consent(begun.location ?? ""))
            #expect(up.status == 302, "\(up.text)")
        }
    }

    @Test(arguments: [(3599, 200), (3600, 503), (3601, 503)])
    func `known keys are good for an hour while an issuer is down, to the second`(seconds: Int, status: Int)
        async throws
    {
        try await withIssuer { server, issuer, clock async throws in
            let token = try issuer.token(["exp": .integer(IssuerServer.now + 9000)])
            #expect(try await get(server, token).status == 200)
            issuer.change { $0.instead["/keys"] = (500, "") }
            clock.advance(.seconds(seconds))
            #expect(try await get(server, token).status == status)
        }
    }
}
#endif
