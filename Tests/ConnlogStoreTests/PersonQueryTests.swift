#if Server
import ConnlogCore
import ConnlogSystem
import ConnlogTestSupport
import Testing

@testable import ConnlogStore

/// Asking for people: by several names, in facets, and as the writer has told whose a row is.
@Suite struct PersonQueryTests {
    private static let seeds = Array(0..<6) + TestSeeds.more
    private static let alice = ToldEvent.uuid(100)
    private static let bob = ToldEvent.uuid(101)
    private static let hour: Int64 = 3600

    private let folder = StoreFolder()

    private static func tunnel(_ number: Int, _ user: String, at time: Int64) -> ToldEvent {
        var event = ToldEvent(id: ToldEvent.uuid(1000 + number), time: time, type: "tunnel", code: 101)
        event.user = user
        return event
    }

    private static func ssh(_ number: Int, at time: Int64) -> ToldEvent {
        ToldEvent(id: ToldEvent.uuid(number), time: time, connection: ToldEvent.uuid(5000 + number))
    }

    private static func query(_ text: String) throws -> RowQuery {
        RowQuery(try FilterQuery(text, dialect: .connlog, now: 0), names: World.names, caller: World.users[1])
    }

    @Test func `one person by several names is asked for once, and each row comes once`() async throws {
        let store = try folder.open(partitionRows: 4)
        let user = World.users[1]
        var web = ToldEvent(id: ToldEvent.uuid(7), time: 3, type: "workspace_app", code: 200)
        (web.user, web.owner) = (user, user)
        try store.apply([Self.tunnel(1, user, at: 1), Self.ssh(1, at: 2), web, Self.ssh(2, at: 5)])
        for key in ["person", "username", "workspace_owner", "user_id"] {
            let names = key == "user_id" ? "\(user),\(user)" : "u1,u1,me,\(key == "person" ? "u1@x.org,\(user)" : "u1")"
            let query = try Self.query("\(key):\(names)")
            let expected = ["person": 4, "username": 2, "user_id": 2, "workspace_owner": 1][key] ?? 0
            let words = Comment(rawValue: "\(key):\(names)")
            #expect(try await store.rows(query, limit: 100).count == expected, words)
            #expect(try await store.count(query, cap: 0) == expected, words)
            let stats = try await store.stats(query, Microseconds.earliest ..< .latest, intervalSeconds: 60, top: 9)
            #expect(stats.count == expected && stats.types.values.reduce(0, +) == expected, words)
        }
        let people = try await store.people(try Self.query("person:u1,me,\(user)"), in: nil)
        #expect(people.people.map(\.connections) == [4] && people.without == 0)
    }

    @Test func `a pattern means whoever has such a name, or such an address where nobody has`() throws {
        func ids(_ text: String) throws -> [String] {
            guard case .people(let ids)? = try Self.query(text).terms.first?.condition else { return ["none"] }
            return ids
        }
        #expect(try ids("person:u*") == World.users)
        #expect(try ids("person:*1") == [World.users[1]])
        #expect(try ids("person:*2@x.org") == [World.users[2]])
        #expect(try ids("person:zz*").isEmpty && ids("person:\"u*\"").isEmpty)
        #expect(try ids("person:zz*,*1") == [World.users[1]])
    }

    @Test(arguments: seeds)
    func `what a facet counts of a value is what its filter gives, and so it is with people`(seed: UInt64) async throws
    {
        var random = SeededGenerator(seed)
        let store = try folder.open(partitionRows: [5, 40, 1000].randomElement(using: &random) ?? 5)
        var events = PeopleWorld.events(200, &random)
        for index in events.indices {
            events[index].ip =
                ["10.0.0.1", "::ffff:10.0.0.1", "fd7a::1", "FD7A::1", "fd7a:0::1", "none", nil]
                .randomElement(using: &random) ?? nil
        }
        try store.apply(events)
        for begin in [Microseconds.earliest, Microseconds(events[events.count / 2].microseconds)] {
            let question = StatsQuestion(
                range: begin ..< .latest, buckets: [begin], facets: Set(Facet.allCases), limit: 1000)
            for limits in [nil, [World.organizations[1]]] {
                func query(_ text: String) throws -> RowQuery {
                    let filter = try FilterQuery(text, dialect: .connlog, now: 0)
                    return RowQuery(filter, names: World.names, organizations: limits)
                        .with([.init(.row(.connectedAfter(begin.nanoseconds)))])
                }
                let words = Comment(rawValue: "seed \(seed), since \(begin.text)")
                let stats = try await store.stats(try query(""), question)
                #expect(limits != nil || stats.facets[.person]?.values.isEmpty == false, words)
                for (facet, key) in [
                    (Facet.person, "person"), (.user, "user_id"), (.owner, "owner_id"), (.workspace, "workspace_id"),
                    (.organization, "organization"), (.type, "type"), (.ip, "ip"),
                ] {
                    let found = try #require(stats.facets[facet])
                    #expect(found.without + found.values.reduce(0) { $0 + $1.count } == stats.count, words)
                    for value in found.values where value.value != "none" {
                        let count = try await store.count(try query("\(key):\(value.value)"), cap: 0)
                        #expect(value.count == count, "\(words) \(key):\(value.value)")
                    }
                }
                let people = try await store.people(try query(""), in: begin ..< .latest)
                let counts = { (pairs: [(String, Int)]) in Dictionary(pairs, uniquingKeysWith: +) }
                let values = stats.facets[.person]?.values ?? []
                #expect(
                    counts(people.people.map { ($0.id, $0.connections) })
                        == counts(values.map { ($0.value, $0.count) }),
                    words)
                #expect(people.without == stats.facets[.person]?.without, words)
            }
        }
    }

    @Test func `who was let in before what the writer remembers does not hide who was let in later`() async throws {
        try folder.open().apply([Self.tunnel(1, Self.bob, at: 100 * Self.hour)])
        // Begun anew, the writer learns of the place by a connection long after bob: what it remembers begins later than he.
        let store = try folder.open()
        try store.apply([Self.ssh(1, at: 114 * Self.hour)])
        // Told late: alice, who came before bob, and a connection after bob.
        try store.apply([Self.tunnel(2, Self.alice, at: 95 * Self.hour)])
        try store.apply([Self.ssh(2, at: 101 * Self.hour)])
        #expect(try await store.row(id: ToldEvent.uuid(2))?.person?.id == Self.bob)
        for (user, count) in [(Self.bob, 2), (Self.alice, 1)] {
            #expect(try await store.count(RowQuery([.init(.people([user]))]), cap: 0) == count)
        }
    }

    // MARK: - What is cut

    @Test(arguments: [(4, false), (5, false), (6, true), (9, true)])
    func `when more came in than are looked at, whoever is named is not said to be the only one`(
        count: Int, isCut: Bool
    ) async throws {
        for isAlone in [true, false] {
            let store = try StoreFolder().open(partitionRows: 100)
            let tunnels = (0..<count).map { number in
                Self.tunnel(number, isAlone || number > 0 ? Self.alice : Self.bob, at: Int64(number))
            }
            try store.apply(tunnels + [Self.ssh(1, at: 1000)])
            let row = try #require(try await store.row(id: ToldEvent.uuid(1)))
            #expect(row.person?.isCut == false)
            let person = try await store.read { reader in
                var search = reader.people
                search.accessesMax = 5
                return try search.person(of: row)
            }
            #expect(person.id == Self.alice && person.isCut == isCut)
            let bobIsSeen = !isAlone && !isCut
            #expect(person.candidates.count == (bobIsSeen ? 2 : 1))
            #expect(
                person.basis
                    == (bobIsSeen ? .nearest(of: 2) : isCut ? .nearest(of: 1) : .onlyCandidate))
        }
    }

    @Test(arguments: [
        (2, 9, 9), (3, 9, 9), (4, 9, 9), (9, 5, 9), (9, 6, 9), (9, 7, 9), (9, 9, 5), (9, 9, 6), (9, 9, 7),
    ])
    func `people, workspaces and addresses beyond what is kept are left out, and the answer says that it is not exact`(
        peopleMax: Int, workspacesMax: Int, addressesMax: Int
    ) async throws {
        // Three people with two workspaces and two addresses each.
        let store = try folder.open(partitionRows: 5)
        try store.apply(
            (0..<12).map { number in
                var event = Self.tunnel(number, World.users[number % 3], at: Int64(number))
                event.workspace = World.workspaces[number / 3 % 2]
                event.ip = "10.0.0.\(number / 6 % 2)"
                return event
            })
        let people = try await store.read { reader in
            var tally = PeopleTally(peopleMax: peopleMax, workspacesMax: workspacesMax, addressesMax: addressesMax)
            for plan in try reader.plans(RowQuery()) { try tally.add(plan, reader.database) }
            return tally.people
        }
        #expect(people.isExact == (peopleMax >= 3 && workspacesMax >= 6 && addressesMax >= 6))
        #expect(people.people.count == min(3, peopleMax))
        #expect(people.people.reduce(0) { $0 + $1.workspaces } == min(6, workspacesMax, 2 * peopleMax))
        #expect(people.people.reduce(0) { $0 + $1.addresses } == min(6, addressesMax, 2 * peopleMax))
        #expect(people.people.allSatisfy { $0.connections == 4 })
    }
}
#endif
