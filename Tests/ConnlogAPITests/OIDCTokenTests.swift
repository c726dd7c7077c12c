#if Server
import ConnlogCore
import ConnlogTestSupport
import Foundation
import Testing

@testable import ConnlogAPI

/// `[access] type = oidc`, for programs: an issuer's token in a header, and those that are none.
@Suite struct OIDCTokenTests {
    private static let path = "/api/v2/connectionlog"

    private func withIssuer(
        key: SigningKey? = nil, change: (inout OIDCSignIn.Settings) -> Void = { _ in },
        _ body: (TestServer, IssuerServer, HandClock) async throws -> Void
    ) async throws {
        let (issuer, clock) = (try IssuerServer(key: key), HandClock())
        defer { issuer.stop() }
        var access = AccessList()
        access.issuers = [issuer.signIn(clock, change: change)]
        try await withServer(
            [ToldEvent(id: ToldEvent.uuid(1), time: 10)], access: access, intake: NoIntake()
        ) { server async throws in
            try await body(server, issuer, clock)
        }
    }

    private func get(_ server: TestServer, _ token: String) async throws -> TestServer.Reply {
        try await server.get(Self.path, [("Authorization", "Bearer \(token)")])
    }

    @Test func `a token of the issuer's lets a program in, signed by RSA or an elliptic curve`() async throws {
        for key in [try SigningKey.rsa("k1"), SigningKey.p256("e1")] {
            try await withIssuer(key: key) { server, issuer, _ async throws in
                let token = try issuer.token()
                #expect(try await get(server, token).status == 200)
                #expect(try await server.get(Self.path, [("Coder-Session-Token", token)]).status == 200)
                let root = try issuer.token(["groups": "root"])
                let key = [(name: "Authorization", value: "Bearer \(root)")]
                #expect(try await server.post("\(Self.path)/ingest", [], key).status == 200)
                #expect(try await get(server, try issuer.token(["groups": .array(["staff"])])).status == 403)
                #expect(server.lines.all.contains { $0.contains("jane@127.0.0.1") })
                let login = try await server.post("/login", Array(#"{"token":"\#(token)"}"#.utf8))
                #expect(login.status == 200)
            }
        }
    }

    @Test func `a token that nobody or somebody else has signed is none`() async throws {
        try await withIssuer { server, issuer, _ async throws in
            let (claims, key) = (issuer.claims(), issuer.state.key)
            let stranger = try SigningKey.rsa("stranger")
            let good = try issuer.token()
            let parts = good.split(separator: ".").map(String.init)
            let other = try issuer.token(["groups": .array(["root"])]).split(separator: ".").map(String.init)
            for (what, token) in [
                ("none", SigningKey.forged(claims, algorithm: "none", kid: key.id, secret: nil)),
                ("None", SigningKey.forged(claims, algorithm: "None", kid: key.id, secret: nil)),
                ("none, signed", try issuer.token(header: ["alg": "none"])),
                ("RS256 without a signature", parts[0] + "." + parts[1] + "."),
                (
                    "HS256 with the public key",
                    SigningKey.forged(claims, algorithm: "HS256", kid: key.id, secret: key.pem)
                ),
                (
                    "HS256 with the key's JSON",
                    SigningKey.forged(claims, algorithm: "HS256", kid: key.id, secret: key.jwk.line)
                ),
                ("RS512", try issuer.token(header: ["alg": "RS512"])),
                ("ES256 by an RSA key", try issuer.token(header: ["alg": "ES256"])),
                ("a stranger's under the key's name", try stranger.token(claims, header: ["kid": .string(key.id)])),
                ("a stranger's key in the header", try stranger.token(claims, header: ["jwk": stranger.jwk])),
                ("crit", try issuer.token(header: ["crit": .array(["exp"]), "exp": .integer(1)])),
                ("other claims", [parts[0], other[1], parts[2]].joined(separator: ".")),
                ("cut", String(good.dropLast())), ("padded", good + "="), ("four parts", good + ".x"),
            ] {
                let reply = try await get(server, token)
                #expect(reply.status == 401 || reply.status == 429, "\(what): \(reply.status)")
            }
            #expect(try await get(server, good).status == 200)
        }
    }

    @Test(
        arguments: [
            ("aud", "other", "audience"), ("sub", nil, "no sub"), ("exp", nil, "no exp"), ("iat", "x", "no time"),
        ] as [(String, String?, String)])
    func `a token that says something wrong is refused with what it is`(
        claim: String, value: String?, told: String
    ) async throws {
        try await withIssuer { server, issuer, _ async throws in
            let wrong = value.map { JSONValue.string($0) }
            let reply = try await get(server, try issuer.token([claim: wrong]))
            #expect(reply.status == 401 && reply.text.contains(told), "\(reply.text)")
        }
    }

    @Test(
        arguments: [
            ("exp", IssuerServer.now - 59, nil), ("exp", IssuerServer.now - 60, "ended 60 s ago"),
            ("exp", IssuerServer.now - 9000, "ended 9000 s ago"), ("nbf", IssuerServer.now + 60, nil),
            ("nbf", IssuerServer.now + 61, "61 s in the future"), ("iat", IssuerServer.now + 3600, "clocks"),
            ("exp", Int64.max, "no exp"), ("nbf", Int64.min, "no time"),
        ] as [(String, Int64, String?)])
    func `clocks may differ by a minute, and what is beyond is told with the cure`(
        claim: String, value: Int64, told: String?
    ) async throws {
        try await withIssuer { server, issuer, _ async throws in
            let reply = try await get(server, try issuer.token([claim: .integer(value)]))
            #expect(reply.status == (told == nil ? 200 : 401), "\(reply.text)")
            if let told { #expect(reply.text.contains(told), "\(reply.text)") }
        }
    }

    @Test func `an audience of their own may be wanted of programs, and several may be meant`() async throws {
        try await withIssuer(change: { $0.audiences = ["connlog-api"] }) { server, issuer, _ async throws in
            #expect(try await get(server, try issuer.token()).status == 401)
            let both = try issuer.token(["aud": .array(["x", "connlog-api"])])
            #expect(try await get(server, both).status == 200)
        }
    }

    @Test func `a key that the issuer begins to use is fetched, once for all who ask, and once in a while`()
        async throws
    {
        try await withIssuer { server, issuer, clock async throws in
            #expect(try await get(server, try issuer.token()).status == 200)
            let (old, new) = (try issuer.token(), try SigningKey.rsa("k2"))
            #expect(issuer.asked(for: "/keys") == 1)
            // A kid that somebody makes up, right after: no question.
            for number in 0..<5 {
                #expect(try await get(server, try issuer.token(header: ["kid": .string("x\(number)")])).status == 401)
            }
            #expect(issuer.asked(for: "/keys") == 1)
            issuer.change {
                $0.key = new
                $0.published = [new.jwk]
            }
            clock.advance(.seconds(10))
            let token = try issuer.token()
            await withTaskGroup(of: Int?.self) { group in
                for _ in 0..<8 { group.addTask { try? await self.get(server, token).status } }
                for await status in group { #expect(status == 200) }
            }
            #expect(issuer.asked(for: "/keys") == 2)
            // What the issuer has taken away is not good any more.
            #expect(try await get(server, old).status == 401)
        }
    }

    @Test func `keys without names are tried, and rotated too`() async throws {
        try await withIssuer { server, issuer, clock async throws in
            func unnamed(_ key: SigningKey) -> JSONValue {
                guard case .object(let members) = key.jwk else { return .null }
                return .object(members.filter { $0.key != "kid" })
            }
            func token() throws -> String { try issuer.state.key.token(issuer.claims(), header: ["kid": .null]) }
            let keys = (try SigningKey.rsa("k1"), try SigningKey.rsa("k2"))
            issuer.change { $0.published = [["kty": "oct", "k": "AAAA"], unnamed(keys.0)] }
            #expect(try await get(server, try token()).status == 200)
            issuer.change {
                $0.key = keys.1
                $0.published = [unnamed(keys.1)]
            }
            clock.advance(.seconds(10))
            #expect(try await get(server, try token()).status == 200)
        }
    }

    @Test func `while the issuer is down known keys are good for an hour, and nothing else is`() async throws {
        try await withIssuer { server, issuer, clock async throws in
            let late = try issuer.token(["exp": .integer(IssuerServer.now + 9000)])
            issuer.change { state in
                for path in ["/.well-known/openid-configuration", "/keys"] { state.instead[path] = (500, "") }
            }
            let reply = try await get(server, late)
            #expect(reply.status == 503 && reply.text.contains("issuer does not say now"), "\(reply.text)")
            issuer.change { $0.instead = [:] }
            clock.advance(.seconds(5))
            #expect(try await get(server, late).status == 200)
            issuer.change { $0.instead["/keys"] = (500, "") }
            clock.advance(.seconds(3500))
            #expect(try await get(server, late).status == 200)
            clock.advance(.seconds(100))
            #expect(try await get(server, late).status == 503)
        }
    }

    @Test func `what an open view was begun with ends with the token`() async throws {
        try await withIssuer { server, issuer, clock async throws in
            let client = try RawClient(port: server.port)
            let token = try issuer.token()
            await client.send(
                "GET \(Self.path)/watch HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer \(token)\r\n\r\n")
            #expect(await client.read { $0.contains("retry: 2000") }.contains("200 OK"))
            clock.advance(.seconds(360))
            server.state.update { _ in }
            #expect(await !client.read().contains("id:"))
        }
    }

    @Test func `whether the issuer answers as it should is tried for check`() async throws {
        let issuer = try IssuerServer()
        defer { issuer.stop() }
        let clock = HandClock()
        let signIn = issuer.signIn(clock)
        #expect(await signIn.trial().map(\.verdict) == [.good])
        issuer.change { $0.published = [["kty": "oct", "k": "AAAA"]] }
        clock.advance(.seconds(600))
        let none = await signIn.trial()
        #expect(none.map(\.verdict) == [.failed] && none[0].text.contains("RS256 or ES256"), "\(none)")
        issuer.change { $0.instead["/.well-known/openid-configuration"] = (200, "<html>") }
        let page = await issuer.signIn(clock).trial()
        #expect(page.map(\.verdict) == [.failed] && page[0].text.contains("no JSON object"), "\(page)")
    }

    @Test func `base64url is read as it is written, and nothing else`() {
        for count in 0..<20 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 83 &+ 251) }
            #expect(Base64URL.decoded(Base64URL.encoded(bytes).utf8) == bytes)
            let right = Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_")
            #expect(Base64URL.encoded(bytes) == right.replacing("=", with: ""))
        }
        for bad in ["A", "AAAAA", "AB", "AAB", "A+AA", "A/AA", "AA==", "A A", "Ä"] {
            #expect(Base64URL.decoded(bad.utf8) == nil, "\(bad)")
        }
    }
}
#endif
