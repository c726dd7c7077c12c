#if Server
import ConnlogCore
import ConnlogSystem
import ConnlogTestSupport
import Foundation
import GRDB
import Testing

@testable import ConnlogStore

/// A file of format 1, brought up to date: nothing in it is lost, and nothing that interrupts it leaves it unusable.
@Suite struct MigrationTests {
    private let folder = StoreFolder()
    private let old: FormatOne

    init() throws {
        old = try FormatOne()
        try old.write(to: folder)
    }

    private func open() throws -> ConnectionStore { try folder.open(partitionRows: FormatOne.partitionRows) }

    /// A file of today that has got the same events at the same times.
    private func today(_ folder: StoreFolder, _ events: [[UInt8]]) throws -> ConnectionStore {
        let store = try folder.open(partitionRows: FormatOne.partitionRows)
        var rest = events[...]
        for run in FormatOne.runs {
            var batch = EventBatch()
            for event in rest.prefix(run.events) { batch.append(event.span) }
            rest = rest.dropFirst(run.events)
            _ = try store.apply(batch, at: nil, arrival: run.arrival)
        }
        #expect(rest.isEmpty)
        return store
    }

    @Test func `it answers every question as a file of today does that got the same events`() async throws {
        let store = try open()
        let events = try await store.events(from: 1, limit: 1000)
        #expect(events.map(\.number) == Array(1...64))
        let other = StoreFolder()
        let fresh = try today(other, events.map(\.line))
        try await expectSame(store, fresh)
        // And what comes next finds the rows that are there.
        let more = (0..<30).map { number in
            var event = ToldEvent(
                id: ToldEvent.uuid(3000 + number), time: 60 * 86_400, isDisconnect: true, code: 7,
                connection: ToldEvent.uuid(5000 + number))
            event.organization = World.organizations[number % 2]
            event.workspace = World.workspaces[number % 5]
            event.agent = ["main", "GPU"][number % 2]
            return event
        }
        let (one, two) = (try store.apply(more), try fresh.apply(more))
        #expect(one == two && one.merged == 14 && one.added == 16)
        try await expectSame(store, fresh)
    }

    private func expectSame(_ store: ConnectionStore, _ fresh: ConnectionStore) async throws {
        let rows = try await fresh.everything()
        #expect(try await store.everything() == rows)
        for row in rows {
            #expect(try await store.events(of: row) == fresh.events(of: row))
            if let id = row.id { #expect(try await store.row(id: id) == fresh.row(id: id)) }
        }
        let range = Microseconds.earliest ..< .latest
        let stats = try await fresh.stats(RowQuery(), range, intervalSeconds: 86_400, top: 5)
        #expect(try await store.stats(RowQuery(), range, intervalSeconds: 86_400, top: 5) == stats)
        var random = SeededGenerator(1)
        for _ in 0..<300 {
            let text = World.query(&random)
            let query = RowQuery(
                try FilterQuery(text, dialect: .connlog, now: 0), names: World.names, caller: World.users[0])
            let words = Comment(rawValue: text)
            #expect(try await store.rows(query, limit: 1000) == fresh.rows(query, limit: 1000), words)
            #expect(try await store.count(query, cap: 0) == fresh.count(query, cap: 0), words)
        }
    }

    @Test func `what the queue gives again is known`() async throws {
        let place = try await DatabaseQueue(path: folder.file).read { database in
            try database.first("SELECT queue, next_offset FROM queues", [], { ($0.bytes(0), $0.int(1)) })
        }
        let (queue, next) = try #require(place)
        let store = try open()
        let last = try #require(try await store.events(from: 64, limit: 1).first)
        var batch = EventBatch()
        batch.append(last.line.span)
        let again = EventPlace(queue: queue, offsets: .contiguous(UInt64(next - 1)))
        #expect(try store.apply(batch, at: again, arrival: 0) == ConnectionStore.Outcome(added: 0, merged: 0, known: 1))
    }

    @Test func `a copy of it as it was stays, which is its owner's alone and can take its place`() async throws {
        let rows = try await open().everything()
        let copy = folder.file + ".v1"
        #expect(try FileMode.of(copy) == 0o600)
        let untouched = StoreFolder()
        try old.write(to: untouched)
        #expect(try FormatOne.content(of: copy) == FormatOne.content(of: untouched.file))
        let other = StoreFolder()
        try FileManager.default.createDirectory(atPath: other.path, withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: copy, toPath: other.file)
        #expect(try await other.open(partitionRows: FormatOne.partitionRows).everything() == rows)
    }

    @Test func `half a copy that is left from a start before is made anew`() async throws {
        try String(repeating: "half a copy ", count: 1000).write(
            toFile: folder.file + ".v1", atomically: true, encoding: .utf8)
        _ = try open()
        let untouched = StoreFolder()
        try old.write(to: untouched)
        #expect(try FormatOne.content(of: folder.file + ".v1") == FormatOne.content(of: untouched.file))
    }

    // MARK: - Age

    /// Lets go of everything that came in before a time.
    private func letGo(_ store: ConnectionStore, before time: Nanoseconds) throws {
        while try store.letGo(before: Microseconds(nanoseconds: time)).isPartial {}
    }

    @Test func `retention goes by when the events came in, not by their dates, and keeps what has no known age`()
        async throws
    {
        let store = try open()
        let all = Set(try await store.everything().map(\.position))
        let (first, second, third) = (FormatOne.runs[0].arrival, FormatOne.runs[1].arrival, FormatOne.runs[2].arrival)
        let hour: Nanoseconds = 3_600_000_000_000
        try letGo(store, before: first)
        #expect(Set(try await store.everything().map(\.position)) == all)
        for (time, runs) in [(first + hour, 1...3), (second + hour, 2...3), (third + hour, 3...3)] {
            try letGo(store, before: time)
            #expect(try await store.everything().count == FormatOne.rowsHeardOf(in: runs))
        }
        // The clock was not set when these came in: they are as old as the moment at which it is.
        try store.dateUnknown(third)
        try letGo(store, before: third)
        #expect(try await store.everything().count == FormatOne.rowsHeardOf(in: 3...3))
        try letGo(store, before: third + hour)
        #expect(try await store.everything().isEmpty)
    }

    @Test func `a row whose events are gone counts as having come in now`() async throws {
        try await DatabaseQueue(path: folder.file).write { try $0.execute(sql: "DELETE FROM raw") }
        let before = Microseconds(nanoseconds: SystemWallTime().now())
        let store = try open()
        let rows = try await store.everything()
        #expect(rows.count == FormatOne.rowsHeardOf(in: 0...3))
        let after = Microseconds(nanoseconds: SystemWallTime().now()).advanced(by: .seconds(3600))
        #expect(rows.allSatisfy { row in row.arrival.map { $0 >= before && $0 <= after } ?? false })
    }

    // MARK: - Interrupted

    @Test func `killed at any statement, it is brought up to date at the next start`() async throws {
        let rows = try await open().everything()
        let (victim, copies) = (StoreFolder(), StoreFolder())
        try old.write(to: victim)
        let count = try FormatOne.copyAtEachStatement(of: victim, to: copies)
        #expect(count > 10)
        for number in 0..<count {
            let left = StoreFolder()
            try FileManager.default.moveItem(atPath: "\(copies.path)/\(number)", toPath: left.path)
            let store = try left.open(partitionRows: FormatOne.partitionRows)
            #expect(try await store.everything() == rows, "statement \(number) of \(count)")
        }
    }

    @Test func `a disk that fills up at any page leaves it as it was, and with room it is brought up to date`()
        async throws
    {
        let before = try FormatOne.content(of: folder.file)
        var failures = 0
        for pages in 0..<1000 {
            do {
                try StoreFile.open(
                    folder.file, cacheBytes: 1 << 20,
                    steps: [
                        Migrations.steps[0],
                        { database in
                            // SQLite's own word for a disk on which no further page finds room.
                            let now = try Int.fetchOne(database, sql: "PRAGMA page_count") ?? 0
                            try database.execute(sql: "PRAGMA max_page_count = \(now + pages)")
                            try Migrations.steps[1](database)
                        },
                    ]
                ).close()
                break
            } catch {
                failures += 1
                let error = try #require(error as? DatabaseError)
                #expect(error.resultCode == .SQLITE_FULL)
                #expect(try FormatOne.content(of: folder.file) == before)
            }
        }
        #expect(failures > 1)
        let untouched = StoreFolder()
        try old.write(to: untouched)
        let rows = try await untouched.open(partitionRows: FormatOne.partitionRows).everything()
        #expect(try await open().everything() == rows)
    }
}
#endif
