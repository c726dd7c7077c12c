import ConnlogCore
import ConnlogTestSupport
import Testing

@testable import ConnlogCoder

/// What is remembered of rows, its limits, and the small things it is made of.
@Suite struct TableMemoryTests {
    private static func row(_ number: Int, at time: Int64, end: Int64? = nil) throws -> CoderRow {
        let agent: JSONValue = [
            "connection_id": .string(TableBench.id(number, 1)),
            "disconnect_time": JSONValue(end.map { TableTime(microseconds: $0).text }),
        ]
        return try CoderRow([
            "id": .string(TableBench.id(number)), "connect_time": .string(TableTime(microseconds: time).text),
            "ssh_info": agent,
        ])
    }

    private static func stored(_ memory: inout TableMemory, _ before: [String: [UInt8]] = [:]) -> [String: [UInt8]] {
        memory.takeChanges().reduce(into: before) { $0[$1.key] = $1.value }
    }

    @Test func `what is stored is what another process knows`() throws {
        var memory = TableMemory([:])
        memory.begin(at: TableTime(microseconds: 10))
        for number in 0..<3000 {
            _ = memory.take(try Self.row(number, at: Int64(number), end: number % 2 == 0 ? 9999 : nil))
        }
        var kept = Self.stored(&memory)
        #expect(kept.values.allSatisfy { $0.count <= 64 << 10 })
        var other = TableMemory(kept)
        #expect(other.hasBegun && other.edge.microseconds == 10)
        #expect(other.known.count == 2989 && other.open.count == 1495)
        for number in 0..<3000 {
            #expect(other.take(try Self.row(number, at: Int64(number), end: number % 2 == 0 ? 9999 : nil)) == [])
        }
        #expect(other.take(try Self.row(11, at: 11, end: 70)) == [.disconnect])
        #expect(other.take(try Self.row(11, at: 11, end: 70)) == [])
        other.forget(upTo: TableTime(microseconds: 5000))
        kept = Self.stored(&other, kept)
        // The place says it, and no slot of a row that is not known any more is left.
        #expect(kept.keys.sorted() == ["open/0", "open/1", "place"])
        // An old connection ends all the same.
        var third = TableMemory(kept)
        #expect(third.take(try Self.row(13, at: 13, end: 70)) == [.disconnect])
    }

    @Test(arguments: [767, 768, 769, 1023, 1024, 1025, 5000])
    func `with more rows than there is room for the oldest are forgotten, and none comes twice`(count: Int) throws {
        var memory = TableMemory([:], knownSlots: 1, openSlots: 1)
        memory.begin(at: .first)
        var connects = 0
        var ends = 0
        for number in 1...count {
            memory.makeRoom(TableTime(microseconds: 1_000_000))
            connects += memory.take(try Self.row(number, at: Int64(number))).count
        }
        #expect(connects == count)
        #expect(memory.known.count <= 1024 && (memory.edge == .first) == (count <= 769))
        for number in 1...count { ends += memory.take(try Self.row(number, at: Int64(number), end: 10_000)).count }
        #expect(ends == count - memory.givenUp && (memory.givenUp == 0) == (count <= 1024))
        for number in 1...count { #expect(memory.take(try Self.row(number, at: Int64(number), end: 10_000)) == []) }
    }

    @Test func `clocks that go wrong push out no row of the present`() throws {
        var memory = TableMemory([:], knownSlots: 1, openSlots: 1)
        memory.begin(at: .first)
        let now = TableTime(microseconds: 1_000_000)
        for number in 1...5000 {
            memory.makeRoom(now)
            _ = memory.take(try Self.row(number, at: 1_000_000_000_000 + Int64(number)))
        }
        #expect(memory.edge == .first && memory.ceiling > now)
        memory.makeRoom(now)
        #expect(memory.take(try Self.row(9999, at: 999_999)) == [.connect])
    }

    @Test func `an id of version 5 is the one that RFC 9562's rule gives`() {
        let dns = RowID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")
        #expect(dns?.named("python.org").text == "886313e1-3b8a-5372-9b90-0c9aee199e5d")
        #expect(dns?.named("www.example.com").text == "2ed6657d-e927-568b-95e1-2665a8aea6a2")
        #expect(RowID("6BA7B810-9DAD-11D1-80B4-00C04FD430C8") == dns)
        for bad in [
            "", "6ba7b8109dad11d180b400c04fd430c8", "6ba7b810-9dad-11d1-80b4-00c04fd430c",
            "6ba7b810-9dad-11d1-80b4-00c04fd430c8a",
        ] {
            #expect(RowID(bad) == nil)
        }
    }

    @Test(
        arguments: [
            ("2025-07-10T10:14:38.942776Z", 1_752_142_478_942_776), ("1970-01-01T00:00:00Z", 0),
            ("9999-12-31T23:59:59.999999Z", 253_402_300_799_999_999), ("2024-02-29T00:00:00.1Z", 1_709_164_800_100_000),
            ("1969-12-31T23:59:59.5Z", -500_000), ("0001-01-01T00:00:00Z", -62_135_596_800_000_000),
        ] as [(String, Int64)])
    func `times are read and written to the microsecond`(text: String, microseconds: Int64) {
        #expect(TableTime(text)?.microseconds == microseconds)
        #expect(TableTime(microseconds: microseconds).text == text)
    }

    @Test func `times in other forms are the same ones, and what is none is none`() {
        #expect(TableTime("2025-07-10T12:14:38.942776999+02:00") == TableTime("2025-07-10T10:14:38.942776Z"))
        for bad in [
            "", "2025-07-10", "2025-02-30T00:00:00Z", "2025-07-10T10:14:38", "2025-07-10T10:14:38.Z", "x",
            "2025-07-10T24:00:00Z",
        ] {
            #expect(TableTime(bad) == nil, "\(bad)")
        }
    }

    @Test func `a row that cannot be used says why, and the others are none the worse`() async throws {
        #expect(throws: CoderRow.Mistake.self) { try CoderRow(["id": "x"]) }
        #expect(throws: CoderRow.Mistake.self) {
            try CoderRow(["id": .string(TableBench.id(1)), "connect_time": "2025-07-10T10:14:38Z"])
        }
        let long = String(repeating: "é", count: 40_000)
        let row = try CoderRow([
            "id": .string(TableBench.id(1)), "connect_time": "2025-07-10T10:14:38Z",
            "web_info": ["user_agent": .string(long), "user": .null],
        ])
        #expect(row.userAgent.utf8.count < 33_000 && row.userAgent.hasSuffix("bytes)") && row.user == nil)
    }
}
