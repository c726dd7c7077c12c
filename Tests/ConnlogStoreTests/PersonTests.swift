#if Server
import ConnlogCore
import ConnlogStore
import ConnlogSystem
import ConnlogTestSupport
import Testing

/// Who a connection was: each edge of the rule by itself.
@Suite struct PersonTests {
    private static let alice = ToldEvent.uuid(100)
    private static let bob = ToldEvent.uuid(101)
    private static let window: Int64 = 12 * 3600

    private let folder = StoreFolder()

    private static func tunnel(_ number: Int, _ user: String?, at time: Int64, code: Int = 101) -> ToldEvent {
        var event = ToldEvent(id: ToldEvent.uuid(1000 + number), time: time, type: "tunnel", code: code)
        event.user = user
        return event
    }

    private static func ssh(_ number: Int, at time: Int64, type: String = "ssh") -> ToldEvent {
        ToldEvent(id: ToldEvent.uuid(number), time: time, type: type, connection: ToldEvent.uuid(5000 + number))
    }

    private static func terminal(_ number: Int, _ user: String, at time: Int64, code: Int = 200) -> ToldEvent {
        var event = ToldEvent(id: ToldEvent.uuid(2000 + number), time: time, type: "workspace_app", code: code)
        (event.user, event.slug) = (user, "terminal")
        return event
    }

    /// Of the connection of a number, after events came in this order and in the other one, in one batch and in many.
    private func person(
        _ events: [ToldEvent], _ number: Int = 1, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> Person {
        var people: [Person] = []
        for order in [events, events.reversed()] {
            for isSplit in [false, true] {
                let folder = StoreFolder()
                let store = try folder.open(partitionRows: 2)
                for batch in isSplit ? order.map({ [$0] }) : [order] { try store.apply(batch) }
                let row = try await store.row(id: ToldEvent.uuid(number))
                let person = try #require(row?.person, sourceLocation: sourceLocation)
                people.append(person)
                for user in [Self.alice, Self.bob] {
                    let query = RowQuery([.init(.people([user]))])
                    let found = try await store.rows(query, limit: 100).contains { $0.id == ToldEvent.uuid(number) }
                    #expect(found == (person.id == user), sourceLocation: sourceLocation)
                }
            }
        }
        #expect(people.allSatisfy { $0 == people[0] }, sourceLocation: sourceLocation)
        return people[0]
    }

    private func expect(
        _ events: [ToldEvent], _ user: String?, _ basis: String, candidates: [String] = [],
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let person = try await person(events, sourceLocation: sourceLocation)
        #expect(person.id == user && person.basis.word == basis, sourceLocation: sourceLocation)
        #expect(person.candidates.map { "\($0.id) \($0.row ?? "")" } == candidates, sourceLocation: sourceLocation)
    }

    private static func rests(_ user: String, _ row: Int) -> String { "\(user) \(ToldEvent.uuid(row))" }

    @Test(arguments: ["ssh", "vscode", "jetbrains", "reconnecting_pty"])
    func `an agent's connection is whoever had a tunnel to the same agent before`(type: String) async throws {
        try await expect(
            [Self.tunnel(1, Self.alice, at: 100), Self.ssh(1, at: 105, type: type)], Self.alice, "only_candidate",
            candidates: [Self.rests(Self.alice, 1001)])
    }

    @Test func `a tunnel counts at the start and before it, until the window is over`() async throws {
        for (rest, time) in [(0, 0), (-1, 0), (1, Self.window), (0, Self.window)] as [(Int64, Int64)] {
            var tunnel = Self.tunnel(1, Self.alice, at: 100)
            tunnel.restMicroseconds = rest
            try await expect(
                [tunnel, Self.ssh(1, at: 100 + time)], Self.alice, "only_candidate",
                candidates: [Self.rests(Self.alice, 1001)])
        }
        for (rest, time) in [(1, 0), (-1, Self.window), (0, -1)] as [(Int64, Int64)] {
            var tunnel = Self.tunnel(1, Self.alice, at: 100)
            tunnel.restMicroseconds = rest
            try await expect([tunnel, Self.ssh(1, at: 100 + time)], nil, "none")
        }
    }

    @Test(arguments: [403, 401, 404, 200, 500, 0]) func `a tunnel that was not accepted makes nobody a candidate`(
        code: Int
    ) async throws {
        let refused = Self.tunnel(2, Self.bob, at: 104, code: code)
        try await expect([refused, Self.ssh(1, at: 105)], nil, "none")
        try await expect(
            [Self.tunnel(1, Self.alice, at: 100), refused, Self.ssh(1, at: 105)], Self.alice, "only_candidate",
            candidates: [Self.rests(Self.alice, 1001)])
        var named = refused
        named.clientSession = "0123456789abcdef0123456789abcdef"
        var session = Self.ssh(1, at: 105)
        session.clientSession = named.clientSession
        try await expect([named, session], nil, "none")
    }

    @Test func `of several it was the one who was let in last, and all are named`() async throws {
        try await expect(
            [
                Self.tunnel(1, Self.alice, at: 90), Self.tunnel(2, Self.bob, at: 100),
                Self.tunnel(3, Self.alice, at: 95),
                Self.ssh(1, at: 105), Self.tunnel(4, Self.alice, at: 106),
            ], Self.bob, "nearest_of_2", candidates: [Self.rests(Self.bob, 1002), Self.rests(Self.alice, 1003)])
    }

    @Test func `two who were let in at one moment are both candidates, and neither is named`() async throws {
        try await expect(
            [Self.tunnel(1, Self.alice, at: 100), Self.tunnel(2, Self.bob, at: 100), Self.ssh(1, at: 105)], nil, "none",
            candidates: [Self.rests(Self.alice, 1001), Self.rests(Self.bob, 1002)])
    }

    @Test func `another agent, another workspace and another organization say nothing`() async throws {
        for change in 0..<5 {
            var tunnel = Self.tunnel(1, Self.alice, at: 100)
            switch change {
            case 0: tunnel.agent = "gpu"
            case 1: tunnel.workspace = ToldEvent.uuid(201)
            case 2: tunnel.organization = ToldEvent.uuid(901)
            case 3: tunnel.agent = "Main"
            default: tunnel.agent = ""
            }
            try await expect([tunnel, Self.ssh(1, at: 105)], nil, "none")
        }
        var (tunnel, ssh) = (Self.tunnel(1, Self.alice, at: 100), Self.ssh(1, at: 105))
        (tunnel.agent, ssh.agent) = ("", "")
        try await expect([tunnel, ssh], nil, "none")
    }

    @Test func `a terminal's page counts for terminals alone, when it was shown`() async throws {
        let page = Self.terminal(1, Self.alice, at: 100)
        let pty = Self.ssh(1, at: 101, type: "reconnecting_pty")
        try await expect([page, pty], Self.alice, "only_candidate", candidates: [Self.rests(Self.alice, 2001)])
        try await expect([page, Self.ssh(1, at: 101)], nil, "none")
        for code in [303, 403, 404, 502] {
            try await expect([Self.terminal(1, Self.alice, at: 100, code: code), pty], nil, "none")
        }
        var other = page
        other.slug = "code-server"
        try await expect([other, pty], nil, "none")
        try await expect(
            [page, Self.tunnel(2, Self.bob, at: 100), pty], nil, "none",
            candidates: [Self.rests(Self.alice, 2001), Self.rests(Self.bob, 1002)])
    }

    @Test func `nobody is inferred where the web names nobody, and who is named is recorded`() async throws {
        var app = ToldEvent(id: ToldEvent.uuid(1), time: 105, type: "workspace_app", code: 200)
        try await expect([Self.tunnel(1, Self.alice, at: 100), app], nil, "none")
        app.user = Self.bob
        try await expect([Self.tunnel(1, Self.alice, at: 100), app], Self.bob, "recorded")
        app.code = 403
        try await expect([Self.tunnel(1, Self.alice, at: 100), app], Self.bob, "recorded")
        app.user = "00000000-0000-0000-0000-000000000000"
        try await expect([app], nil, "none")
    }

    @Test func `a client session that a row of one user has is that user's, over workspaces, before and after`()
        async throws
    {
        let id = "0123456789abcdef0123456789abcdef"
        var session = Self.ssh(1, at: 105)
        session.clientSession = id
        for time in [100, 100_000] as [Int64] {
            var named = Self.tunnel(1, Self.alice, at: time)
            (named.clientSession, named.workspace) = (id, ToldEvent.uuid(201))
            // Whatever tunnels say.
            try await expect(
                [named, Self.tunnel(2, Self.bob, at: 104), session], Self.alice, "session",
                candidates: [Self.rests(Self.alice, 1001)])
            // Two users prove nothing.
            var second = Self.tunnel(3, Self.bob, at: 50)
            (second.clientSession, second.workspace) = (id, ToldEvent.uuid(202))
            try await expect([named, second, session], nil, "none")
            named.organization = ToldEvent.uuid(901)
            try await expect([named, session], nil, "none")
        }
        var nobody = Self.tunnel(1, Self.alice, at: 100)
        (nobody.clientSession, nobody.workspace) = (String(repeating: "0", count: 32), ToldEvent.uuid(201))
        session.clientSession = nobody.clientSession
        try await expect([nobody, session], nil, "none")
    }

    @Test func `a client session that very many rows name proves nothing`() async throws {
        let id = "0123456789abcdef0123456789abcdef"
        var session = Self.ssh(1, at: 105)
        session.clientSession = id
        let named = (0..<1001).map { number in
            var event = Self.tunnel(number, Self.alice, at: 200 + Int64(number))
            event.clientSession = id
            return event
        }
        let store = try folder.open(partitionRows: 300)
        try store.apply([session] + named.dropLast())
        #expect(try await store.row(id: ToldEvent.uuid(1))?.person?.basis == .session)
        try store.apply(named.suffix(1))
        let person = try #require(try await store.row(id: ToldEvent.uuid(1))?.person)
        #expect(person.id == nil && person.basis == .none && person.candidates.isEmpty)
        #expect(try await store.rows(RowQuery([.init(.people([Self.alice]))]), limit: 2000).count == 1001)
    }

    @Test func `where only an end was seen, whoever was let in before that is named`() async throws {
        var end = Self.ssh(1, at: 105)
        end.isDisconnect = true
        try await expect(
            [Self.tunnel(1, Self.alice, at: 100), end], Self.alice, "only_candidate",
            candidates: [Self.rests(Self.alice, 1001)])
    }

    @Test func `a start that comes later than the end, and tunnels that come later than both, change who it was`()
        async throws
    {
        let store = try folder.open(partitionRows: 2)
        var end = Self.ssh(1, at: 1000)
        end.isDisconnect = true
        func who() async throws -> String? { try await store.row(id: ToldEvent.uuid(1))?.person?.id }
        try store.apply([end])
        #expect(try await who() == nil)
        try store.apply([Self.tunnel(1, Self.alice, at: 900)])
        #expect(try await who() == Self.alice)
        try store.apply([Self.ssh(1, at: 500)])
        #expect(try await who() == nil)
        try store.apply([Self.tunnel(2, Self.bob, at: 400)])
        #expect(try await who() == Self.bob)
        #expect(try await store.count(RowQuery([.init(.people([Self.bob]))]), cap: 0) == 2)
        #expect(try await store.count(RowQuery([.init(.people([Self.alice]))]), cap: 0) == 1)
    }

    @Test func `very many candidates are counted, and the nearest are named`() async throws {
        for count in [19, 20, 21, 60] {
            let store = try StoreFolder().open(partitionRows: 16)
            let tunnels = (0..<count).map { Self.tunnel($0, ToldEvent.uuid(300 + $0), at: Int64($0)) }
            try store.apply(tunnels + [Self.ssh(1, at: 1000)])
            let person = try #require(try await store.row(id: ToldEvent.uuid(1))?.person)
            #expect(person.basis == .nearest(of: count) && person.candidates.count == min(count, Person.candidatesMax))
            #expect(person.id == ToldEvent.uuid(300 + count - 1) && person.candidates[0].id == person.id)
        }
    }

    @Test func `nothing inferred is in what an event says`() async throws {
        let store = try folder.open()
        let events = [Self.tunnel(1, Self.alice, at: 100), Self.ssh(1, at: 105)]
        try store.apply(events)
        let row = try #require(try await store.row(id: ToldEvent.uuid(1)))
        #expect(row.person?.id == Self.alice && row.userID == nil)
        #expect(try await store.events(of: row).map { String(decoding: $0.line, as: UTF8.self) } == [events[1].line])
        #expect(try await store.count(RowQuery([.init(.users([Self.alice]))]), cap: 0) == 1)
    }

    @Test
    func `a name means the users of today, an address or an id as well, and one who was deleted where nobody else is`()
        throws
    {
        struct Some: Names {
            let users = [
                UserName(id: PersonTests.alice, username: "alice", email: "a@x.org"),
                UserName(id: PersonTests.bob, username: "alice", email: "b@x.org", isDeleted: true),
                UserName(id: ToldEvent.uuid(102), username: "carol", email: "c@x.org", isDeleted: true),
            ]
            let organizations: [OrganizationName] = []
            func user(_ id: String) -> UserName? { users.first { $0.id == id } }
            func organization(_ id: String) -> OrganizationName? { nil }
            func userIDs(named name: String, evenDeleted: Bool) -> [String] {
                users.filter { $0.username == name && (evenDeleted || !$0.isDeleted) }.map(\.id)
            }
            func userIDs(withEmail email: String, evenDeleted: Bool) -> [String] {
                users.filter { $0.email == email && (evenDeleted || !$0.isDeleted) }.map(\.id)
            }
            func organizationIDs(named name: String) -> [String] { [] }
        }
        for (text, expected) in [
            ("alice", [Self.alice]), ("b@x.org", [Self.bob]), ("carol", [ToldEvent.uuid(102)]), ("dora", []),
            (Self.bob.uppercased(), [Self.bob]), ("me", [Self.bob]), ("00000000-0000-0000-0000-000000000000", []),
        ] {
            let filter = try FilterQuery("person:\(text)", dialect: .connlog, now: 0)
            let query = RowQuery(filter, names: Some(), caller: Self.bob)
            guard case .people(let ids)? = query.terms.first?.condition else {
                Issue.record("\(text)")
                continue
            }
            #expect(ids == expected, Comment(rawValue: text))
            #expect(QueryFilter.undecidable(filter).count == 1)
        }
        #expect(throws: FilterErrors.self) { try FilterQuery("person:alice", dialect: .coder, now: 0) }
    }
}
#endif
