#if Server
import ConnlogCore
import ConnlogStore
import ConnlogTestSupport
import Testing

/// Organization, type and app make a row's class: there may be more of them than SQLite takes conditions (500), variables
/// (32,766) or depth (1,000).
@Suite struct ManyClassesTests {
    private static func event(_ number: Int, of organizations: Int) -> ToldEvent {
        let kinds = [
            ("ssh", "zed"), ("ssh", "some_ide"), ("ssh", "other_ide"), ("tunnel", nil), ("workspace_app", nil),
        ]
        let kind = kinds[number % kinds.count]
        var event = ToldEvent(id: ToldEvent.uuid(number), time: Int64(number))
        event.organization = ToldEvent.uuid(1_000_000 + number % organizations)
        (event.method, event.app) = kind
        event.owner = World.users[number % 4]
        event.user = World.users[number % 3]
        if kind.0 == "ssh" {
            event.connection = event.id
            event.isDisconnect = number % 7 == 0
        }
        return event
    }

    private static let queries = [
        "", "type:ssh", "-type:ssh", "method:tunnel", "app:zed", "-app:zed", "app:some_ide", "-app:some_ide",
        "app:zed,other_ide", "status:ongoing", "-status:ongoing", "status:completed", "user_id:\(World.users[1])",
        "owner_id:\(World.users[2])", "-owner_id:\(World.users[2])", "status:ongoing owner_id:\(World.users[0])",
        "workspace_id:\(ToldEvent.uuid(200)) -type:tunnel", "dev -app:other_ide", "connection_id:\(ToldEvent.uuid(60))",
        "organization:\(ToldEvent.uuid(1_000_007))", "-organization:\(ToldEvent.uuid(1_000_007))",
    ]

    /// Each side of what is gone along class by class, and of what SQLite takes.
    @Test(arguments: [256, 257, 400, 401, 501])
    func `every kind of question is answered as by a plain look at every row`(classes: Int) async throws {
        let folder = StoreFolder()
        let store = try folder.open(partitionRows: Int64(classes + 50))
        // A type in each organization, so that there are as many classes as organizations.
        let events = (0..<classes + 100).map { number in
            var event = Self.event(number % classes, of: classes)
            event.id = ToldEvent.uuid(number)
            if event.connection != nil { event.connection = event.id }
            event.time = Int64(number)
            return event
        }
        try store.apply(events)
        let plain = PlainRows(events)
        for text in Self.queries {
            let query = RowQuery(try FilterQuery(text, dialect: .connlog, now: 0), names: NoNames())
            let expected = plain.matching(query).compactMap(\.first.id)
            let words = Comment(rawValue: "\(classes) classes: \(text)")
            #expect(try await store.rows(query, limit: 10_000).compactMap(\.id) == expected.reversed(), words)
            #expect(try await store.count(query, cap: 0) == expected.count, words)
            let range = Microseconds.earliest ..< .latest
            let stats = try await store.stats(query, range, intervalSeconds: 3600, top: 3)
            #expect(stats.count == expected.count, words)
        }
    }

    @Test func `sixty thousand classes are asked like a few`() async throws {
        let folder = StoreFolder()
        let store = try folder.open(partitionRows: 500_000)
        let count = 60_000
        for start in stride(from: 0, to: count, by: 10_000) {
            try store.apply((start..<start + 10_000).map { Self.event($0, of: count) })
        }
        for text in ["", "-type:ssh", "-app:some_ide", "app:zed,other_ide", "status:ongoing", Self.queries[19]] {
            let query = RowQuery(try FilterQuery(text, dialect: .connlog, now: 0), names: NoNames())
            let found = try await store.count(query, cap: 0)
            let page = try await store.rows(query, limit: 50)
            #expect(page.count == min(50, found), "\(text)")
            #expect(page.map(\.position) == page.map(\.position).sorted(by: >), "\(text)")
            let stats = try await store.stats(query, .earliest ..< .latest, intervalSeconds: 3600, top: 3)
            #expect(stats.count == found, "\(text)")
        }
        let all = RowQuery()
        #expect(try await store.count(all, cap: 0) == count)
        let few = RowQuery([.init(.organizations((0..<40_000).map { ToldEvent.uuid(1_000_000 + $0 * 3) }))])
        #expect(try await store.count(few, cap: 0) == 20_000)
        #expect(try await store.rows(few, limit: 3).first?.organizationID == ToldEvent.uuid(1_059_997))
    }
}
#endif
