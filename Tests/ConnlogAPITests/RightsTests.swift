#if Server
import ConnlogAPI
import ConnlogCore
import ConnlogStore
import ConnlogTestSupport
import Synchronization
import Testing

/// Every route, for every role, for all organizations and for one.
@Suite struct RightsTests {
    private static let tokens = Dictionary(
        uniqueKeysWithValues: Role.allCases.flatMap { role in [true, false].map { ("\(role) \($0)", TokenText.make()) }
        })
    private static let own = ToldEvent.uuid(901)
    private static let other = ToldEvent.uuid(900)

    private static func access() throws -> AccessList {
        AccessList(
            try Role.allCases.flatMap { role in
                try [true, false].map { isLimited in
                    try #require(
                        AccessList.Entry(
                            name: "\(role) \(isLimited)", role: role,
                            tokenHashes: [tokens["\(role) \(isLimited)"]?.hash ?? ""],
                            organizations: isLimited ? [own] : []))
                }
            })
    }

    private static func key(_ role: Role, limited: Bool) -> (name: String, value: String) {
        ("Coder-Session-Token", tokens["\(role) \(limited)"]?.token ?? "")
    }

    private static let people = ListedNames(
        users: [
            UserName(id: ToldEvent.uuid(100), username: "alice", email: "alice@secret-a.example"),
            UserName(id: ToldEvent.uuid(101), username: "bob", email: "bob@secret-b.example"),
            UserName(id: ToldEvent.uuid(102), username: "carol", email: "carol@secret-b.example"),
        ],
        organizations: [
            OrganizationName(id: own, name: "orga"), OrganizationName(id: other, name: "orgb", displayName: "B SECRET"),
        ])

    /// One connection of each organization, and an event of the other one that belongs to the first's connection.
    private static var events: [ToldEvent] {
        var mine = ToldEvent(id: ToldEvent.uuid(1), time: 10, connection: ToldEvent.uuid(50))
        mine.organization = own
        var theirs = ToldEvent(id: ToldEvent.uuid(2), time: 20, type: "tunnel", code: 101)
        (theirs.organization, theirs.owner, theirs.user, theirs.workspaceName, theirs.ip) =
            (other, ToldEvent.uuid(101), ToldEvent.uuid(102), "SECRETB", "198.51.100.7")
        return [mine, theirs]
    }

    private static let secrets = [
        "bob", "carol", "secret-b", "orgb", "B SECRET", "SECRETB", "198.51.100", ToldEvent.uuid(101),
        ToldEvent.uuid(102),
        other,
    ]

    private enum Need { case anyone, read, watch, write, watchAll }

    private static let routes: [(path: String, need: Need)] = [
        ("/", .anyone), ("/page/app.js", .anyone), ("/healthz", .anyone), ("/readyz", .anyone),
        ("/openapi.json", .anyone),
        ("/api/v2/buildinfo", .anyone), ("/api/v2/users/me", .anyone), ("/api/v2/organizations", .read),
        ("/api/v2/connectionlog", .read), ("/api/v2/connectionlog?connlog=true&q=-type:ssh", .read),
        ("/api/v2/connectionlog?q=organization:orgb", .read),
        ("/api/v2/connectionlog/export", .read), ("/api/v2/connectionlog/export?format=csv", .read),
        ("/api/v2/connectionlog/export?format=text", .read),
        ("/api/v2/connectionlog/stats?from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z", .read),
        (
            "/api/v2/connectionlog/stats?from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z&facets="
                + Facet.allCases.map(\.rawValue).joined(separator: ","), .read
        ),
        ("/api/v2/connectionlog/stats?q=during:2026-01-01&facets=ip,person,organization,workspace,owner", .read),
        ("/api/v2/connectionlog/people?from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z", .read),
        ("/api/v2/connectionlog?connlog=true&q=username:b*", .read),
        ("/api/v2/connectionlog?connlog=true&q=new:ip%20connected_after:2025-01-01", .read),
        ("/api/v2/connectionlog?connlog=true&q=workspace:SECRET", .read),
        ("/api/v2/connectionlog?connlog=true&q=connected_after:2026-01-01T00:00:15Z", .read),
        ("/api/v2/connectionlog/names", .read), ("/api/v2/connectionlog/\(ToldEvent.uuid(1))", .read),
        ("/api/v2/connectionlog/status", .watch), ("/api/v2/connectionlog/status?format=text", .watch),
        ("/metrics", .watchAll), ("/api/v2/connectionlog/ingest", .write),
    ]

    private static func may(_ role: Role, limited: Bool, _ need: Need) -> Bool {
        switch need {
        case .anyone: true
        case .read: role == .auditor || role == .admin
        case .watch: role != .ingest
        case .watchAll: role != .ingest && !limited
        case .write: role == .ingest || role == .admin
        }
    }

    @Test(arguments: Role.allCases, [true, false])
    func `a role may do what it is for, and sees nothing of other organizations`(role: Role, limited: Bool) async throws
    {
        let intake = LimitedIntake()
        try await withServer(Self.events, access: try Self.access(), names: Self.people, intake: intake) {
            server async throws in
            server.state.update { parts in
                parts.overview = {
                    var overview = Overview()
                    overview.version = "1"
                    var sink = Overview.SinkPart()
                    (sink.name, sink.state, sink.lastError) = ("siem", "working", "198.51.100.9 refused SECRETB")
                    overview.sinks = [sink]
                    return overview
                }
            }
            let key = [Self.key(role, limited: limited)]
            for (path, need) in Self.routes {
                let reply =
                    need == .write ? try await server.post(path, [], key) : try await server.get(path, key)
                let expected = Self.may(role, limited: limited, need) ? 200 : 403
                #expect(reply.status == expected, "\(path): \(reply.status)")
                guard limited, need != .anyone || path.contains("/users/") else { continue }
                let told = Self.secrets.filter { reply.text.contains($0) }
                #expect(told.isEmpty, "\(path) tells \(told)")
            }
            let theirs = try await server.get("/api/v2/connectionlog/\(ToldEvent.uuid(2))", key)
            #expect(theirs.status == (!role.mayRead ? 403 : limited ? 404 : 200))
            let me = try await server.get("/api/v2/users/me", key)
            let ids = me.json["organization_ids"] as? [String]
            #expect(ids == (!role.mayRead ? [] : limited ? [Self.own] : [Self.own, Self.other]))
        }
        #expect(intake.asked == (role.mayWrite ? [limited ? [Self.own] : nil] : []))
    }

    @Test(arguments: Role.allCases, [true, false])
    func `a role that may read may watch, and is told nothing of other organizations`(
        role: Role, limited: Bool
    ) async throws {
        try await withServer(Self.events, access: try Self.access(), names: Self.people) { server async throws in
            let (key, path) = (Self.key(role, limited: limited), "/api/v2/connectionlog/watch?last_event_id=0")
            guard role.mayRead else {
                for path in [path, path + "&format=text"] {
                    #expect(try await server.get(path, [key]).status == 403)
                }
                return
            }
            for path in [path, path + "&format=text"] {
                let seen = Mutex("")
                let store = server.store
                await server.stream(path, [key]) { text in
                    seen.withLock { $0 = text }
                    // The last one is the watcher's own and comes after all others.
                    guard text.contains("event: connection"), !text.contains("LAST") else {
                        return text.contains("LAST")
                    }
                    var last = ToldEvent(id: ToldEvent.uuid(3), time: 30, connection: ToldEvent.uuid(51))
                    (last.organization, last.workspaceName) = (Self.own, "LAST")
                    _ = try? store.apply(ToldEvent.batch([last]), at: nil, arrival: 0)
                    return false
                }
                let told = Self.secrets.filter { secret in seen.withLock { $0.contains(secret) } }
                #expect(limited ? told.isEmpty : told.contains("SECRETB"), "\(path) tells \(told)")
            }
        }
    }

    @Test func `names are of those who occur in one's rows, and addresses are for admins`() async throws {
        try await withServer(Self.events, access: try Self.access(), names: Self.people) { server async throws in
            func names(_ role: Role, limited: Bool) async throws -> (users: [String], hasAddresses: Bool) {
                let reply = try await server.get("/api/v2/connectionlog/names", [Self.key(role, limited: limited)])
                let users = reply.json["users"] as? [[String: Any]] ?? []
                return (users.compactMap { $0["username"] as? String }, users.contains { $0["email"] != nil })
            }
            #expect(try await names(.auditor, limited: true) == (["alice"], false))
            #expect(try await names(.auditor, limited: false) == (["alice", "bob", "carol"], false))
            #expect(try await names(.admin, limited: true) == (["alice"], false))
            #expect(try await names(.admin, limited: false) == (["alice", "bob", "carol"], true))
        }
    }

    @Test(arguments: [99, 100, 101], [true, false])
    func `a hundred conditions of one's own may be asked, whatever one may see`(count: Int, limited: Bool) async throws
    {
        try await withServer(Self.events, access: try Self.access(), names: Self.people) { server async throws in
            let query = TestServer.escaped(Array(repeating: "-agent:x", count: count).joined(separator: " "))
            for path in ["?connlog=true&q=", "/export?q=", "/stats?q="] {
                let key = Self.key(.auditor, limited: limited)
                let reply = try await server.get("/api/v2/connectionlog\(path)\(query)", [key])
                #expect(reply.status == (count > 100 ? 400 : 200), "\(path)")
                let detail = reply.validations.first?["detail"]
                #expect(detail == (count > 100 ? "At most 100 words and values." : nil), "\(path)")
                if count <= 100, path.hasPrefix("?") { #expect(reply.json["count"] as? Int == (limited ? 1 : 2)) }
            }
        }
    }

    @Test func `nobody is let in without a token where one is needed`() async throws {
        try await withServer(access: try Self.access(), intake: NoIntake()) { server async throws in
            for (path, need) in Self.routes where need != .anyone {
                let reply = need == .write ? try await server.post(path, []) : try await server.get(path)
                #expect(reply.status == 401, "\(path)")
            }
            #expect(try await server.get("/api/v2/connectionlog/watch").status == 401)
            #expect(try await server.get("/api/v2/users/me").status == 401)
        }
    }
}

/// Remembers what it was limited to.
final class LimitedIntake: EventIntake {
    private let all = Mutex<[[String]?]>([])
    var asked: [[String]?] { all.withLock { $0 } }
    func begin() throws(IntakeError) -> any IntakeSession {
        all.withLock { $0.append(nil) }
        return NoIntake.Session()
    }
    func begin(organizations: [String]) throws(IntakeError) -> any IntakeSession {
        all.withLock { $0.append(organizations) }
        return NoIntake.Session()
    }
}
#endif
