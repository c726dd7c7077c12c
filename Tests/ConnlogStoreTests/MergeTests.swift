#if Server
import ConnlogCore
import ConnlogStore
import ConnlogTestSupport
import Testing

/// What becomes of events in the file, whatever their order, batches and repeats.
@Suite struct MergeTests {
    @Test func `texts that look alike and are other bytes stay what each event said`() async throws {
        let forms = ["caf\u{e9}", "cafe\u{301}", "\u{212b}", "\u{c5}", "A\u{30a}"]
        let folder = StoreFolder()
        let store = try folder.open()
        for batch in [1, 5] {
            for start in stride(from: 0, to: forms.count, by: batch) {
                try store.apply(
                    forms[start..<min(forms.count, start + batch)].enumerated().map { number, name in
                        var event = ToldEvent(time: Int64(start + number), connection: name)
                        (event.workspaceName, event.agent, event.userAgent) = (name, name, name)
                        return event
                    })
            }
        }
        let rows = try await store.everything()
        func bytes(_ texts: [String?]) -> Set<[UInt8]> { Set(texts.map { Array(($0 ?? "").utf8) }) }
        let wanted = Set(forms.map { Array($0.utf8) })
        #expect(rows.count == forms.count && bytes(rows.map(\.workspaceName)) == wanted)
        #expect(bytes(rows.map(\.connectionID)) == wanted && bytes(rows.map(\.agentName)) == wanted)
    }

    private static let connection = ToldEvent.uuid(1)

    /// Histories of one connection: connects and disconnects with and without reason and code.
    private static let histories: [[ToldEvent]] = [
        [connect(1, 10)], [disconnect(2, 20, code: 0)],
        [connect(1, 10), disconnect(2, 20, code: 0)],
        [connect(1, 10), connect(3, 12), disconnect(2, 20, reason: "signal: killed", code: 137)],
        [connect(1, 10), disconnect(2, 20), disconnect(3, 25, reason: "late", code: 1)],
        [disconnect(2, 20, code: 0), disconnect(3, 20, reason: "same time", code: 1), connect(1, 30)],
        [connect(1, 10), disconnect(2, 20), connect(3, 30), disconnect(4, 40, reason: "x", code: 2)],
    ]

    private static func connect(_ id: Int, _ time: Int64) -> ToldEvent {
        ToldEvent(id: ToldEvent.uuid(id), time: time, connection: connection)
    }

    private static func disconnect(_ id: Int, _ time: Int64, reason: String? = nil, code: Int? = nil) -> ToldEvent {
        ToldEvent(
            id: ToldEvent.uuid(id), time: time, isDisconnect: true, code: code, reason: reason, connection: connection)
    }

    @Test func `every order of every small history, in every way cut into batches, gives the same connection`()
        async throws
    {
        for history in Self.histories {
            let expected = Self.session(history)
            let folder = StoreFolder()
            let store = try folder.open(partitionRows: 3)
            // Each order and cut is a connection of its own in one store.
            var number = 1000
            for order in permutations(history) {
                for cuts in 0..<(1 << (order.count - 1)) {
                    number += 1
                    let id = ToldEvent.uuid(number)
                    var batch: [ToldEvent] = []
                    for (index, event) in order.enumerated() {
                        var event = event
                        event.connection = id
                        batch.append(event)
                        if cuts >> index & 1 == 1 || index == order.count - 1 {
                            try store.apply(batch)
                            batch = []
                        }
                    }
                }
            }
            let rows = try await store.everything()
            #expect(rows.count == number - 1000)
            for row in rows { #expect(row.session == expected) }
        }
    }

    private static func session(_ history: [ToldEvent]) -> Session {
        let said = history.map {
            Session(
                time: Microseconds($0.microseconds), isDisconnect: $0.isDisconnect, reason: $0.reason, code: $0.code)
        }
        return said.dropFirst().reduce(into: said[0]) { $0.merge($1) }
    }

    @Test func `events given again change nothing but their count, in another batch and after opening anew`()
        async throws
    {
        let folder = StoreFolder()
        let history = Self.histories[3]
        try folder.open().apply(history)
        let store = try folder.open()
        try store.apply(history)
        let rows = try await store.everything()
        #expect(rows.count == 1)
        var expected = Self.session(history)
        expected.merge(Self.session(history))
        #expect(rows.first?.session == expected)
        #expect(try await store.events(of: rows[0]).count == 6)
    }

    @Test func `one connection id in two workspaces or of two agents is two connections`() async throws {
        let folder = StoreFolder()
        let store = try folder.open()
        var other = Self.connect(2, 11)
        other.agent = "gpu"
        var third = Self.connect(3, 12)
        third.workspace = ToldEvent.uuid(201)
        try store.apply([Self.connect(1, 10), other])
        try store.apply([third, Self.disconnect(4, 20, code: 0)])
        let rows = try await store.everything()
        #expect(rows.map(\.agentName) == ["main", "gpu", "main"])
        #expect(rows.map { $0.session.disconnect != nil } == [false, false, true])
    }

    @Test(arguments: [nil, 900, 901, 902] as [Int?])
    func `events of two organizations are two connections, whatever ids they share`(organization: Int?) async throws {
        var history = Self.histories[3]
        for index in history.indices { history[index].organization = organization.map { ToldEvent.uuid($0) } ?? "" }
        var others = history
        for index in others.indices { others[index].organization = ToldEvent.uuid(903) }
        // In one batch, in two, in either order, and when the first are in a partition that is full.
        for order in [history + others, others + history, zip(history, others).flatMap { [$0, $1] }] {
            for cut in 0...order.count {
                let folder = StoreFolder()
                let store = try folder.open(partitionRows: cut.isMultiple(of: 2) ? 1 : 10)
                try store.apply(order.prefix(cut))
                try store.apply(order.dropFirst(cut))
                let rows = try await store.everything()
                let expected = Set([history, others].map { $0[0].organization })
                #expect(rows.count == 2 && Set(rows.map { $0.organizationID ?? "" }) == expected)
                for row in rows {
                    #expect(row.session == Self.session(history))
                    let own = row.organizationID == ToldEvent.uuid(903) ? others : history
                    let lines = try await store.events(of: row).map { String(decoding: $0.line, as: UTF8.self) }
                    #expect(lines.sorted() == own.map(\.line).sorted())
                }
                // And who may see one organization sees its connection only.
                let mine = RowQuery([.init(.organizations([ToldEvent.uuid(903)]))])
                #expect(try await store.rows(mine, limit: 10).map(\.organizationID) == [ToldEvent.uuid(903)])
            }
        }
    }

    @Test func `an event without a connection id is a row of its own, and a repeat of it is none`() async throws {
        let folder = StoreFolder()
        let store = try folder.open()
        var web = ToldEvent(id: ToldEvent.uuid(5), time: 5, type: "workspace_app", code: 200)
        web.user = ToldEvent.uuid(300)
        var second = web
        second.id = ToldEvent.uuid(6)
        try store.apply([web, second, web])
        try store.apply([web])
        var nameless = web
        nameless.id = nil
        try store.apply([nameless, nameless])
        let rows = try await store.everything()
        #expect(rows.count == 4)
        #expect(rows.map(\.session.events).sorted() == [1, 1, 1, 3])
    }

    @Test func `what describes a connection is what its first event said`() async throws {
        let folder = StoreFolder()
        let store = try folder.open()
        try store.apply([Self.connect(1, 10)])
        var renamed = Self.disconnect(2, 20)
        renamed.workspaceName = "renamed"
        try store.apply([renamed])
        let row = try #require(try await store.everything().first)
        #expect(row.workspaceName == "dev" && row.id == ToldEvent.uuid(1))
        let found = try await store.row(id: ToldEvent.uuid(1))
        #expect(found == row)
        #expect(try await store.row(id: ToldEvent.uuid(2)) == nil)
    }

    @Test func `a connection's events are kept as they were received`() async throws {
        let folder = StoreFolder()
        let store = try folder.open()
        let events = [Self.connect(1, 10), Self.disconnect(2, 20), Self.disconnect(3, 30), Self.connect(4, 5)]
        let others = (0..<100).map { ToldEvent(id: ToldEvent.uuid(500 + $0), time: 50, type: "tunnel") }
        for event in events { try store.apply([event] + others.shuffled().prefix(30)) }
        let row = try #require(try await store.everything().last)
        let received = try await store.events(of: row)
        #expect(received.map { String(decoding: $0.line, as: UTF8.self) } == events.map(\.line))
        #expect(try await store.events(from: 1, limit: 1000).map(\.number) == Array(1...124))
    }

    @Test func `both names of a type are kept: an IDE's own word, and the method and app of newer builds`() async throws
    {
        let folder = StoreFolder()
        let store = try folder.open()
        var cursor = Self.connect(1, 10)
        cursor.type = "cursor"
        var new = ToldEvent(id: ToldEvent.uuid(2), time: 20, connection: ToldEvent.uuid(7))
        (new.method, new.app) = ("ssh", "some_new_ide")
        try store.apply([cursor, new])
        let rows = try await store.everything()
        #expect(rows.map(\.type) == [.ssh, .vscode])
        #expect(rows.map(\.method) == [.ssh, .ssh])
        #expect(rows.map(\.appName) == ["some_new_ide", "cursor"])
        #expect(rows.map(\.typeText) == [nil, "cursor"])
    }
}
#endif
