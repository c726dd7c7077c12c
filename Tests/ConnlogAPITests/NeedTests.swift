#if Server
import ConnlogCore
import ConnlogTestSupport
import Testing

@testable import ConnlogAPI

/// Every route, for everybody there may be: what the table of needs says is what whoever asks gets.
@Suite struct NeedTests {
    private static let own = ToldEvent.uuid(901)

    /// Who there may be: a role, for all organizations or one, by a token or by the page's cookie; or nobody.
    private struct Asker: CustomStringConvertible {
        let role: Role
        let isLimited: Bool
        let isByCookie: Bool
        var description: String { "\(role)\(isLimited ? " of one" : "")\(isByCookie ? " by cookie" : "")" }
    }

    private static let askers: [Asker] = Role.allCases.flatMap { role in
        [false, true].flatMap { isLimited in
            // Only whoever may read can log in.
            (role.mayRead ? [false, true] : [false]).map { Asker(role: role, isLimited: isLimited, isByCookie: $0) }
        }
    }

    /// By hand, and not by the program's own table.
    private static func mayGo(_ asker: Asker, _ route: Route) -> Bool {
        switch route {
        case .page, .file, .login, .logout, .ways, .signIn, .signedIn, .health, .ready, .openAPI, .buildInfo, .me: true
        case .audit: asker.role == .admin && !asker.isLimited
        case .organizations, .list, .export, .stats, .people, .watch, .names, .details, .views, .view:
            asker.role == .auditor || asker.role == .admin
        case .status: asker.role != .ingest
        case .metrics: asker.role != .ingest && !asker.isLimited
        case .ingest: (asker.role == .ingest || asker.role == .admin) && !asker.isByCookie
        }
    }

    private static let open: Set<Route> = [
        .page, .file, .login, .logout, .ways, .signIn, .signedIn, .health, .ready, .openAPI, .buildInfo,
    ]

    private static func path(_ route: Route) -> String {
        switch route {
        case .file: "/page/app.js"
        case .details: "/api/v2/connectionlog/\(ToldEvent.uuid(1))"
        case .view: "/api/v2/connectionlog/views/open-now"
        default: route.rawValue
        }
    }

    /// What a route answers when it is let in; `/login` gets no token here, and there is no issuer to sign in by.
    private static func good(_ route: Route) -> Int {
        [.login, .signedIn].contains(route) ? 400 : route == .signIn ? 404 : 200
    }

    private static var events: [ToldEvent] {
        var event = ToldEvent(id: ToldEvent.uuid(1), time: 10, connection: ToldEvent.uuid(50))
        event.organization = own
        return [event]
    }

    /// The status of an answer, which need not have an end.
    private static func status(
        _ route: Route, _ server: TestServer, _ headers: [String] = [], method: String? = nil
    ) async throws -> Int {
        let client = try RawClient(port: server.port)
        let method = method ?? "\(route.methods[0])"
        let all = ["\(method) \(path(route)) HTTP/1.1", "Host: 127.0.0.1", "Content-Length: 0"] + headers
        await client.send(all.joined(separator: "\r\n") + "\r\n\r\n")
        let reply = await client.read { $0.contains("\r\n\r\n") }
        return Int(reply.split(separator: " ").dropFirst().first ?? "") ?? 0
    }

    @Test func `every route is for whom it is for, by token and by cookie`() async throws {
        let tokens = Dictionary(uniqueKeysWithValues: Self.askers.map { ("\($0)", TokenText.make()) })
        let entries = try Self.askers.map { asker in
            try #require(
                AccessList.Entry(
                    name: "\(asker)", role: asker.role, tokenHashes: [tokens["\(asker)"]?.hash ?? ""],
                    organizations: asker.isLimited ? [Self.own] : []))
        }
        try await withServer(Self.events, access: AccessList(entries), intake: LimitedIntake()) { server async throws in
            for asker in Self.askers {
                let token = tokens["\(asker)"]?.token ?? ""
                for route in Route.allCases {
                    var header = "Coder-Session-Token: \(token)"
                    if asker.isByCookie {
                        // Anew for each: one of the routes ends it.
                        let login = try await server.post("/login", Array(#"{"token":"\#(token)"}"#.utf8))
                        header = "Cookie: \(login.cookies.first?.prefix { $0 != ";" } ?? "")"
                    }
                    let wanted = Self.mayGo(asker, route) ? Self.good(route) : 403
                    let status = try await Self.status(route, server, [header])
                    #expect(status == wanted, "\(route), \(asker)")
                }
            }
        }
    }

    @Test func `nobody gets what is for somebody, and a wrong method tells nothing of it`() async throws {
        let entry = try #require(AccessList.Entry(name: "x", role: .admin, tokenHashes: [TokenText.make().hash]))
        try await withServer(Self.events, access: AccessList([entry]), intake: LimitedIntake()) { server async throws in
            for route in Route.allCases {
                let isOpen = Self.open.contains(route)
                #expect(try await Self.status(route, server) == (isOpen ? Self.good(route) : 401), "\(route)")
                #expect(try await Self.status(route, server, method: "PATCH") == 405, "\(route)")
            }
        }
    }

    @Test func `from a page of another site only what is the same for everybody is answered`() async throws {
        let (token, hash) = TokenText.make()
        let entry = try #require(AccessList.Entry(name: "x", role: .admin, tokenHashes: [hash]))
        let headers = ["Coder-Session-Token: \(token)", "Origin: https://evil.example"]
        try await withServer(Self.events, access: AccessList([entry]), intake: LimitedIntake()) { server async throws in
            for route in Route.allCases {
                let isSame = Self.open.subtracting([.login, .logout, .signIn]).contains(route)
                #expect(try await Self.status(route, server, headers) == (isSame ? Self.good(route) : 403), "\(route)")
            }
        }
    }

    @Test func `where all is closed there is a sign of life, and where it is open, no more for others`() async throws {
        try await withServer(Self.events, access: AccessList(), intake: LimitedIntake()) { server async throws in
            for route in Route.allCases {
                let wanted = [.health, .ready].contains(route) ? 200 : 403
                #expect(try await Self.status(route, server) == wanted, "\(route)")
            }
        }
        try await withServer(Self.events, intake: LimitedIntake()) { server async throws in
            for route in Route.allCases {
                let json = "Content-Type: application/jsonl"
                #expect(try await Self.status(route, server, [json]) == Self.good(route), "\(route)")
                let others = try await Self.status(route, server, [json, "X-Forwarded-For: 203.0.113.7"])
                #expect(others == (route == .health ? 200 : 403), "\(route)")
            }
            // What a form can send is a page's of another site, which says nothing of itself.
            #expect(try await Self.status(.ingest, server) == 415)
        }
    }

    @Test func `what needs nobody is not asked for a caller, and all else refuses somebody`() throws {
        for need in Need.allCases {
            let refused = try Self.askers.filter { asker in
                let entry = try #require(
                    AccessList.Entry(
                        name: "x", role: asker.role, tokenHashes: [],
                        organizations: asker.isLimited ? [Self.own] : []))
                let caller = Caller(
                    entry, by: .token([]),
                    asker.isByCookie ? .session("x") : .grant(.token([]), isFromBrowser: false), NoNames())
                return need.refusal(caller) != nil
            }
            #expect(refused.isEmpty == (need.isNobody || need == .holder), "\(need)")
        }
        #expect(Need.allCases.allSatisfy { need in Route.allCases.contains { $0.needs == need } })
    }
}
#endif
