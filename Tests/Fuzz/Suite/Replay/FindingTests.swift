import ConnlogCore
import ConnlogSystem
import Foundation
import Testing

@testable import ConnlogQueue

/// What the fuzzer has found, each as a promise of its own.
@Suite struct FindingTests {
    private static let slot = OffsetsSlot(
        queueID: QueueID(bytes: Array(1...16)), generation: 5,
        sinks: [SinkEntry(name: "a", committed: 9, dropped: 2, state: [1, 2])])

    @Test func `no flipped bit makes a slot of the offsets one of a newer version, which would prevent a start`() {
        let bytes = Self.slot.encoded().array
        for bit in 0..<8 * bytes.count {
            var flipped = bytes
            flipped[bit / 8] ^= 1 << UInt8(bit % 8)
            let reading = OffsetsSlot.read(flipped.span)
            // Two bytes that mean nothing are covered as well.
            #expect(reading == .damaged, "bit \(bit)")
        }
        #expect(OffsetsSlot.read(bytes.span) == .valid(Self.slot))
    }

    @Test(arguments: [
        SinkEntry(name: String(repeating: "n", count: 65), committed: 1), SinkEntry(name: "a", committed: .max),
        SinkEntry(name: "a", committed: 1, dropped: 2),
        SinkEntry(name: "a", committed: 1, state: Array(repeating: 0, count: 1025)),
    ])
    func `a slot that no queue can have written is damaged, however well it verifies`(entry: SinkEntry) {
        let slot = OffsetsSlot(queueID: Self.slot.queueID, generation: 1, sinks: [entry])
        #expect(OffsetsSlot.read(slot.encoded().span) == .damaged)
        var twice = Self.slot
        twice.sinks += twice.sinks
        #expect(OffsetsSlot.read(twice.encoded().span) == .damaged)
        var late = Self.slot
        late.generation = .max
        #expect(OffsetsSlot.read(late.encoded().span) == .damaged)
    }

    @Test func `a mistake's place in a query does not move with letters that become longer in lower case`() {
        let query = "workspace:İSTANBUL type:x"
        do throws(FilterErrors) {
            _ = try FilterQuery(query, dialect: .connlog, now: 0)
            Issue.record("taken")
        } catch {
            let place = error.all.map { String(decoding: Array(query.utf8)[$0.range], as: UTF8.self) }
            #expect(place == ["type:x"])
        }
    }

    @Test func `a logger's names in quotes are read as what they mean`() throws {
        let line = #"2025-07-03 06:57:16.157 [info]  "\x01a b.c": connection_log  ID=x"#
        let read = try Decoded(Array(line.utf8) + [0x0a], .slogHuman, .none, 1 << 20, piece: .max)
        let record = String(decoding: try #require(read.records.first), as: UTF8.self)
        #expect(record.contains(#""logger_names":["\u0001a b","c"]"#), "\(record)")
    }

    @Test func `the key of a value of several lines is read as what it means, in quotes too`() throws {
        let lines = "2025-07-03 06:57:16.157 [info]  connection_log  ID=x ...\n    \"a=b\"= one\n           two\n"
        let read = try Decoded(Array(lines.utf8), .slogHuman, .none, 1 << 20, piece: .max)
        let record = String(decoding: try #require(read.records.first), as: UTF8.self)
        #expect(record.contains(#""a=b":"one\ntwo""#), "\(record)")
    }

    @Test(arguments: 1...7)
    func `zeros that are cut off after the last record cost nothing, and the queue goes on`(cut: Int) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "connlog-finding-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let coding = RecordCoding(QueueID(bytes: Array(1...16)))
        var segment = ByteBuffer()
        SegmentHeader(queueID: coding.queueID, first: 0, created: 1, provenBytes: 64, isRecycled: false)
            .append(to: &segment)
        // One byte, and seven zeros after it.
        let event: [UInt8] = [0x61]
        coding.append(.event, event.span, offset: 0, endsBatch: true, to: &segment)
        try Data(segment.array.dropLast(cut)).write(to: folder.appending(path: SegmentName.of(0)))

        let queue = try Queue.open(folder.path)
        _ = try queue.registerSink("a", quota: nil, onFull: .block)
        var more = RecordBatch()
        more.append(event.span)
        try await queue.enqueue(more)
        try await queue.flush()
        var reader = queue.reader(for: "a")
        var read = RecordBatch()
        while try reader.read(into: &read, maxEvents: 10, maxBytes: 100) > 0 {}
        #expect(read.count == 2)
        await queue.close()
    }
}
