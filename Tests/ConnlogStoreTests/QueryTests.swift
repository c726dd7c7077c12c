#if Server
import ConnlogCore
import ConnlogStore
import ConnlogSystem
import ConnlogTestSupport
import Testing

/// Questions to the store give what a plain look at every row gives.
@Suite struct QueryTests {
    private static let seeds = Array(0..<12) + TestSeeds.more

    @Test(arguments: seeds)
    func `pages and counts of random queries over random histories agree with a plain look at every row`(seed: UInt64)
        async throws
    {
        var random = SeededGenerator(seed)
        let events = World.events(300, &random)
        let plain = PlainRows(events)
        let folder = StoreFolder()
        let store = try folder.open(partitionRows: [5, 40, 1000].randomElement(using: &random) ?? 5)
        var rest = events[...]
        while !rest.isEmpty {
            let count = min(rest.count, Int.random(in: 1...40, using: &random))
            try store.apply(rest.prefix(count))
            rest = rest.dropFirst(count)
        }
        for _ in 0..<60 {
            let text = World.query(&random)
            let query = RowQuery(
                try FilterQuery(text, dialect: .connlog, now: 0), names: World.names, caller: World.users[0])
            let expected = plain.matching(query)
            let found = try await store.rows(query, limit: 1000)
            let words = Comment(rawValue: "seed \(seed): \(text)")
            #expect(found.compactMap(\.id).sorted() == expected.compactMap(\.first.id).sorted(), words)
            #expect(found.map(\.position) == found.map(\.position).sorted(by: >), words)
            #expect(try await store.count(query, cap: 0) == expected.count, words)
            #expect(try await store.count(query, cap: 3) == min(expected.count, 4), words)
            try await expectPages(store, query, found, &random, words)
        }
    }

    /// The same list, page by page: by offset, and by the place of the last row.
    private func expectPages(
        _ store: ConnectionStore, _ query: RowQuery, _ all: [ConnectionRow], _ random: inout SeededGenerator,
        _ words: Comment
    ) async throws {
        let size = Int.random(in: 1...50, using: &random)
        let offset = Int.random(in: 0...(all.count + 1), using: &random)
        let page = try await store.rows(query, offset: offset, limit: size)
        #expect(page == Array(all.dropFirst(offset).prefix(size)), words)
        var (walked, after): ([ConnectionRow], RowPosition?) = ([], nil)
        while true {
            let page = try await store.rows(query, after: after, limit: size)
            walked += page
            guard let last = page.last else { break }
            after = RowPosition(last.position.description)
        }
        #expect(walked == all, words)
    }

    @Test(arguments: seeds)
    func `a query answered by the store and by the filter of a sink agree where an event is a whole row`(seed: UInt64)
        async throws
    {
        var random = SeededGenerator(seed)
        let events = World.events(200, &random).map { event in
            var alone = event
            alone.connection = event.connection == nil ? nil : event.id
            return alone
        }
        let folder = StoreFolder()
        let store = try folder.open(partitionRows: 50)
        try store.apply(events)
        for _ in 0..<60 {
            let text = World.query(&random)
            let query = try FilterQuery(text, dialect: .connlog, now: 0)
            if !QueryFilter.undecidable(query).isEmpty { continue }
            var filter = QueryFilter(query)
            let expected = events.filter { filter.matches(Array($0.line.utf8).span) }
            let found = try await store.rows(RowQuery(query, names: NoNames()), limit: 1000)
            #expect(
                found.compactMap(\.id).sorted() == expected.compactMap(\.id).sorted(), "seed \(seed): \(text)")
        }
    }

    @Test func `rows of one time stand in one order, across partitions too`() async throws {
        let folder = StoreFolder()
        let store = try folder.open(partitionRows: 4)
        for number in 0..<30 { try store.apply([ToldEvent(id: ToldEvent.uuid(number), time: 5, type: "tunnel")]) }
        let all = try await store.everything()
        var (walked, after): ([ConnectionRow], RowPosition?) = ([], nil)
        while walked.count < 30 {
            let page = try await store.rows(RowQuery(), after: after, limit: 7)
            walked += page
            after = page.last?.position
        }
        #expect(walked == all)
        #expect(Set(all.compactMap(\.id)).count == 30)
    }

    @Test func `nothing that is asked for becomes SQL`() async throws {
        let folder = StoreFolder()
        let store = try folder.open()
        var hostile = ToldEvent(id: ToldEvent.uuid(1), time: 1)
        hostile.workspaceName = "x' or 1=1 --"
        try store.apply([hostile, ToldEvent(id: ToldEvent.uuid(2), time: 2)])
        let query = try FilterQuery(#"workspace:"x' or 1=1 --""#, dialect: .connlog, now: 0)
        #expect(try await store.rows(RowQuery(query, names: NoNames()), limit: 10).count == 1)
        let other = try FilterQuery(#"agent:"' or ''='" -"%_""#, dialect: .connlog, now: 0)
        #expect(try await store.rows(RowQuery(other, names: NoNames()), limit: 10).isEmpty)
    }
}

/// A few people, workspaces and apps that meet again and again.
enum World {
    static let users = (0..<4).map { ToldEvent.uuid(100 + $0) }
    static let organizations = (0..<2).map { ToldEvent.uuid(900 + $0) }
    static let workspaces = (0..<5).map { ToldEvent.uuid(200 + $0) }

    static let names = ListedNames(
        users: users.enumerated().map { UserName(id: $1, username: "u\($0 % 3)", email: "u\($0)@x.org") },
        organizations: organizations.enumerated().map { OrganizationName(id: $1, name: "o\($0)") })

    static func events(_ count: Int, _ random: inout SeededGenerator) -> [ToldEvent] {
        (0..<count).map { number in event(number, &random) }
    }

    private static func event(_ number: Int, _ random: inout SeededGenerator) -> ToldEvent {
        let kind =
            [
                ("ssh", nil), ("vscode", nil), ("jetbrains", nil), ("reconnecting_pty", nil), ("workspace_app", nil),
                ("port_forwarding", nil), ("tunnel", nil), ("cursor", nil), ("ssh", "ssh"), ("ssh", "reconnecting_pty"),
                ("ssh", "workspace_app"),
            ].randomElement(using: &random) ?? ("ssh", nil)
        let workspace = Int.random(in: 0..<5, using: &random)
        var event = ToldEvent(id: ToldEvent.uuid(10_000 + number), time: Int64(number / 2), type: kind.0)
        event.method = kind.1
        let isWeb = ["workspace_app", "port_forwarding", "tunnel"].contains(kind.1 ?? kind.0)
        event.workspace = workspaces[workspace]
        event.workspaceName = ["dev", "Prod", "tést", "a b", "x%_"][workspace]
        event.owner = users[workspace % users.count]
        event.organization = organizations[workspace % 2]
        event.agent = ["main", "GPU"].randomElement(using: &random) ?? "main"
        event.ip = ["10.0.0.1", "10.1.2.3", "fd7a:115c::7", nil, "not an address"].randomElement(using: &random) ?? nil
        if isWeb {
            event.user = users.randomElement(using: &random)
            event.code = [200, 403, 502].randomElement(using: &random)
            event.userAgent = ["Firefox", "curl/8"].randomElement(using: &random)
            event.slug = ["code-server", "8080", nil].randomElement(using: &random) ?? nil
        } else {
            if kind.1 != nil {
                event.app = ["cursor", "zed", "goland", "other_ide", nil].randomElement(using: &random) ?? nil
            }
            event.connection = ToldEvent.uuid(5000 + Int.random(in: 0..<60, using: &random))
            event.isDisconnect = Bool.random(using: &random)
            if event.isDisconnect {
                event.code = [0, 1, nil].randomElement(using: &random) ?? nil
                event.reason = ["signal: killed", nil].randomElement(using: &random) ?? nil
            }
        }
        return event
    }

    static func query(_ random: inout SeededGenerator) -> String {
        let count = Int.random(in: 0...3, using: &random)
        return (0..<count).map { _ in (Int.random(in: 0..<4, using: &random) == 0 ? "-" : "") + term(&random) }
            .joined(separator: " ")
    }

    private static func term(_ random: inout SeededGenerator) -> String {
        func one(_ values: [String]) -> String { values.randomElement(using: &random) ?? "" }
        let time = EventTime.text((ToldEvent.start + Int64.random(in: -5..<160, using: &random)) * 1_000_000_000)
        switch Int.random(in: 0..<20, using: &random) {
        case 0: return "type:" + one(["ssh", "vscode", "jetbrains", "reconnecting_pty", "workspace_app", "tunnel"])
        case 1: return "method:" + one(["ssh", "workspace_app", "tunnel", "reconnecting_pty"])
        case 2: return "app:" + one(["cursor", "zed", "other_ide", "vscode,goland", "cursor,other_ide", "none"])
        case 3: return "organization:" + one(["o0", "o1", organizations[0], "nobody"])
        case 4: return "workspace_owner:" + one(["u0", "u1", "u2", "me", "nobody"])
        case 5: return "workspace_owner_email:" + one(["u0@x.org", "u3@x.org", "x@y"])
        case 6: return "username:" + one(["u0", "u1", "me", "nobody"])
        case 7: return "user_email:" + one(["u1@x.org", "x@y"])
        case 8: return "connected_after:\"\(time)\""
        case 9: return "connected_before:\"\(time)\""
        case 10: return "workspace_id:" + one(workspaces)
        case 11: return "connection_id:" + ToldEvent.uuid(5000 + Int.random(in: 0..<70, using: &random))
        case 12: return "status:" + one(["ongoing", "completed"])
        case 13: return "workspace:" + one(["dev", "prod", "TÉST", "\"a b\"", "nothing"])
        case 14: return "agent:" + one(["main", "gpu", "x"])
        case 15: return "ip:" + one(["10.0.0.0/8", "10.0.0.1", "\"fd7a::/16\"", "192.168.0.0/16"])
        case 16: return "code:" + one(["200", "400-599", "0", "0-1"])
        case 17: return "duration:" + one([">10s", "<=5s", "1s-1m", "0s"])
        case 18: return "event:" + one(["connected", "disconnected"])
        default: return one(["dev", "main", "curl", "killed", "10.", "8080", "ide", "é", "%", "_"])
        }
    }
}
#endif
