#if Server
import ConnlogCore
import ConnlogSystem
import ConnlogTestSupport
import GRDB
import Testing

@testable import ConnlogStore

/// Who it was, by the store and by plain SQL on a PostgreSQL, over random histories.
@Suite struct PersonDifferentialTests {
    @Test func `whatever the history and the order in which it comes, the store says of everybody what plain SQL says`()
        async throws
    {
        let plain = PlainPeople(postgres: try await PostgresServer())
        for seed in (0..<24) + Array(TestSeeds.more) {
            var history = History(seed)
            try await history.compare(plain)
        }
    }

    /// A history from a seed.
    private struct History {
        let seed: UInt64
        var random: SeededGenerator
        let events: [ToldEvent]
        let folder = StoreFolder()

        init(_ seed: UInt64) {
            self.seed = seed
            var random = SeededGenerator(seed)
            let ordered = PeopleWorld.events(200, &random)
            // In order, somewhat out of it, or not in order at all.
            let disorder = [0, 10, 1000].randomElement(using: &random) ?? 0
            let places = ordered.indices.map { ($0 + Int.random(in: 0...disorder, using: &random), $0) }
            events = places.sorted { $0 < $1 }.map { ordered[$0.1] }
            self.random = random
        }

        mutating func compare(_ plain: PlainPeople) async throws {
            let rows: Int64 = [5, 40, 1000].randomElement(using: &random) ?? 5
            let store = try folder.open(partitionRows: rows)
            var (rest, come): (ArraySlice<ToldEvent>, Int) = (events[...], 0)
            while !rest.isEmpty {
                let count = min(rest.count, Int.random(in: 1...60, using: &random))
                // An hour for each batch.
                try store.apply(
                    rest.prefix(count), arrival: 1_770_000_000_000_000_000 + Int64(come) * 3_600_000_000_000)
                rest = rest.dropFirst(count)
                come += 1
                if Int.random(in: 0..<4, using: &random) > 0, !rest.isEmpty { continue }
                try await expect(store, try plain.lines(Array(events[..<rest.startIndex])), "after \(rest.startIndex)")
            }
            try await compareOlder(store, plain, rows)
            try await letGo(store, plain, come)
        }

        /// What retention takes away says nothing any more.
        private mutating func letGo(_ store: ConnectionStore, _ plain: PlainPeople, _ come: Int) async throws {
            for part in 1...3 {
                let hours = Int64(come * part / 4)
                let cutoff = Microseconds(1_770_000_000_000_000 + hours * 3_600_000_000)
                while try store.letGo(before: cutoff).isPartial {}
                let kept = Set(try await store.everything().compactMap(\.id))
                try await expect(store, try plain.lines(events, kept: kept), "with \(kept.count) rows kept")
            }
        }

        /// The same file as a connlog before wrote it, brought up to date.
        private func compareOlder(_ store: ConnectionStore, _ plain: PlainPeople, _ rows: Int64) async throws {
            try store.checkpointNow()
            let other = StoreFolder()
            try FormatTwo.write(folder.file, to: other)
            try await expect(try other.open(partitionRows: rows), try plain.lines(events), "brought up to date")
        }

        private func expect(_ store: ConnectionStore, _ lines: [PlainPeople.Line], _ when: String) async throws {
            let words = Comment(rawValue: "seed \(seed), \(when)")
            let all = try await store.everything()
            #expect(all.map(PlainPeople.Line.init).sorted() == lines, words)
            for user in PeopleWorld.users {
                for isNegated in [false, true] {
                    let query = RowQuery([.init(.people([user]), isNegated: isNegated)])
                    let expected = all.filter { ($0.person?.id == user) != isNegated }
                    #expect(try await store.rows(query, limit: 1000) == expected, words)
                    #expect(try await store.count(query, cap: 0) == expected.count, words)
                    #expect(try await walked(store, query) == expected, words)
                }
                // What an auditor of one organization sees is what everybody sees of it.
                let limited = RowQuery([.init(.people([user])), .init(.organizations([World.organizations[0]]))])
                #expect(
                    try await store.rows(limited, limit: 1000)
                        == all.filter { $0.person?.id == user && $0.organizationID == World.organizations[0] }, words)
            }
        }

        private func walked(_ store: ConnectionStore, _ query: RowQuery) async throws -> [ConnectionRow] {
            var rows: [ConnectionRow] = []
            while true {
                let page = try await store.rows(query, after: rows.last?.position, limit: 7)
                if page.isEmpty { return rows }
                rows += page
            }
        }
    }
}

/// Few people, places and moments, so that all that can meet does.
enum PeopleWorld {
    static let users = (0..<4).map { ToldEvent.uuid(100 + $0) }
    private static let sessions = (0..<6).map { "0000000000000000000000000000000\($0)" }

    static func events(_ count: Int, _ random: inout SeededGenerator) -> [ToldEvent] {
        let pace = [600, 3600, 7200].randomElement(using: &random) ?? 600
        let connections = (0..<count / 3).map { connection($0, &random) }
        return (0..<count).map { number in
            var event =
                Bool.random(using: &random)
                ? access(&random) : connections.randomElement(using: &random) ?? access(&random)
            event.id = ToldEvent.uuid(10_000 + number)
            event.time = Int64(number / 3 * pace)
            event.restMicroseconds = [0, 0, 0, 1, -1].randomElement(using: &random) ?? 0
            event.isDisconnect = event.connection != nil && Bool.random(using: &random)
            if event.isDisconnect { event.code = 0 }
            return event
        }
    }

    /// An agent's, which names nobody but for a few that do.
    private static func connection(_ number: Int, _ random: inout SeededGenerator) -> ToldEvent {
        let type = ["ssh", "vscode", "jetbrains", "reconnecting_pty"].randomElement(using: &random) ?? "ssh"
        var event = placed(ToldEvent(time: 0, type: type, connection: ToldEvent.uuid(5000 + number)), &random)
        if Int.random(in: 0..<12, using: &random) == 0 { event.user = users.randomElement(using: &random) }
        return event
    }

    private static func access(_ random: inout SeededGenerator) -> ToldEvent {
        let kinds = ["tunnel", "tunnel", "tunnel", "workspace_app", "workspace_app", "port_forwarding"]
        var event = placed(ToldEvent(time: 0, type: kinds.randomElement(using: &random) ?? "tunnel"), &random)
        event.user = Int.random(in: 0..<8, using: &random) == 0 ? nil : users.randomElement(using: &random)
        event.code = [101, 101, 101, 200, 403, 303, nil].randomElement(using: &random) ?? nil
        if event.type != "tunnel" { event.slug = ["terminal", "terminal", "8080"].randomElement(using: &random) }
        return event
    }

    private static func placed(_ event: ToldEvent, _ random: inout SeededGenerator) -> ToldEvent {
        var event = event
        let workspace = Int.random(in: 0..<3, using: &random)
        event.workspace = ToldEvent.uuid(200 + workspace)
        // The same workspace in two organizations is nothing that Coder has, but somebody may hand it in.
        event.organization = World.organizations[Int.random(in: 0..<6, using: &random) == 0 ? 1 : workspace % 2]
        event.agent = ["main", "main", "gpu", ""].randomElement(using: &random) ?? "main"
        if Int.random(in: 0..<5, using: &random) == 0 { event.clientSession = sessions.randomElement(using: &random) }
        return event
    }
}

/// A file as the connlog wrote it whose format was 2: it does not know whose the rows are.
enum FormatTwo {
    static func write(_ file: String, to folder: StoreFolder) throws {
        try SpawnedProgram.output(of: "/bin/mkdir", ["-p", folder.path])
        try SpawnedProgram.output(of: "/bin/cp", [file, folder.file])
        try DatabaseQueue(path: folder.file).inDatabase { database in
            let hash = KeyHash(try database.first("SELECT store FROM settings") { $0.bytes(0) } ?? [])
            for number in try database.all("SELECT partition FROM partitions", [], { $0.int(0) }) {
                let partition = Partition(number: number)
                let sessions = try database.all("SELECT session FROM \(partition.rows) WHERE session NOT NULL", []) {
                    $0.id(0)
                }
                for session in sessions.compactMap({ $0 }) {
                    for key in [hash.ofSession(session), hash.ofNamedSession(session)] {
                        try database.run("DELETE FROM \(partition.keys) WHERE hash = ?", [.int(key)])
                    }
                }
                try database.execute(
                    sql: """
                        DROP INDEX \(partition.rows)_access; DROP INDEX \(partition.rows)_inferred;
                        ALTER TABLE \(partition.rows) DROP COLUMN access; ALTER TABLE \(partition.rows) DROP COLUMN inferred;
                        """)
            }
            try database.execute(sql: "DROP TABLE audit; PRAGMA user_version = 2")
        }
    }
}
#endif
