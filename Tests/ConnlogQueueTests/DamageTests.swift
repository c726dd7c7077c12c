@testable import ConnlogQueue
import ConnlogSystem
import ConnlogTestSupport
import Testing

@Suite struct DamageTests {
    private static let words = (0..<12).map { "event \($0) " + String(repeating: "k", count: 30 * $0) }

    /// A closed queue with several segments; sink "a" has committed 2.
    private func closedQueue() async throws -> Bench {
        let bench = Bench()
        let queue = try bench.open()
        _ = try queue.registerSink("a", quota: nil, onFull: .block)
        for word in Self.words { try await queue.store([word], [("source", [1])]) }
        try queue.commit("a", offset: 2, state: [2])
        await queue.close()
        return bench
    }

    /// Opens, reads everything, and says how many of the events are there; they must be some of those, in order.
    private func survivors(
        _ disk: SimulatedFileSystem, _ place: String, isNoticed: Bool = true
    ) async throws -> Int {
        let queue = try Bench(disk).open()
        let position = try queue.registerSink("a", quota: nil, onFull: .block)
        let texts = try queue.readAll("a")
        let kept = texts.compactMap { Self.words.firstIndex(of: $0) }
        #expect(kept.count == texts.count, "invented after \(place)")
        #expect(kept == kept.sorted(), "out of order after \(place)")
        try await queue.store(["more"])
        #expect(try queue.readAll("a").last == "more", "no more after \(place)")
        let lost = Self.words.count - Int(position.offset) - texts.count
        if lost > 0, isNoticed { #expect(queue.status.damagedPlaces > 0, "\(lost) lost without a word after \(place)") }
        await queue.close()
        return texts.count
    }

    @Test func `a flipped bit costs one event at most`() async throws {
        let original = try await closedQueue().disk
        for name in original.names where name.hasPrefix("/q/") && name != "/q/offsets" {
            let bytes = original.bytes(name)
            for index in bytes.indices where index % 7 == 0 || index < 96 {
                let disk = original.killed()
                var damaged = bytes
                damaged[index] ^= 1 << UInt8(index % 8)
                disk.setBytes(name, damaged)
                let count = try await survivors(disk, "bit in \(name) at \(index)")
                #expect(count >= 9, "\(name) at \(index): \(count) left")
            }
        }
    }

    @Test func `damaged offsets make events pending again and lose none`() async throws {
        let original = try await closedQueue().disk
        let bytes = original.bytes("/q/offsets")
        for damaged in [[], [1, 2, 3], [UInt8](repeating: 0, count: bytes.count), Array(bytes.reversed())] {
            let disk = original.killed()
            disk.setBytes("/q/offsets", damaged)
            #expect(try await survivors(disk, "offsets of \(damaged.count) bytes") == 12)
        }
        let disk = original.killed()
        disk.moveAside("/q/offsets", to: nil)
        #expect(try await survivors(disk, "no offsets") == 12)
    }

    @Test func `missing, empty, foreign and swapped segments cost no others`() async throws {
        let original = try await closedQueue().disk
        let segments = original.names.filter { $0.hasSuffix(".seg") }
        let other = try await closedQueue().disk
        for name in segments {
            let disk = original.killed()
            disk.setBytes(name, [])
            #expect(try await survivors(disk, "empty \(name)") >= 3)
            let without = original.killed()
            without.moveAside(name, to: nil)
            // Nothing tells of a last segment that is gone as a whole.
            let isNoticed = name != segments.last
            #expect(try await survivors(without, "missing \(name)", isNoticed: isNoticed) >= 3)
            let foreign = original.killed()
            foreign.setBytes(name, other.bytes(other.names.first { $0.hasSuffix(".seg") } ?? ""))
            #expect(try await survivors(foreign, "foreign \(name)") >= 3)
        }
        let swapped = original.killed()
        swapped.setBytes(segments[0], original.bytes(segments[1]))
        swapped.setBytes(segments[1], original.bytes(segments[0]))
        _ = try await survivors(swapped, "swapped")
    }

    @Test func `a segment cut at any byte keeps what is before the cut`() async throws {
        let original = try await closedQueue().disk
        let name = original.names.filter { $0.hasSuffix(".seg") }[0]
        let bytes = original.bytes(name)
        for length in stride(from: 0, to: bytes.count, by: 5) {
            let disk = original.killed()
            disk.setBytes(name, Array(bytes[..<length]))
            _ = try await survivors(disk, "cut at \(length)")
        }
    }

    @Test func `a sector that cannot be read costs the events in it`() async throws {
        let bench = try await closedQueue()
        let name = bench.disk.names.filter { $0.hasSuffix(".seg") }[0]
        bench.disk.setUnreadable(name, 600..<601)
        let queue = try bench.open()
        _ = try queue.registerSink("a", quota: nil, onFull: .block)
        #expect(try queue.readAll("a", from: 0).count >= 3)
        await queue.close()
    }

    @Test func `a header, an event, a checkpoint and a mark are these bytes`() {
        let coding = RecordCoding(QueueID(bytes: Array(0..<16)))
        var bytes = ByteBuffer()
        let header = SegmentHeader(
            queueID: coding.queueID, first: 5, created: 1_700_000_000_000_000_000, provenBytes: 128, isRecycled: false)
        header.append(to: &bytes)
        let event = Array("abc".utf8)
        coding.append(.event, event.span, offset: 5, endsBatch: false, to: &bytes)
        let value = CheckpointCoding.payload("k", [9])
        coding.append(.checkpoint, value.span, offset: 6, endsBatch: true, to: &bytes)
        let nothing: [UInt8] = []
        coding.append(.mark, nothing.span, offset: 6, endsBatch: false, to: &bytes)
        let hex = bytes.array.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
        let golden = [
            // Header: magic, version 1, length 64, flags; id; first offset 5; created; 128 proven bytes; zero, checksum.
            "434f4e4e4c4f4751", "01004000", "00000000", "000102030405060708090a0b0c0d0e0f", "0500000000000000",
            "00002a36fe9c9717", "8000000000000000", "00000000", "9dc62c02",
            // Event "abc": checksum, kind 1 and length 3, offset 5, payload, padding.
            "e880a69c", "03000010", "0500000000000000", "6162630000000000",
            // Checkpoint "k" = 9, the last of its batch: offset 6, length of the key, 1, zero, key, value, padding.
            "6ffc4486", "060000a0", "0600000000000000", "0100", "01", "00", "6b", "09", "0000",
            // Mark: offset 6.
            "7b621d6d", "00000030", "0600000000000000",
        ]
        #expect(hex == golden.joined())
        #expect(SegmentHeader.read(bytes.span) == .valid(header))
    }
}
