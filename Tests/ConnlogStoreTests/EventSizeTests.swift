#if Server
import ConnlogCore
import ConnlogStore
import ConnlogSystem
import ConnlogTestSupport
import Foundation
import GRDB
import Testing

@testable import ConnlogStore

/// An event of any size goes in and comes out whole, alone and among small ones.
@Suite struct EventSizeTests {
    private static let maxLine = 1 << 20

    /// Where something begins anew: pages of SQLite and what it keeps in one of them, gzip's window and blocks, what is
    /// packed together, the cache of these tests, `max_line` and twice that.
    private static let bounds = [
        1, 512, 1002, 4 << 10, 4061, 4092, 8 << 10, 32 << 10, 64 << 10, 256 << 10, maxLine, 2 * maxLine,
    ]
    private static let sizes = [0] + bounds.flatMap { [$0 - 1, $0, $0 + 1] }.filter { $0 > 0 }

    /// A line of exactly so many bytes; shorter than any event, it is one of which nothing is known.
    private static func line(_ number: Int, _ size: Int, _ random: inout SeededGenerator) -> [UInt8] {
        var event = ToldEvent(id: ToldEvent.uuid(number), time: Int64(number), type: "tunnel", userAgent: "")
        let least = event.line.utf8.count
        if size < least { return Array(repeating: UInt8(ascii: "x"), count: size) }
        event.userAgent = text(size - least, &random)
        return Array(event.line.utf8)
    }

    /// Half of the time one that gzip makes smaller, and one that it does not.
    private static func text(_ count: Int, _ random: inout SeededGenerator) -> String {
        let letters = Array("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_".utf8)
        guard Bool.random(using: &random) else { return String(repeating: "a", count: count) }
        return String(
            decoding: (0..<count).map { _ in letters[Int(random.next() & 63)] }, as: UTF8.self)
    }

    @Test(arguments: sizes) func `it is read back whole, alone and among small ones`(size: Int) async throws {
        var random = SeededGenerator(UInt64(size))
        let mixes: [[Int]] = [
            [size], [600, size, 600, 0, size, 700], Array(repeating: 600, count: 130) + [size, 650],
        ]
        for sizes in mixes {
            let folder = StoreFolder()
            let store = try folder.open(partitionRows: 50)
            let lines = sizes.enumerated().map { Self.line($0, $1, &random) }
            // At once, and one after the other.
            for isOne in [true, false] {
                for part in isOne ? [lines] : lines.map({ [$0] }) {
                    var batch = EventBatch()
                    for line in part { batch.append(line.span) }
                    _ = try store.apply(batch, at: nil, arrival: 0)
                }
                try await expect(lines, in: isOne ? store : folder.openForReading(), from: isOne ? 1 : lines.count + 1)
            }
        }
    }

    private func expect(_ lines: [[UInt8]], in store: ConnectionStore, from first: Int) async throws {
        let events = try await store.events(from: Int64(first), limit: 1000)
        #expect(events.map(\.number) == (first..<first + lines.count).map { Int64($0) })
        // Not compared as a whole, since what differs would be printed.
        #expect(events.map(\.line.count) == lines.map(\.count))
        let differ = zip(events, lines).contains { $0.line != $1 }
        #expect(!differ)
        for (index, line) in lines.enumerated() {
            let alone = try await store.events(from: Int64(first + index), limit: 1)
            let isSame = alone.first?.line == line
            #expect(isSame, "event \(first + index)")
            guard let told = ConnectionEvent(line: String(decoding: line, as: UTF8.self)), let id = told.id else {
                continue
            }
            let row = try #require(try await store.row(id: id))
            let hasAgent = row.userAgent == told.userAgent
            #expect(hasAgent, "event \(first + index)")
            let received = try await store.events(of: row)
            let isThere = received.contains { $0.line == line }
            #expect(isThere, "event \(first + index)")
        }
    }

    /// Each place of an event that takes a text.
    @Test(arguments: [0, 1, 1001, 1002, 1003, 4060, 4061, 4062, 4091, 4092, 4093, 65_535, 65_536, maxLine])
    func `a value of any size in any place is kept whole, found, and known again`(size: Int) async throws {
        var random = SeededGenerator(UInt64(size))
        let folder = StoreFolder()
        let store = try folder.open(partitionRows: 50)
        let value = Self.text(size, &random)
        let places: [WritableKeyPath<ToldEvent, String?>] = [
            \.id, \.reason, \.connection, \.ip, \.userAgent, \.user, \.slug,
        ]
        let names: [WritableKeyPath<ToldEvent, String>] = [
            \.organization, \.owner, \.workspace, \.workspaceName, \.agent,
        ]
        var events: [ToldEvent] = []
        for number in 0..<places.count + names.count {
            var event = ToldEvent(
                id: ToldEvent.uuid(number), time: Int64(number), type: "tunnel",
                connection: ToldEvent.uuid(500 + number))
            if number < places.count {
                event[keyPath: places[number]] = value
            } else {
                event[keyPath: names[number - places.count]] = value
            }
            events.append(event)
        }
        try store.apply(events)
        let rows = try await store.everything()
        #expect(rows.count == events.count)
        let whole = String?.some(value)
        let kept: [(ConnectionRow) -> String?] = [
            { $0.id }, { $0.session.reason?.value }, { $0.connectionID }, { $0.ip }, { $0.userAgent }, { $0.userID },
            { $0.slugOrPort }, { $0.organizationID }, { $0.workspaceOwnerID }, { $0.workspaceID }, { $0.workspaceName },
            { $0.agentName },
        ]
        for (row, value) in zip(rows.reversed(), kept) {
            let isKept = value(row) == whole || size == 0 && (value(row) ?? "").isEmpty
            #expect(isKept, "\(row.position)")
        }
        // The same events again are of the connections that are there.
        #expect(try folder.open(partitionRows: 50).apply(events).merged == events.count)
    }

    @Test func `what the writer remembers of texts has an end, however long and many they are`() async throws {
        let folder = StoreFolder()
        _ = try folder.open()
        let pool = try StoreFile.open(folder.file, cacheBytes: 1 << 20)
        try await pool.writeWithoutTransaction { database in
            try database.inTransaction {
                var numbers = TextNumbers()
                let state = PartitionState(Partition(number: 1), capacity: 10)
                try state.create(database)
                var known: [String: Int64] = [:]
                let length = TextNumbers.textBytesMax
                for size in [1, length, length + 1, 1 << 20] {
                    for number in 0..<(size > 1 << 19 ? 8 : 1100) {
                        let text = "\(number)".padding(toLength: size, withPad: "x", startingAt: 0)
                        let id = try numbers.number(of: text, state, database)
                        #expect(known[text] ?? id == id)
                        known[text] = id
                        #expect(try numbers.number(of: Identifier(text), state, database) == id)
                        #expect(numbers.bytes <= TextNumbers.bytesMax)
                    }
                }
                return .commit
            }
        }
        try pool.close()
    }
}

/// Pages and lists of events that are bounded by bytes.
@Suite struct PageBytesTests {
    private static let seeds = Array(0..<6) + TestSeeds.more

    private static func rows(_ random: inout SeededGenerator) -> [ToldEvent] {
        (0..<40).map { number in
            ToldEvent(
                id: ToldEvent.uuid(number), time: Int64(number), type: "tunnel",
                userAgent: String(repeating: "u", count: [0, 1, 100, 5000].randomElement(using: &random) ?? 0))
        }
    }

    @Test(arguments: seeds) func `a page ends before the row that would be too much, and the next goes on there`(
        seed: UInt64
    ) async throws {
        var random = SeededGenerator(seed)
        let folder = StoreFolder()
        let store = try folder.open(partitionRows: 15)
        try store.apply(Self.rows(&random))
        let all = try await store.everything()
        for start in [0, 1, 17, 39] {
            let after = start == 0 ? nil : all[start - 1].position
            var sum = 0
            for count in 1...min(6, all.count - start) {
                sum += all[start + count - 1].bytes
                for (bytesMax, expected) in [(sum - 1, max(1, count - 1)), (sum, count), (sum + 1, count)] {
                    let page = try await store.rows(RowQuery(), after: after, limit: 1000, bytesMax: bytesMax)
                    #expect(page == Array(all[start..<start + expected]), "seed \(seed)")
                    #expect(try await store.rows(RowQuery(), after: after, limit: 1, bytesMax: bytesMax).count == 1)
                }
            }
        }
        for bytesMax in [0, 1, 300, 5000, 1 << 20] {
            var (walked, after): ([ConnectionRow], RowPosition?) = ([], nil)
            while let last = try await store.rows(RowQuery(), after: after, limit: 7, bytesMax: bytesMax).last {
                walked += try await store.rows(RowQuery(), after: after, limit: 7, bytesMax: bytesMax)
                after = last.position
            }
            #expect(walked == all, "seed \(seed): \(bytesMax)")
        }
    }

    @Test(arguments: seeds) func `a list of events ends with the one that makes it enough, and is never empty`(
        seed: UInt64
    ) async throws {
        var random = SeededGenerator(seed)
        let folder = StoreFolder()
        let store = try folder.open(partitionRows: 15)
        for part in 0..<4 { try store.apply(Self.rows(&random)[part * 10..<part * 10 + 10]) }
        let all = try await store.events(from: 1, limit: 1000)
        for first in [1, 2, 10, 11, 40] {
            #expect(try await store.events(from: Int64(first), limit: 9, bytesMax: 0) == [all[first - 1]])
            var sum = 0
            for event in all[(first - 1)...].prefix(15) {
                sum += event.line.count
                let count = Int(event.number) - first + 1
                for (bytesMax, expected) in [(sum - 1, count), (sum, count), (sum + 1, min(count + 1, 41 - first))] {
                    let found = try await store.events(from: Int64(first), limit: 1000, bytesMax: bytesMax)
                    #expect(found == Array(all[(first - 1)..<(first - 1 + expected)]), "seed \(seed): \(bytesMax)")
                }
            }
        }
    }
}
#endif
