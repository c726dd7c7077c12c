#if Server
import ConnlogCoder
import ConnlogCore
import ConnlogSystem
import ConnlogTestSupport
import Synchronization
import Testing

@testable import ConnlogAPI

/// How often others are asked for what somebody makes up, and who has to wait for it.
@Suite struct SignInLimitTests {
    private static let path = "/api/v2/connectionlog"
    private static let jane = CoderServer.Person(username: "jane", roles: ["owner"])

    private static func cookie(_ number: Int) -> [(name: String, value: String)] {
        [("Cookie", "coder_session_token=\(CoderServer.token(number))")]
    }

    private func withCoder(
        _ settings: CoderSignIn.Settings = .init(name: "coder"), _ body: (TestServer, CoderServer) async throws -> Void
    ) async throws {
        let coder = try CoderServer([CoderServer.token(1): Self.jane, CoderServer.token(2): Self.jane])
        defer { coder.stop() }
        var access = AccessList()
        access.coders = [coder.signIn(settings, HandClock())]
        try await withServer(access: access, intake: NoIntake()) { server async throws in
            try await body(server, coder)
        }
    }

    // MARK: - The guard

    @Test func `an address has so many places for wrong tokens and those under way, and gets them back`() {
        let (guards, now) = (LoginGuard(), ContinuousClock.now)
        for _ in 0..<LoginGuard.failuresMax { #expect(guards.begin("a", now: now) == nil) }
        #expect(guards.begin("a", now: now) == .busy && guards.begin("b", now: now) == nil)
        // Nobody is locked out by good ones, however many at once.
        for _ in 0..<LoginGuard.failuresMax { guards.end("a", isWrong: false, now: now) }
        for wrong in 0..<LoginGuard.failuresMax {
            #expect(guards.begin("a", now: now) == nil, "\(wrong)")
            guards.end("a", isWrong: true, now: now)
        }
        #expect(guards.begin("a", now: now) == .wrong(LoginGuard.pause))
        #expect(guards.begin("a", now: now + .seconds(59)) == .wrong(.seconds(1)))
        #expect(guards.begin("a", now: now + LoginGuard.pause) == nil)
    }

    @Test func `of so many addresses those that began longest ago are forgotten, and one that tries is not`() {
        let (guards, now) = (LoginGuard(addressesMax: 10), ContinuousClock.now)
        for number in 0..<10 {
            #expect(guards.begin("\(number)", now: now + .seconds(number)) == nil)
            guards.end("\(number)", isWrong: true, now: now + .seconds(number))
        }
        #expect(guards.count == 10)
        #expect(guards.begin("new", now: now + .seconds(10)) == nil)
        #expect(guards.count == 6)
        // What was forgotten meanwhile is given back all the same.
        guards.end("0", isWrong: true, now: now)
        #expect(guards.count == 6)
    }

    @Test func `Coder's cookie is guarded as a token in a header is`() async throws {
        try await withCoder(.init(name: "coder", takesCookie: true)) { server, coder async throws in
            #expect(try await server.get(Self.path, Self.cookie(1)).status == 200)
            for number in 100..<110 { #expect(try await server.get(Self.path, Self.cookie(number)).status == 401) }
            let before = coder.asked.count
            let reply = try await server.get(Self.path, Self.cookie(110))
            #expect(reply.status == 429 && reply.text.contains("Too many wrong tokens"), "\(reply.text)")
            #expect(try await server.get(Self.path, Self.cookie(2)).status == 429)
            #expect(coder.asked.count == before)
            #expect(try await server.get(Self.path, Self.cookie(1)).status == 200)
        }
    }

    @Test func `an old cookie that a page goes on sending is one wrong token, not one each time`() async throws {
        try await withCoder(.init(name: "coder", takesCookie: true)) { server, _ async throws in
            for _ in 0..<15 { #expect(try await server.get(Self.path, Self.cookie(100)).status == 401) }
            #expect(try await server.get(Self.path, Self.cookie(1)).status == 200)
        }
    }

    @Test func `pages whose cookies are old lock nobody out, though they ask every minute`() async throws {
        let (coder, clock) = (try CoderServer([CoderServer.token(1): Self.jane]), HandClock())
        defer { coder.stop() }
        var access = AccessList()
        access.coders = [coder.signIn(.init(name: "coder", takesCookie: true), clock)]
        try await withServer(access: access) { server async throws in
            for _ in 0..<12 {
                for number in 100..<102 {
                    #expect(try await server.get(Self.path, Self.cookie(number)).status == 401)
                }
                clock.advance(.seconds(61))
            }
            #expect(try await server.get(Self.path, Self.cookie(1)).status == 200)
            #expect(coder.asked(for: "users/me") == 25)
        }
    }

    @Test func `many tries at once are no more than one after another`() async throws {
        try await withCoder { server, coder async throws in
            await withTaskGroup(of: Int?.self) { group in
                for number in 100..<140 {
                    let key = [(name: "Coder-Session-Token", value: CoderServer.token(number))]
                    group.addTask { try? await server.get(Self.path, key).status }
                }
                for await status in group { #expect(status == 401 || status == 429) }
            }
            #expect(coder.asked(for: "users/me") <= LoginGuard.failuresMax)
        }
    }

    @Test func `whom a second issuer's section lets in has tried nothing wrong`() async throws {
        let issuer = try IssuerServer()
        defer { issuer.stop() }
        var access = AccessList()
        access.issuers = [issuer.signIn { $0.audiences = ["other"] }, issuer.signIn { $0.name = "second" }]
        try await withServer(access: access) { server async throws in
            let key = [(name: "Authorization", value: "Bearer \(try issuer.token())")]
            for _ in 0..<15 { #expect(try await server.get(Self.path, key).status == 200) }
            let wrong = [(name: "Authorization", value: "Bearer \(try issuer.token(["aud": "x"]))")]
            for _ in 0..<10 { #expect(try await server.get(Self.path, wrong).status == 401) }
            #expect(try await server.get(Self.path, wrong).status == 429)
            #expect(try await server.get(Self.path, key).status == 200)
        }
    }

    // MARK: - What is asked of Coder

    /// Says nothing until it is stopped.
    private func silent(_ limits: CoderSignIn.Limits) throws -> (server: HTTPServer, signIn: CoderSignIn) {
        let server = try HTTPServer { _ in .silence }
        let url = server.url
        let signIn = CoderSignIn(.init(name: "coder"), limits: limits, log: { _, _ in }) {
            CoderAPI(url: url, token: nil, http: HTTPSettings(userAgent: "test"), timeout: .seconds(600))
        }
        return (server, signIn)
    }

    /// Two unknown tokens that are being asked for.
    private func two(_ signIn: CoderSignIn) async throws -> [Task<Verdict, Never>] {
        let tasks = (1...2).map { number in
            Task { await signIn.verdict(CoderServer.token(number), mayAsk: true) }
        }
        try await Waiting.until("both are asked for") { signIn.remembered.flights == 2 }
        return tasks
    }

    @Test func `so many unknown tokens are asked for at once, and whoever leaves waits no longer`() async throws {
        var limits = CoderSignIn.Limits()
        limits.flights = 2
        let (server, signIn) = try silent(limits)
        defer { server.stop() }
        let tasks = try await two(signIn)
        #expect(await signIn.verdict(CoderServer.token(3), mayAsk: true) == .tooMany)
        // The same token once more is no further question.
        let again = Task { await signIn.verdict(CoderServer.token(1), mayAsk: false) }
        for task in tasks + [again] {
            task.cancel()
            #expect(await task.value == .unavailable("Nobody waits for it any more."))
        }
        #expect(signIn.remembered.flights == 2)
    }

    @Test func `what is being asked for is never forgotten, and beyond the limit nothing is asked`() async throws {
        var limits = CoderSignIn.Limits()
        limits.kept = 2
        let (server, signIn) = try silent(limits)
        defer { server.stop() }
        let tasks = try await two(signIn)
        #expect(await signIn.verdict(CoderServer.token(3), mayAsk: true) == .tooMany)
        #expect(signIn.remembered == (2, 2))
        for task in tasks { task.cancel() }
        for task in tasks { _ = await task.value }
    }

    @Test(arguments: [2, 3, 4]) func `whom Coder knows is not forgotten for what others make up`(keptMax: Int)
        async throws
    {
        let coder = try CoderServer([CoderServer.token(1): Self.jane, CoderServer.token(2): Self.jane])
        defer { coder.stop() }
        let clock = HandClock()
        var limits = CoderSignIn.Limits()
        limits.kept = keptMax
        let signIn = coder.signIn(.init(name: "coder"), clock, limits)
        for number in 1...2 {
            clock.advance(.seconds(1))
            _ = await signIn.verdict(CoderServer.token(number), mayAsk: true)
        }
        // They were quiet for a while, and somebody else was not.
        for number in 100..<120 {
            clock.advance(.seconds(61))
            _ = await signIn.verdict(CoderServer.token(number), mayAsk: true)
            #expect(signIn.remembered.kept <= keptMax)
        }
        // Nobody who is unknown may be asked for; with room for two, one of them had to make room for the last.
        let known = await signIn.verdict(CoderServer.token(2), mayAsk: false)
        if case .person = known {} else { Issue.record("\(known)") }
        if keptMax > 2 {
            let first = await signIn.verdict(CoderServer.token(1), mayAsk: false)
            if case .person = first {} else { Issue.record("\(first)") }
        }
    }

    @Test func `a client that leaves while Coder is silent is not waited for`() async throws {
        let (server, signIn) = try silent(.init())
        defer { server.stop() }
        var access = AccessList()
        access.coders = [signIn]
        try await withServer(access: access) { api async throws in
            let client = try RawClient(port: api.port)
            let head = "GET \(Self.path) HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            await client.send(head + "Coder-Session-Token: \(CoderServer.token(1))\r\n\r\n")
            try await Waiting.until("Coder is asked") { signIn.remembered.flights == 1 }
            client.leave()
            try await Waiting.until("the request is over") { api.lines.all.contains { $0.contains(": 499") } }
        }
    }

    @Test func `whoever waits for an issuer's answer and is cancelled waits no longer, and it is no trouble`()
        async throws
    {
        let open = Flight<Int>()
        let fetched = Fetched(clock: { .now }) { () async throws(IssuerTrouble) -> Int in await open.value() ?? 0 }
        func get() async -> Result<Int, IssuerTrouble> {
            do throws(IssuerTrouble) { return .success(try await fetched.value { _, _ in true }) } catch {
                return .failure(error)
            }
        }
        let (first, second) = (Task { await get() }, Task { await get() })
        try await Waiting.until("it is fetched") { open.waiters == 1 }
        first.cancel()
        #expect(await first.value == .failure(.abandoned))
        open.land(7)
        #expect(await second.value == .success(7))
        #expect(await get() == .success(7))
    }

    // MARK: - What is asked of an issuer

    @Test func `whoever comes back with made-up codes makes connlog ask the issuer ten times a minute`() async throws {
        let issuer = try IssuerServer()
        defer { issuer.stop() }
        var access = AccessList()
        access.issuers = [issuer.signIn()]
        try await withServer(access: access) { server async throws in
            let browser = SignInBrowser(port: server.port)
            func state() async throws -> Substring {
                let location = try await browser.get("/login/oidc?way=sso").location ?? ""
                return location.firstMatch(of: #/state=([0-9a-f]+)/#)?.1 ?? ""
            }
            for _ in 0..<LoginGuard.failuresMax {
                let end = try await browser.get("/login/oidc/callback?code=x&state=\(try await state())")
                #expect(end.status == 403, "\(end.text)")
            }
            let late = try await state()
            let end = try await browser.get("/login/oidc/callback?code=x&state=\(late)")
            #expect(end.status == 429 && end.text.contains("Too many sign-ins"), "\(end.text)")
            #expect(issuer.asked(for: "/token") == LoginGuard.failuresMax)
        }
    }

    @Test func `a good sign-in counts for nothing, however many there are`() async throws {
        let issuer = try IssuerServer()
        defer { issuer.stop() }
        var access = AccessList()
        access.issuers = [issuer.signIn()]
        try await withServer(access: access) { server async throws in
            for _ in 0..<15 {
                let browser = SignInBrowser(port: server.port)
                let begun = try await browser.get("/login/oidc")
                let end = try await browser.get("/login/oidc/callback?" + issuer.consent(begun.location ?? ""))
                #expect(end.status == 302, "\(end.text)")
            }
        }
    }

    @Test(arguments: [(2, 1), (1, 2)]) func `a limit is kept in a minute and at once`(inMinute: Int, atOnce: Int) {
        var (limit, now) = (AskLimit(inMinute: inMinute, atOnce: atOnce), ContinuousClock.now)
        func begin() -> Bool { limit.begin(now) }
        for _ in 0..<min(inMinute, atOnce) { #expect(begin()) }
        #expect(!begin())
        for _ in 0..<min(inMinute, atOnce) { limit.end(isForgotten: true) }
        for _ in 0..<inMinute {
            #expect(begin())
            limit.end()
        }
        #expect(!begin())
        now += .seconds(59)
        #expect(!begin())
        now += .seconds(1)
        #expect(begin())
    }

    @Test func `a sign-in that the issuer has refused is over`() async throws {
        let issuer = try IssuerServer()
        defer { issuer.stop() }
        var access = AccessList()
        access.issuers = [issuer.signIn()]
        try await withServer(access: access) { server async throws in
            let browser = SignInBrowser(port: server.port)
            let begun = try await browser.get("/login/oidc")
            let cookie = browser.cookies["connlog_signin"] ?? ""
            let good = issuer.consent(begun.location ?? "")
            let state = good.split(separator: "state=").last ?? ""
            #expect(try await browser.get("/login/oidc/callback?error=access_denied&state=\(state)").status == 403)
            browser.put("connlog_signin", cookie)
            let late = try await browser.get("/login/oidc/callback?" + good)
            #expect(late.status == 400 && late.text.contains("not known"), "\(late.text)")
            #expect(issuer.asked(for: "/token") == 0)
        }
    }
}
#endif
