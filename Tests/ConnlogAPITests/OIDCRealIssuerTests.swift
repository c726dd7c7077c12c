#if Server
import ConnlogConfig
import ConnlogCore
import ConnlogSystem
import ConnlogTestSupport
import Foundation
import Testing

@testable import ConnlogAPI

/// `[access] type = oidc` against an issuer that others have written: oidc-provider-mock, on Authlib. `Tests/run.sh` puts it
/// in place.
@Suite(.enabled(if: FileManager.default.isExecutableFile(atPath: RealIssuer.python)))
struct OIDCRealIssuerTests {
    /// The issuer's process and its port.
    private static func start() async throws -> (SpawnedProgram, Int) {
        let issuer = try SpawnedProgram(
            RealIssuer.python, [RealIssuer.root.appending(path: "Tests/tools/oidc_issuer.py").path])
        var port: Int?
        try await Waiting.until("the issuer listens") {
            port = Int(String(decoding: issuer.output, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines))
            return port != nil
        }
        return (issuer, try #require(port))
    }

    private static func send(_ method: String, _ path: String, _ type: String, _ body: String, to port: Int)
        async throws
        -> SignInBrowser.Reply
    {
        let client = try RawClient(port: port)
        let head = [
            "\(method) \(path) HTTP/1.1", "Host: 127.0.0.1:\(port)", "Connection: close", "Content-Type: \(type)",
            "Content-Length: \(body.utf8.count)",
        ]
        await client.send(head.joined(separator: "\r\n") + "\r\n\r\n" + body)
        let text = await client.read()
        let location = text.firstMatch(of: #/\r\n[Ll]ocation: ([^\r]*)\r\n/#).map { String($0.1) }
        return .init(
            status: Int(text.split(separator: " ").dropFirst().first ?? "") ?? 0, location: location, text: text)
    }

    @Test func `people of a real issuer sign in at the page, by their groups, over a change of its key`() async throws {
        let (issuer, port) = try await Self.start()
        let settings = OIDCSignIn.Settings(
            name: "sso", issuer: "http://127.0.0.1:\(port)", clientID: "connlog",
            secret: SecretReference(literal: "any"),
            roles: GroupRoles(auditors: ["audit"]), http: HTTPSettings(userAgent: "test"))
        var slow = settings
        slow.timeout = .seconds(600)
        let clock = HandClock()
        var access = AccessList()
        access.issuers = [OIDCSignIn(slow, clock: { clock.now }, log: { _, _ in })]
        for (user, groups) in [("jane", "audit"), ("eve", "staff")] {
            let claims = #"{"preferred_username":"\#(user)","groups":["\#(groups)"]}"#
            let reply = try await Self.send("PUT", "/users/\(user)", "application/json", claims, to: port)
            #expect(reply.status == 204, "\(reply.text)")
        }
        try await withServer(access: access) { server async throws in
            func signIn(_ user: String) async throws -> (SignInBrowser, SignInBrowser.Reply) {
                let browser = SignInBrowser(port: server.port)
                let begun = try await browser.get("/login/oidc")
                let place = try #require(begun.location.flatMap { URLComponents(string: $0) })
                let consent = try await Self.send(
                    "POST", "\(place.path)?\(place.percentEncodedQuery ?? "")", "application/x-www-form-urlencoded",
                    "sub=\(user)", to: port)
                let back = try #require(consent.location.flatMap { URLComponents(string: $0) }, "\(consent.text)")
                #expect(back.port == server.port && back.path == "/login/oidc/callback")
                return (browser, try await browser.get("\(back.path)?\(back.percentEncodedQuery ?? "")"))
            }
            let (jane, end) = try await signIn("jane")
            #expect(end.status == 302, "\(end.text) \(issuer.errors)")
            let me = try await jane.get("/api/v2/users/me")
            #expect(me.status == 200 && me.text.contains(#""username":"jane""#), "\(me.text)")
            let (eve, refused) = try await signIn("eve")
            #expect(refused.status == 403 && eve.cookies["connlog_session"] == nil, "\(refused.text)")

            #expect(try await Self.send("POST", "/test/rotate", "text/plain", "", to: port).status == 204)
            clock.advance(.seconds(10))
            let (again, anew) = try await signIn("jane")
            #expect(anew.status == 302, "\(anew.text) \(issuer.errors)")
            #expect(try await again.get("/api/v2/users/me").status == 200)
        }
        withExtendedLifetime(issuer) {}
    }
}

private enum RealIssuer {
    static let root = URL(filePath: #filePath).appending(path: "../../..").standardized
    static let python = root.appending(path: ".build/oidc-issuer/bin/python").path
}
#endif
