#if Server
import ConnlogCore
import ConnlogStore
import ConnlogTestSupport
import Foundation
import Testing

@testable import ConnlogAPI

/// `[access] type = coder`: who is let in by Coder's word.
@Suite struct CoderSignInTests {
    private static let own = ToldEvent.uuid(901)
    private static let other = ToldEvent.uuid(900)
    private static let path = "/api/v2/connectionlog"

    private static var events: [ToldEvent] {
        var mine = ToldEvent(id: ToldEvent.uuid(1), time: 10)
        var theirs = ToldEvent(id: ToldEvent.uuid(2), time: 20)
        (mine.organization, theirs.organization) = (own, other)
        return [mine, theirs]
    }

    /// A server that lets in whom a Coder knows.
    private func withCoder(
        _ people: [String: CoderServer.Person], _ settings: CoderSignIn.Settings = .init(name: "coder"),
        _ body: (TestServer, CoderServer, HandClock) async throws -> Void
    ) async throws {
        let (coder, clock) = (try CoderServer(people), HandClock())
        defer { coder.stop() }
        var access = AccessList()
        access.coders = [coder.signIn(settings, clock)]
        try await withServer(Self.events, access: access, intake: NoIntake()) { server async throws in
            try await body(server, coder, clock)
        }
        #expect(coder.violations.isEmpty, "\(coder.violations)")
    }

    private static func key(_ number: Int) -> [(name: String, value: String)] {
        [("Coder-Session-Token", CoderServer.token(number))]
    }

    private func logIn(_ server: TestServer, _ token: String) async throws -> TestServer.Reply {
        try await server.post("/login", Array(#"{"token":"\#(token)"}"#.utf8))
    }

    private static func cookie(_ reply: TestServer.Reply) -> [(name: String, value: String)] {
        [("Cookie", String((reply.cookies.first ?? "").prefix { $0 != ";" }))]
    }

    @Test func `whoever holds a token of Coder's is let in by it, as a header, as a bearer and at the page`()
        async throws
    {
        let jane = CoderServer.Person(username: "jane", roles: ["auditor"])
        try await withCoder([CoderServer.token(1): jane]) { server, coder, _ async throws in
            let bearer = [(name: "Authorization", value: "Bearer \(CoderServer.token(1))")]
            for headers in [Self.key(1), bearer] {
                let reply = try await server.get(Self.path, headers)
                #expect(reply.status == 200 && reply.ids.count == 2)
            }
            let login = try await logIn(server, CoderServer.token(1))
            #expect(login.status == 200 && login.json["username"] as? String == "jane")
            #expect(!login.text.contains("0000") && login.cookies.first?.contains("0000") == false)
            let me = try await server.get("/api/v2/users/me", Self.cookie(login)).json
            #expect(me["username"] as? String == "jane" && me["id"] as? String == jane.id)
            #expect(me["login_type"] as? String == "token")
            #expect(coder.asked(for: "users/me") == 1)
            #expect(server.lines.all.contains { $0.contains("jane@127.0.0.1") })
            #expect(!server.lines.all.contains { $0.contains("0000") })
        }
    }

    @Test func `me means the person, whom no directory has to know`() async throws {
        let jane = CoderServer.Person(id: ToldEvent.uuid(102), username: "jane", roles: ["owner"])
        try await withCoder([CoderServer.token(1): jane]) { server, _, _ async throws in
            var event = ToldEvent(id: ToldEvent.uuid(3), time: 30, type: "tunnel", code: 101)
            event.user = jane.id
            _ = try server.store.apply(ToldEvent.batch([event]), at: nil, arrival: 0)
            let reply = try await server.get("\(Self.path)?q=username:me", Self.key(1))
            #expect(reply.status == 200, "\(reply.text)")
            #expect(reply.ids == [ToldEvent.uuid(3)])
        }
    }

    @Test(
        arguments: [
            (["owner"], [:], true, 2), (["auditor", "user-admin"], [:], false, 2),
            ([], [own: ["organization-auditor"]], true, 1), ([], [own: ["organization-admin"]], false, 1),
            (["template-admin"], [own: ["organization-auditor"], other: ["organization-member"]], false, 1),
            (["user-admin"], [own: ["organization-user-admin"]], true, nil), ([], [:], false, nil),
            ([], [own: ["owner", "auditor"]], true, nil), ([], [own: ["owner"]], false, nil),
        ] as [([String], [String: [String]], Bool, Int?)])
    func `roles of Coder's are what they are there, for the organizations that they are of`(
        roles: [String], inOrganizations: [String: [String]], inUser: Bool, rows: Int?
    ) async throws {
        let person = CoderServer.Person(
            username: "p", roles: roles, organizationRoles: inOrganizations, hasThemInUser: inUser)
        try await withCoder([CoderServer.token(1): person]) { server, coder, _ async throws in
            coder.change { $0.isOld = inUser }
            let reply = try await server.get(Self.path, Self.key(1))
            #expect(reply.status == (rows == nil ? 403 : 200), "\(reply.text)")
            if let rows { #expect(reply.ids.count == rows) }
            if rows == 1 { #expect(reply.ids == [ToldEvent.uuid(1)]) }
            #expect(try await server.get("/metrics", Self.key(1)).status == (rows == 2 ? 200 : 403))
            #expect(try await server.post("\(Self.path)/ingest", [], Self.key(1)).status == 403)
        }
    }

    @Test func `a role may be given more, and somebody nothing, by the configuration`() async throws {
        let people = [
            CoderServer.token(1): CoderServer.Person(username: "root", roles: ["owner"]),
            CoderServer.token(2): CoderServer.Person(username: "Mallory", roles: ["owner"]),
            CoderServer.token(3): CoderServer.Person(username: "aud", roles: ["auditor"]),
        ]
        let settings = CoderSignIn.Settings(name: "coder", roles: ["owner": .admin], revoked: ["mallory"])
        try await withCoder(people, settings) { server, _, _ async throws in
            #expect(try await server.post("\(Self.path)/ingest", [], Self.key(1)).status == 200)
            let refused = try await server.get(Self.path, Self.key(2))
            #expect(refused.status == 403 && refused.text.contains("'revoked' names it"))
            #expect(try await server.get(Self.path, Self.key(3)).status == 403)
            #expect(try await logIn(server, CoderServer.token(2)).status == 403)
        }
    }

    @Test func `a token that is good for less than its user is good for nothing here`() async throws {
        let narrow = CoderServer.Person(username: "jane", roles: ["owner"], scope: "user:read")
        try await withCoder([CoderServer.token(1): narrow]) { server, coder, _ async throws in
            let reply = try await server.get(Self.path, Self.key(1))
            #expect(reply.status == 403 && reply.text.contains("whole scope"))
            #expect(coder.asked(for: "users/me/keys/abcdefghij") == 1)
        }
    }

    @Test func `Coder is asked once a minute for a token, good or bad, however many ask`() async throws {
        let jane = CoderServer.Person(username: "jane", roles: ["owner"])
        try await withCoder([CoderServer.token(1): jane]) { server, coder, clock async throws in
            for _ in 0..<2 {
                await withTaskGroup(of: Int?.self) { group in
                    for _ in 0..<8 {
                        group.addTask { try? await server.get(Self.path, Self.key(1)).status }
                    }
                    for await status in group { #expect(status == 200) }
                }
            }
            #expect(coder.asked(for: "users/me") == 1)
            clock.advance(.seconds(59))
            _ = try await server.get(Self.path, Self.key(1))
            #expect(coder.asked(for: "users/me") == 1)
            clock.advance(.seconds(1))
            _ = try await server.get(Self.path, Self.key(1))
            #expect(coder.asked(for: "users/me") == 2 && coder.asked(for: "users/me/keys/abcdefghij") == 1)
            for _ in 0..<5 { #expect(try await server.get(Self.path, Self.key(2)).status == 401) }
            #expect(coder.asked(for: "users/me") == 3)
        }
    }

    @Test func `whoever makes tokens up makes connlog ask Coder a bounded number of times`() async throws {
        let jane = CoderServer.Person(username: "jane", roles: ["owner"])
        let coder = try CoderServer([CoderServer.token(1): jane])
        defer { coder.stop() }
        let clock = HandClock()
        let signIn = coder.signIn(.init(name: "coder"), clock)
        #expect(await signIn.verdict(CoderServer.token(1), mayAsk: true) == .person(try #require(entry(signIn))))
        for number in 2...CoderSignIn.unknownMax {
            #expect(await signIn.verdict(CoderServer.token(number), mayAsk: true) == .unknown)
        }
        #expect(await signIn.verdict(CoderServer.token(900), mayAsk: true) == .tooMany)
        #expect(coder.asked(for: "users/me") == CoderSignIn.unknownMax)
        clock.advance(.seconds(59))
        #expect(await signIn.verdict(CoderServer.token(901), mayAsk: true) == .tooMany)
        clock.advance(.seconds(1))
        // Who is known is asked for whatever others have tried, and the others again after a minute.
        for number in 1...CoderSignIn.unknownMax { _ = await signIn.verdict(CoderServer.token(number), mayAsk: true) }
        #expect(await signIn.verdict(CoderServer.token(902), mayAsk: true) == .unknown)
        #expect(await signIn.verdict(CoderServer.token(903), mayAsk: true) == .tooMany)

        func entry(_ signIn: CoderSignIn) -> AccessList.Entry? {
            AccessList.Entry(person: "jane", .auditor, user: jane.id, knownAs: ["jane@example.com"])
        }
    }

    @Test func `after ten wrong tokens an address is not asked for any more, and who is known is let in`() async throws
    {
        let jane = CoderServer.Person(username: "jane", roles: ["owner"])
        let late = CoderServer.Person(username: "late", roles: ["owner"])
        try await withCoder([CoderServer.token(1): jane, CoderServer.token(2): late]) { server, coder, _ async throws in
            #expect(try await server.get(Self.path, Self.key(1)).status == 200)
            for number in 100..<110 { #expect(try await server.get(Self.path, Self.key(number)).status == 401) }
            let before = coder.asked.count
            #expect(try await server.get(Self.path, Self.key(110)).status == 429)
            #expect(try await server.get(Self.path, Self.key(2)).status == 429)
            #expect(coder.asked.count == before)
            #expect(try await server.get(Self.path, Self.key(1)).status == 200)
        }
    }

    @Test(arguments: [
        "connlog_\(String(repeating: "a", count: 64))", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.", "short-short",
        String(repeating: "a", count: 33), "abcdefghij-0123456789012345678901-x", "abcdefghij-01234567890123456789%0a",
        "abcdefghij-" + String(repeating: "0", count: 200),
    ])
    func `what is none of Coder's tokens is not shown to it`(token: String) async throws {
        try await withCoder([:]) { server, coder, _ async throws in
            #expect(try await server.get(Self.path, [("Coder-Session-Token", token)]).status == 401)
            #expect(coder.asked.isEmpty)
        }
    }

    @Test func `a leaver is out within a minute, by token, session and open view`() async throws {
        let jane = CoderServer.Person(username: "jane", roles: ["owner"])
        try await withCoder([CoderServer.token(1): jane]) { server, coder, clock async throws in
            let cookie = Self.cookie(try await logIn(server, CoderServer.token(1)))
            let watch = "GET \(Self.path)/watch HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            let byToken = try RawClient(port: server.port)
            await byToken.send(watch + "Coder-Session-Token: \(CoderServer.token(1))\r\n\r\n")
            let bySession = try RawClient(port: server.port)
            await bySession.send(watch + "Cookie: \(cookie[0].value)\r\n\r\n")
            for client in [byToken, bySession] {
                #expect(await client.read { $0.contains("retry: 2000") }.contains("200 OK"))
            }
            coder.change { $0.people[CoderServer.token(1)]?.status = "suspended" }
            #expect(try await server.get(Self.path, cookie).status == 200)
            clock.advance(.seconds(60))
            let reply = try await server.get(Self.path, cookie)
            #expect(reply.status == 403 && reply.text.contains("not active"))
            #expect(try await server.get(Self.path, Self.key(1)).status == 403)
            // Both look again by themselves when the minute is over; here it is over at once.
            server.state.update { _ in }
            for client in [byToken, bySession] { #expect(await !client.read().contains("id:")) }
        }
    }

    @Test func `a role that is taken away is gone within a minute, and so is a token that is deleted`() async throws {
        let jane = CoderServer.Person(username: "jane", roles: ["owner"])
        try await withCoder([CoderServer.token(1): jane]) { server, coder, clock async throws in
            let cookie = Self.cookie(try await logIn(server, CoderServer.token(1)))
            coder.change { $0.people[CoderServer.token(1)]?.roles = [] }
            clock.advance(.seconds(60))
            #expect(try await server.get(Self.path, cookie).status == 403)
            coder.change { $0.people = [:] }
            clock.advance(.seconds(60))
            let reply = try await server.get(Self.path, cookie)
            #expect(reply.status == 401 && reply.text.contains("login is over"))
        }
    }

    @Test func `while Coder is away whoever was known stays for a minute, and nobody is let in after that`()
        async throws
    {
        let jane = CoderServer.Person(username: "jane", roles: ["owner"])
        let late = CoderServer.Person(username: "late", roles: ["owner"])
        try await withCoder([CoderServer.token(1): jane, CoderServer.token(2): late]) {
            server, coder, clock async throws in
            let cookie = Self.cookie(try await logIn(server, CoderServer.token(1)))
            coder.change { $0.outage = (502, [], "<html>Bad gateway</html>") }
            clock.advance(.seconds(59))
            #expect(try await server.get(Self.path, cookie).status == 200)
            let new = try await server.get(Self.path, Self.key(2))
            #expect(new.status == 503 && new.retryAfter == "5" && new.text.contains("Coder does not say now"))
            clock.advance(.seconds(1))
            for headers in [cookie, Self.key(1), Self.key(2)] {
                #expect(try await server.get(Self.path, headers).status == 503)
            }
            let before = coder.asked.count
            #expect(try await server.get(Self.path, cookie).status == 503)
            #expect(coder.asked.count == before)
            coder.change { $0.outage = nil }
            clock.advance(CoderSignIn.troubleFor)
            for headers in [cookie, Self.key(1), Self.key(2)] {
                #expect(try await server.get(Self.path, headers).status == 200)
            }
        }
    }

    @Test(arguments: [
        (302, "Location: http://127.0.0.1:1/", ""), (200, "Content-Type: text/html", "<html>log in</html>"),
        (200, "Content-Type: application/json", "{}"),
        (200, "Content-Type: application/json", #"{"id":"x","username":"jane","status":"active","roles":[]}"#),
        (200, "Content-Type: application/json", #"{"username":"jane","status":"active","roles":[{"name":"owner"}]}"#),
        (429, "Retry-After: 60", #"{"message":"You've been rate limited"}"#), (500, "X: y", ""),
        (404, "X: y", #"{"message":"Route not found."}"#), (403, "X: y", #"{"message":"Forbidden."}"#),
    ])
    func `an answer that is none of Coder's lets nobody in`(status: Int, header: String, body: String) async throws {
        let jane = CoderServer.Person(username: "jane", roles: ["owner"])
        try await withCoder([CoderServer.token(1): jane]) { server, coder, clock async throws in
            let pair = header.split(separator: ":", maxSplits: 1).map { String($0).replacing(" ", with: "") }
            coder.change { $0.script = [(status, [(pair[0], pair[1])], body)] }
            #expect(try await server.get(Self.path, Self.key(1)).status == 503)
            clock.advance(.seconds(60))
            #expect(try await server.get(Self.path, Self.key(1)).status == 200)
        }
    }

    @Test func `Coder's cookie is a token where the configuration says so, and writes nothing`() async throws {
        let jane = CoderServer.Person(username: "jane", roles: ["owner"])
        let cookie = [(name: "Cookie", value: "a=b; coder_session_token=\(CoderServer.token(1))")]
        for isTaken in [false, true] {
            let settings = CoderSignIn.Settings(name: "coder", roles: ["owner": .admin], takesCookie: isTaken)
            try await withCoder([CoderServer.token(1): jane], settings) { server, coder, _ async throws in
                #expect(try await server.get(Self.path, cookie).status == (isTaken ? 200 : 401))
                #expect(coder.asked.isEmpty != isTaken)
                #expect(try await server.post("\(Self.path)/ingest", [], cookie).status == (isTaken ? 403 : 401))
                let foreign = cookie + [(name: "Sec-Fetch-Site", value: "same-site")]
                #expect(try await server.get(Self.path, foreign).status == 403)
                let wrong = [(name: "Cookie", value: "coder_session_token=\(CoderServer.token(2))")]
                #expect(try await server.get(Self.path, wrong).status == 401)
            }
        }
    }

    @Test func `a section that is taken away, or names somebody else, ends what hangs on it`() async throws {
        let jane = CoderServer.Person(username: "jane", roles: ["owner"])
        try await withCoder([CoderServer.token(1): jane]) { server, coder, _ async throws in
            let cookie = Self.cookie(try await logIn(server, CoderServer.token(1)))
            server.state.update { $0.access.coders = [coder.signIn(.init(name: "coder", revoked: [jane.id]))] }
            #expect(try await server.get(Self.path, cookie).status == 403)
            let byMail = coder.signIn(.init(name: "coder", revoked: ["jane@example.com"]))
            server.state.update { $0.access.coders = [byMail] }
            #expect(try await server.get(Self.path, cookie).status == 403)
            server.state.update { $0.access.coders = [coder.signIn(.init(name: "other"))] }
            #expect(try await server.get(Self.path, cookie).status == 401)
        }
    }

    @Test func `what came of it is counted`() async throws {
        let jane = CoderServer.Person(username: "jane", roles: ["owner"])
        try await withCoder([CoderServer.token(1): jane]) { server, _, _ async throws in
            _ = try await server.get(Self.path, Self.key(2))
            let text = try await server.get("/metrics", Self.key(1)).text
            #expect(text.contains(#"connlog_http_sign_ins_total{type="coder",outcome="let_in"} 1"#))
            #expect(text.contains(#"connlog_http_sign_ins_total{type="coder",outcome="unknown"} 1"#))
        }
    }

    @Test(arguments: ["jane", "jane.doe+x@example.com", "Jäne-O'Hara", "山田"])
    func `a name is one that can be shown`(name: String) { #expect(VouchedName.isName(name)) }

    @Test(arguments: [
        "", "a b", "a\nb", "a\u{202e}b", "a\u{0}b", "a\u{2028}b", "a\u{200b}b", String(repeating: "a", count: 129),
    ])
    func `what can mislead whoever reads it is no name`(name: String) { #expect(!VouchedName.isName(name)) }
}
#endif
