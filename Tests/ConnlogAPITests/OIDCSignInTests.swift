#if Server
import ConnlogConfig
import ConnlogCore
import ConnlogTestSupport
import Foundation
import Testing

@testable import ConnlogAPI

/// `[access] type = oidc`, at the page: the code flow with PKCE against an issuer with real keys.
@Suite struct OIDCSignInTests {
    private static let path = "/api/v2/connectionlog"

    private func withIssuer(
        roles: GroupRoles = GroupRoles(auditors: ["audit"], admins: ["root"]),
        change: (inout OIDCSignIn.Settings) -> Void = { _ in }, options: (inout APIServer.Options) -> Void = { _ in },
        _ body: (TestServer, IssuerServer, HandClock) async throws -> Void
    ) async throws {
        let (issuer, clock) = (try IssuerServer(), HandClock())
        defer { issuer.stop() }
        var access = AccessList()
        access.issuers = [issuer.signIn(clock, roles: roles, change: change)]
        try await withServer(
            [ToldEvent(id: ToldEvent.uuid(1), time: 10)], access: access, intake: NoIntake(), change: options
        ) { server async throws in
            try await body(server, issuer, clock)
        }
        #expect(issuer.state.violations.isEmpty, "\(issuer.state.violations)")
    }

    /// Signs in as far as the issuer sends the browser back.
    private func back(_ browser: SignInBrowser, _ issuer: IssuerServer) async throws -> String {
        let begun = try await browser.get("/login/oidc?way=sso")
        #expect(begun.status == 302, "\(begun.text)")
        return "/login/oidc/callback?" + issuer.consent(begun.location ?? "")
    }

    @Test func `whom the issuer vouches for is signed in at the page, under the own name`() async throws {
        try await withIssuer { server, issuer, _ async throws in
            let browser = SignInBrowser(port: server.port)
            let way = try await back(browser, issuer)
            #expect(browser.setCookies.count == 1)
            #expect(browser.setCookies[0].contains("connlog_signin=") && browser.setCookies[0].contains("SameSite=Lax"))
            #expect(browser.setCookies[0].contains("HttpOnly") && browser.setCookies[0].contains("Path=/;"))
            // As browsers say it when another site's page has sent them.
            let end = try await browser.get(way, ["Sec-Fetch-Site: cross-site"])
            #expect(end.status == 302 && end.location == "http://127.0.0.1:\(server.port)/", "\(end.text)")
            #expect(browser.setCookies.contains { $0.contains("connlog_session=") && $0.contains("SameSite=Strict") })
            #expect(browser.cookies["connlog_signin"] == nil)
            let me = try await browser.get("/api/v2/users/me")
            #expect(me.status == 200 && me.text.contains(#""username":"jane""#) && me.text.contains("auditor"))
            #expect(try await browser.get(Self.path).status == 200)
            #expect(server.lines.all.contains { $0.contains("jane@127.0.0.1") })
            #expect(!server.lines.all.contains { $0.contains("code=") || $0.contains("eyJ") })
            #expect(try await browser.get("/logout", method: "POST").status == 200)
            #expect(try await browser.get("/api/v2/users/me").status == 401)
        }
    }

    @Test func `the page is told what ways in there are, and no address`() async throws {
        try await withIssuer(change: { $0.label = "Company & Co" }) { server, issuer, _ async throws in
            let reply = try await server.get("/login/ways")
            #expect(
                reply.status == 200 && reply.json["tokens"] as? Bool == false && reply.json["coder"] as? Bool == false)
            let ways = reply.json["oidc"] as? [[String: String]]
            #expect(ways == [["name": "sso", "label": "Company & Co"]] && !reply.text.contains(issuer.url))
            #expect(try await server.get("/login/oidc?way=other").status == 404)
        }
    }

    @Test func `it works under a path behind a proxy that speaks TLS`() async throws {
        let url = ExternalURL("https://tools.example.com/connlog/")
        try await withIssuer(options: { $0.externalURL = url }) { server, issuer, _ async throws in
            let browser = SignInBrowser(port: server.port)
            let begun = try await browser.get("/login/oidc")
            let location = begun.location ?? ""
            let back = "https%3A%2F%2Ftools.example.com%2Fconnlog%2Flogin%2Foidc%2Fcallback"
            #expect(location.contains("redirect_uri=\(back)&"), "\(location)")
            #expect(browser.setCookies[0].contains("Path=/connlog;") && browser.setCookies[0].contains("; Secure"))
            let end = try await browser.get("/login/oidc/callback?" + issuer.consent(location))
            #expect(end.status == 302 && end.location == "https://tools.example.com/connlog/", "\(end.text)")
        }
        #expect(OwnCookie.signIn(ExternalURL("https://a.example/"), isTLS: false).name == "__Host-connlog_signin")
    }

    @Test func `a state is good once, in the browser that began it, for ten minutes`() async throws {
        try await withIssuer { server, issuer, clock async throws in
            let browser = SignInBrowser(port: server.port)
            var way = try await back(browser, issuer)
            let cookie = browser.cookies["connlog_signin"] ?? ""
            #expect(try await browser.get(way).status == 302)
            browser.put("connlog_signin", cookie)
            let replayed = try await browser.get(way)
            #expect(replayed.status == 400 && replayed.text.contains("not known"), "\(replayed.text)")

            // Somebody else's sign-in, in this browser; then none.
            let other = SignInBrowser(port: server.port)
            for mine in [true, false] {
                way = try await back(other, issuer)
                let victim = SignInBrowser(port: server.port)
                if mine { _ = try await back(victim, issuer) }
                let end = try await victim.get(way)
                #expect(end.status == (mine ? 403 : 400) && victim.cookies["connlog_session"] == nil, "\(end.text)")
            }
            let forged = try await browser.get("/login/oidc/callback?code=x&state=\(String(repeating: "0", count: 64))")
            #expect(forged.status == 400)

            way = try await back(browser, issuer)
            clock.advance(PendingSignIns.ageMax)
            #expect(try await browser.get(way).status == 403)
        }
    }

    @Test func `what the issuer refuses is told in a sentence, and none of its text`() async throws {
        try await withIssuer { server, issuer, _ async throws in
            for (said, told) in [("access_denied", "(access_denied)"), ("<b>pay", "did not say who you are.")] {
                let browser = SignInBrowser(port: server.port)
                let begun = try await browser.get("/login/oidc")
                let state = (begun.location ?? "").firstMatch(of: #/state=([0-9a-f]+)/#)?.1 ?? ""
                let end = try await browser.get("/login/oidc/callback?state=\(state)&error=\(TestServer.escaped(said))")
                #expect(end.status == 403 && end.text.contains(told) && !end.text.contains("<b>"), "\(end.text)")
            }
            let browser = SignInBrowser(port: server.port)
            let way = try await back(browser, issuer)
            issuer.change { $0.codes = [:] }
            let end = try await browser.get(way)
            #expect(end.status == 403 && end.text.contains("does not take its own code"), "\(end.text)")
            let another = try await back(browser, issuer)
            let mixed = try await browser.get(another + "&iss=https%3A%2F%2Fother.example")
            #expect(mixed.status == 403 && mixed.text.contains("another issuer"))
        }
    }

    @Test(arguments: [
        ("nonce", "x", "answers another sign-in"), ("aud", "other", "audience"),
        ("iss", "https://x.example", "another issuer"),
        ("azp", "other", "azp"), ("sub", "", "no sub"),
    ])
    func `an ID token that says something wrong signs nobody in`(claim: String, value: String, told: String)
        async throws
    {
        try await withIssuer { server, issuer, _ async throws in
            let browser = SignInBrowser(port: server.port)
            let way = try await back(browser, issuer)
            issuer.change { state in
                if claim == "nonce" {
                    for code in state.codes.keys { state.codes[code]?.nonce = value }
                } else {
                    state.claims[claim] = .string(value)
                }
            }
            let end = try await browser.get(way)
            #expect(end.status == 403 && end.text.contains(told), "\(end.text)")
            #expect(browser.cookies["connlog_session"] == nil)
        }
    }

    @Test func `groups are roles here, from the token, a path in it, or what the issuer says of the user`() async throws
    {
        try await withIssuer { server, issuer, _ async throws in
            let browser = SignInBrowser(port: server.port)
            issuer.change { $0.claims["groups"] = .array(["staff"]) }
            var end = try await browser.get(try await back(browser, issuer))
            #expect(end.status == 403 && end.text.contains("No group"), "\(end.text)")
            issuer.change {
                $0.claims["groups"] = nil
                $0.userInfo = ["sub": "somebody else", "groups": .array(["root"])]
            }
            #expect(try await browser.get(try await back(browser, issuer)).status == 403)
            issuer.change { $0.userInfo = ["sub": "s-1", "groups": .array(["root"])] }
            end = try await browser.get(try await back(browser, issuer))
            #expect(end.status == 302, "\(end.text)")
            #expect(try await browser.get("/api/v2/users/me").text.contains(#""name":"admin""#))
            // By a cookie nothing is handed in.
            #expect(try await browser.get("\(Self.path)/ingest", method: "POST").status == 403)
        }
        try await withIssuer(change: { $0.groupsClaim = "realm_access.roles" }) { server, issuer, _ async throws in
            issuer.change { $0.claims["realm_access"] = ["roles": .array(["audit"])] }
            let browser = SignInBrowser(port: server.port)
            #expect(try await browser.get(try await back(browser, issuer)).status == 302)
        }
    }

    @Test func `a sign-in ends after session_age, and at once for whoever is shut out`() async throws {
        try await withIssuer(change: { $0.sessionAge = .seconds(3600) }) { server, issuer, clock async throws in
            let browser = SignInBrowser(port: server.port)
            _ = try await browser.get(try await back(browser, issuer))
            clock.advance(.seconds(3599))
            #expect(try await browser.get(Self.path).status == 200)
            clock.advance(.seconds(1))
            let over = try await browser.get(Self.path)
            #expect(over.status == 401 && over.text.contains("login is over"))

            clock.advance(.seconds(-3600))
            _ = try await browser.get(try await back(browser, issuer))
            #expect(try await browser.get(Self.path).status == 200)
            let without = issuer.signIn(clock, roles: GroupRoles(auditors: ["audit"], revoked: ["s-1"]))
            server.state.update { $0.access.issuers = [without] }
            #expect(try await browser.get(Self.path).status == 403)
        }
    }

    @Test func `the secret goes in the way that the issuer takes, and a wrong one is connlog's trouble`() async throws {
        try await withIssuer { server, issuer, _ async throws in
            let browser = SignInBrowser(port: server.port)
            issuer.change { $0.methods = ["client_secret_post"] }
            #expect(try await browser.get(try await back(browser, issuer)).status == 302)
        }
        try await withIssuer(change: { $0.secret = .init(literal: "wrong") }) { server, issuer, _ async throws in
            let browser = SignInBrowser(port: server.port)
            let end = try await browser.get(try await back(browser, issuer))
            #expect(end.status == 503 && end.text.contains("does not answer as it should"), "\(end.text)")
        }
    }

    @Test func `an issuer that is down lets nobody in and says so; once it is back, it does`() async throws {
        try await withIssuer { server, issuer, clock async throws in
            let browser = SignInBrowser(port: server.port)
            let description = "/.well-known/openid-configuration"
            for wrong in [
                "<html>", "[]", "{}", #"{"issuer":"https://other.example"}"#,
                #"{"issuer":"\#(issuer.url)","authorization_endpoint":"javascript:alert(1)"}"#,
                #"{"issuer":"\#(issuer.url)","authorization_endpoint":"\#(issuer.url)/a","token_endpoint":"ftp://x"}"#,
            ] {
                issuer.change { $0.instead = [description: (200, wrong)] }
                let end = try await browser.get("/login/oidc")
                #expect(end.status == 503 && end.location == nil, "\(wrong): \(end.text)")
                clock.advance(.seconds(5))
            }
            issuer.change { $0.instead = [description: (503, "")] }
            let before = issuer.asked(for: description)
            for _ in 0..<5 { #expect(try await browser.get("/login/oidc").status == 503) }
            #expect(issuer.asked(for: description) == before + 1)
            issuer.change { $0.instead = [:] }
            clock.advance(.seconds(5))
            #expect(try await browser.get(try await back(browser, issuer)).status == 302)
            // It has been down since; whoever is signed in stays.
            issuer.change { state in for path in [description, "/keys", "/token"] { state.instead[path] = (500, "") } }
            clock.advance(.seconds(600))
            #expect(try await browser.get(Self.path).status == 200)
        }
    }

    @Test func `sign-ins that nobody ends are bounded, of one address and in all`() {
        let clock = HandClock()
        let pending = PendingSignIns(clock: { clock.now })
        func add(_ address: String) -> String { pending.add(.init(redirect: "x", address: address)) }
        let mine = add("10.0.0.1")
        var theirs: [String] = []
        for _ in 0...PendingSignIns.countOfAddressMax {
            clock.advance(.milliseconds(1))
            theirs.append(add("10.0.0.2"))
        }
        #expect(pending.knows(mine) && !pending.knows(theirs[0]) && pending.knows(theirs[1]))
        for number in 0..<PendingSignIns.countMax {
            clock.advance(.milliseconds(1))
            _ = add("192.168.\(number / 200).\(number % 200)")
        }
        #expect(!pending.knows(mine))
        let late = add("10.0.0.3")
        clock.advance(PendingSignIns.ageMax)
        #expect(pending.take(late) == nil)
    }
}
#endif
