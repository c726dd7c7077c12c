@testable import ConnlogQueue
import ConnlogSystem
import ConnlogTestSupport
import Testing

/// Looking at a queue from outside.
@Suite struct InspectTests {
    private static let words = (0..<12).map { "event \($0) " + String(repeating: "k", count: 30 * $0) }

    /// What a walk came to.
    private struct Walked: Equatable {
        var texts: [String] = []
        var offsets: [UInt64] = []
        var checkpoints = 0
        var damage: [Damage] = []
        var released: [Range<UInt64>] = []
        var lost: UInt64 { damage.reduce(0) { $0 + $1.events } }
    }

    private func walk(_ snapshot: QueueSnapshot, _ offsets: Range<UInt64> = 0..<UInt64.max) throws -> Walked {
        var walk = QueueWalk(snapshot, offsets: offsets)
        var found = Walked()
        found.damage = snapshot.damage
        while let step = try walk.next() {
            switch step {
            case .event(let offset):
                var batch = RecordBatch()
                walk.appendRecord(to: &batch)
                found.texts += batch.texts
                found.offsets.append(offset)
            case .checkpoint: found.checkpoints += 1
            case .mark: break
            case .damage(let damage): found.damage.append(damage)
            case .released(let range): found.released.append(range)
            }
        }
        #expect(walk.bytesSoFar == walk.bytesInAll)
        return found
    }

    /// Several segments; sink "a" has committed 2. Closed or still open, as the caller likes.
    private func filled() async throws -> (Bench, Queue) {
        var bench = Bench()
        bench.options.segmentBytes = 1024
        let queue = try bench.open()
        _ = try queue.registerSink("a", quota: nil, onFull: .block)
        for word in Self.words { try await queue.store([word], [("source", [1])]) }
        try queue.commit("a", offset: 2, state: [2])
        return (bench, queue)
    }

    @Test func `a queue in use is seen whole, and nothing of it is touched`() async throws {
        let (bench, queue) = try await filled()
        let calls = bench.disk.calls
        let before = bench.disk.names.map { bench.disk.bytes($0) }
        let snapshot = try QueueSnapshot.take("/q", fileSystem: bench.disk)
        let found = try walk(snapshot)
        #expect(found.texts == Self.words && found.offsets == Array(0..<12))
        #expect(found.damage.isEmpty && found.released.isEmpty && found.checkpoints >= 12)
        #expect(snapshot.segments.count > 2 && snapshot.end == 12 && snapshot.oldest == 0)
        #expect(snapshot.sinks.map(\.name) == ["a"] && snapshot.sinks[0].committed == 2 && snapshot.sinks[0].lag == 10)
        #expect(snapshot.checkpoints == ["source": [1]])
        #expect(bench.disk.names.map { bench.disk.bytes($0) } == before)
        #expect(bench.disk.calls == calls, "a call that changes something: \(bench.disk.trace.suffix(3))")
        await queue.close()
    }

    @Test func `a part is what it says, wherever it begins and ends`() async throws {
        let (bench, queue) = try await filled()
        await queue.close()
        let snapshot = try QueueSnapshot.take("/q", fileSystem: bench.disk)
        for first in 0...12 {
            for end in first...12 {
                let found = try walk(snapshot, UInt64(first)..<UInt64(end))
                #expect(found.texts == Array(Self.words[first..<end]), "\(first)..<\(end)")
            }
        }
    }

    @Test func `a flipped bit is told with its place, costs one event at most, and is never missed`() async throws {
        let (original, queue) = try await filled()
        await queue.close()
        let disk = original.disk
        for name in disk.names where name.hasSuffix(".seg") {
            let bytes = disk.bytes(name)
            for index in bytes.indices where index % 5 == 0 || index < 96 {
                let copy = disk.killed()
                var damaged = bytes
                damaged[index] ^= 1 << UInt8(index % 8)
                copy.setBytes(name, damaged)
                let snapshot = try QueueSnapshot.take("/q", fileSystem: copy)
                let found = try walk(snapshot)
                let place = "\(name) at \(index)"
                #expect(found.texts.allSatisfy { Self.words.contains($0) }, "invented after \(place)")
                #expect(found.offsets == found.offsets.sorted(), "out of order after \(place)")
                if found.texts.count < 12 {
                    let isTail = snapshot.tornBytes > 0 && UInt64(found.texts.count) + found.lost == snapshot.end
                    #expect(UInt64(found.texts.count) + found.lost == 12 || isTail, "\(place): \(found.damage)")
                }
                #expect(found.texts.count >= 9, "\(place): \(found.texts.count) left")
            }
        }
    }

    @Test func `missing, foreign and empty segments are told, and the others are read`() async throws {
        let (original, queue) = try await filled()
        await queue.close()
        let (other, otherQueue) = try await filled()
        await otherQueue.close()
        let segments = original.disk.names.filter { $0.hasSuffix(".seg") }
        for name in segments.dropLast() {
            let missing = original.disk.killed()
            missing.moveAside(name, to: nil)
            if name != segments.first {
                let found = try walk(QueueSnapshot.take("/q", fileSystem: missing))
                #expect(found.lost > 0 && UInt64(found.texts.count) + found.lost == 12, "missing \(name)")
            }
            for bytes in [[], other.disk.bytes(name)] {
                let disk = original.disk.killed()
                disk.setBytes(name, bytes)
                let found = try walk(QueueSnapshot.take("/q", fileSystem: disk))
                #expect(found.lost > 0 && UInt64(found.texts.count) + found.lost == 12, "\(name): \(found.damage)")
            }
        }
    }

    @Test func `damaged offsets are told, and one good slot is enough`() async throws {
        let (original, queue) = try await filled()
        await queue.close()
        let bytes = original.disk.bytes("/q/offsets")
        let gone = original.disk.killed()
        gone.setBytes("/q/offsets", [UInt8](repeating: 7, count: bytes.count))
        let lost = try QueueSnapshot.take("/q", fileSystem: gone)
        #expect(lost.offsetsLost && lost.damage.count == 2 && lost.sinks.isEmpty)
        #expect(try walk(lost).texts == Self.words)
        let half = original.disk.killed()
        half.setBytes("/q/offsets", [UInt8](repeating: 7, count: bytes.count / 2) + bytes[(bytes.count / 2)...])
        let other = original.disk.killed()
        other.setBytes("/q/offsets", bytes[..<(bytes.count / 2)] + [UInt8](repeating: 7, count: bytes.count / 2))
        let snapshots = try [half, other].map { try QueueSnapshot.take("/q", fileSystem: $0) }
        #expect(snapshots.allSatisfy { !$0.offsetsLost && $0.damage.map(\.kind) == [.offsetsSlot] })
        #expect(snapshots.contains { $0.sinks.first?.committed == 2 })
    }

    @Test func `segments that go while they are read are no damage`() async throws {
        let (bench, queue) = try await filled()
        let snapshot = try QueueSnapshot.take("/q", fileSystem: bench.disk)
        try queue.commit("a", offset: 12)
        try queue.syncCommits()
        try await queue.store(["more"])
        await queue.close()
        // The next start lets go of what every sink is past, if closing has not.
        await (try bench.open()).close()
        let found = try walk(snapshot)
        #expect(found.damage.isEmpty, "\(found.damage)")
        #expect(!found.released.isEmpty)
        let released = found.released.reduce(0) { $0 + $1.count }
        #expect(released + found.texts.count >= 12 || found.texts.isEmpty)
    }

    @Test func `an unfinished write at the end is no damage`() async throws {
        let (original, queue) = try await filled()
        await queue.close()
        let name = try #require(original.disk.names.last { $0.hasSuffix(".seg") })
        let bytes = original.disk.bytes(name)
        for length in stride(from: bytes.count - 1, to: max(bytes.count - 200, 200), by: -1) {
            let disk = original.disk.killed()
            disk.setBytes(name, Array(bytes[..<length]))
            let snapshot = try QueueSnapshot.take("/q", fileSystem: disk)
            let found = try walk(snapshot)
            #expect(found.texts == Array(Self.words.prefix(found.texts.count)), "cut at \(length)")
            #expect(found.texts.count >= 10 && found.lost == 0, "cut at \(length): \(found.damage)")
        }
    }

    @Test func `a queue that is not there, and one of a newer connlog, are errors`() async throws {
        #expect(throws: QueueError.self) { try QueueSnapshot.take("/nowhere", fileSystem: SimulatedFileSystem()) }
        let (bench, queue) = try await filled()
        await queue.close()
        let name = try #require(bench.disk.names.first { $0.hasSuffix(".seg") })
        var bytes = ByteBuffer(bench.disk.bytes(name))
        bytes.store(littleEndian: UInt32(9) | 64 << 16, at: 8)
        var checksum = CRC32C()
        checksum.update(bytes.span(0..<60))
        bytes.store(littleEndian: checksum.value, at: 60)
        bench.disk.setBytes(name, bytes.array)
        #expect(throws: QueueError.newerFormat(file: name, version: 9)) {
            try QueueSnapshot.take("/q", fileSystem: bench.disk)
        }
    }
}

/// Whole segments that are gone.
@Suite struct MissingSegmentTests {
    @Test(arguments: [0, 1, -1]) func `a segment that a sink still needs and that is gone is damage`(
        place: Int
    ) async throws {
        var bench = Bench()
        bench.options.segmentBytes = 1024
        let queue = try bench.open()
        for sink in ["a", "b"] { _ = try queue.registerSink(sink, quota: nil, onFull: .block) }
        for number in 0..<12 { try await queue.store(["\(number) " + String(repeating: "k", count: 300)]) }
        try queue.commit("a", offset: 12)
        try queue.syncCommits()
        await queue.close()
        #expect(try QueueSnapshot.take("/q", fileSystem: bench.disk).damage.isEmpty)
        let names = bench.disk.names.filter { $0.hasSuffix(".seg") }
        bench.disk.moveAside(place < 0 ? names[names.count - 1] : names[place], to: nil)
        let snapshot = try QueueSnapshot.take("/q", fileSystem: bench.disk)
        var lost = snapshot.damage.filter { $0.kind == .missingSegment }.reduce(0) { $0 + $1.events }
        var walk = QueueWalk(snapshot)
        while let step = try walk.next() {
            if case .damage(let damage) = step { lost += damage.events }
        }
        #expect(lost > 0)
        #expect(lost == 12 - UInt64(try events(snapshot)))
    }

    private func events(_ snapshot: QueueSnapshot) throws -> Int {
        var walk = QueueWalk(snapshot)
        var count = 0
        while let step = try walk.next() { if case .event = step { count += 1 } }
        return count
    }

    @Test func `what every sink is past may be gone`() async throws {
        var bench = Bench()
        bench.options.segmentBytes = 1024
        let queue = try bench.open()
        _ = try queue.registerSink("a", quota: nil, onFull: .block)
        for number in 0..<12 {
            try await queue.store(["\(number) " + String(repeating: "k", count: 300)])
            try queue.commit("a", offset: queue.end)
            #expect(try QueueSnapshot.take("/q", fileSystem: bench.disk).damage.isEmpty)
        }
        try queue.syncCommits()
        await queue.close()
        #expect(try QueueSnapshot.take("/q", fileSystem: bench.disk).damage.isEmpty)
    }
}
