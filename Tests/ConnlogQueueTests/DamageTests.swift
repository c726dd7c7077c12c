@testable import ConnlogQueue
import ConnlogSystem
import ConnlogTestSupport
import Testing

/// What a disk may do to a queue at rest: opening always succeeds, only what was hit is lost, and it is told and kept.
@Suite struct DamageTests {
    private static let words = (0..<12).map { "event \($0) " + String(repeating: "k", count: 30 * $0) }

    /// Files that a process left, and where the events are in them.
    private struct Original {
        let disk: SimulatedFileSystem
        var places: [(file: String, bytes: Range<Int>)] = []
        var segments: [String] { disk.names.filter { $0.hasSuffix(".seg") } }

        init(_ disk: SimulatedFileSystem) throws {
            self.disk = disk
            let id = try #require(try OffsetsFile.load("/q", disk).contents).newest.queueID
            let firsts = segments.compactMap { SegmentName.first(of: String($0.dropFirst(3))) }
            for (name, first) in zip(segments, firsts) {
                let next = firsts.first { $0 > first } ?? .max
                var walker = SegmentWalker(
                    try disk.open(name, .read), RecordCoding(id), expected: first, limit: disk.bytes(name).count)
                walking: while walker.expected < next {
                    let start = walker.position
                    switch try walker.next() {
                    case .record(.event, _, _, _): places.append((name, start..<walker.position))
                    case .record, .gap: break
                    case .end: break walking
                    }
                }
            }
        }

        /// The events in a part of a file.
        func events(in file: String, _ bytes: Range<Int>) -> Set<Int> {
            Set(places.indices.filter { places[$0].file == file && places[$0].bytes.overlaps(bytes) })
        }

        func events(in files: String...) -> Set<Int> {
            Set(places.indices.filter { files.contains(places[$0].file) })
        }
    }

    /// A queue with several segments, one group for each event; sink "a" has committed 2.
    private func original(closed: Bool = true) async throws -> Original {
        let bench = Bench()
        let queue = try bench.open()
        _ = try queue.registerSink("a", quota: nil, onFull: .block)
        for word in Self.words { try await queue.store([word], [("source", [1])]) }
        try queue.commit("a", offset: 2, state: [2])
        if !closed { queue.abandon() }
        await queue.close()
        return try Original(bench.disk.killed())
    }

    /// Opens the damaged disk and reads it all: only events of `hit` may be missing, nothing is invented or out of order,
    /// more can be stored, and what is missing is told and kept.
    private func survives(
        _ disk: SimulatedFileSystem, hit: Set<Int>, _ place: String, isNoticed: Bool = true
    ) async throws {
        let before = Dictionary(uniqueKeysWithValues: disk.names.map { ($0, disk.bytes($0)) })
        let queue = try Bench(disk).open()
        let position = try queue.registerSink("a", quota: nil, onFull: .block).offset
        // Where the oldest segment is gone, a sink begins at the next one, and that is told.
        let isMissing = queue.report.damage.contains { $0.kind == .missingSegment }
        #expect(position <= 2 || isMissing, "an offset was invented after \(place)")
        let texts = try queue.readAll("a")
        let kept = texts.compactMap { Self.words.firstIndex(of: $0) }
        #expect(kept.count == texts.count, "an event was invented after \(place)")
        #expect(kept == kept.sorted(), "out of order after \(place)")
        let lost = Set(min(2, Int(position))..<Self.words.count).subtracting(kept)
        #expect(lost.isSubset(of: hit), "\(lost.subtracting(hit)) lost without having been hit by \(place)")
        try await queue.store(["more"])
        #expect(try queue.readAll("a").last == "more", "no more after \(place)")
        if !lost.isEmpty, isNoticed { expectTold(queue, before, disk, place) }
        await queue.close()
    }

    /// The damage is counted, has a file and a position, and its bytes are in quarantine.
    private func expectTold(
        _ queue: Queue, _ before: [String: [UInt8]], _ disk: SimulatedFileSystem, _ place: String
    ) {
        let damages = queue.report.damage + queue.status.recentDamage
        #expect(queue.status.damagedPlaces > 0 && !damages.isEmpty, "not a word about \(place)")
        for damage in damages where damage.kind == .records || damage.kind == .tornTail {
            guard let file = before["/q/\(damage.file)"], damage.position < file.count else { continue }
            let bytes = Array(file[damage.position..<min(file.count, damage.position + damage.bytes)])
            let copy = disk.bytes("/q/quarantine/\(damage.file)-\(damage.position)")
            #expect(copy.starts(with: bytes), "the bytes of \(damage) are not in quarantine after \(place)")
        }
    }

    @Test(arguments: [true, false])
    func `a flipped bit costs the event it is in, whether the queue was closed or killed`(closed: Bool) async throws {
        let original = try await original(closed: closed)
        for name in original.segments {
            let bytes = original.disk.bytes(name)
            for index in bytes.indices where index % 13 == 0 || index < 80 {
                let disk = original.disk.killed()
                var damaged = bytes
                damaged[index] ^= 1 << UInt8(index % 8)
                disk.setBytes(name, damaged)
                var hit = original.events(in: name, index..<index + 1)
                // In a group that nothing proves whole, everything from the first damage on may be a torn write.
                if !closed, name == original.segments.last { hit.insert(Self.words.count - 1) }
                try await survives(disk, hit: hit, "bit in \(name) at \(index)")
            }
        }
    }

    @Test func `a zeroed sector costs the events in it`() async throws {
        let original = try await original()
        for name in original.segments {
            let bytes = original.disk.bytes(name)
            for start in stride(from: 0, to: bytes.count, by: 512) {
                let disk = original.disk.killed()
                let range = start..<min(bytes.count, start + 512)
                var damaged = bytes
                damaged.replaceSubrange(range, with: [UInt8](repeating: 0, count: range.count))
                disk.setBytes(name, damaged)
                try await survives(disk, hit: original.events(in: name, range), "zeros in \(name) at \(start)")
            }
        }
    }

    @Test func `a segment cut at any byte keeps what is before the cut`() async throws {
        let original = try await original()
        for name in original.segments {
            let bytes = original.disk.bytes(name)
            for length in stride(from: 0, to: bytes.count, by: 7) {
                let disk = original.disk.killed()
                disk.setBytes(name, Array(bytes[..<length]))
                var hit = original.events(in: name, length..<bytes.count)
                let isLast = name == original.segments.last
                // Of the last group that is left nothing says that it is whole: it may lose its end, and where it has
                // lost none, the cut is where the log would end anyway. What was acknowledged there comes again from
                // its source, whose checkpoint was cut off with it.
                let before = original.places.indices.filter { original.places[$0].file == name && !hit.contains($0) }
                if isLast, let last = before.last { hit.insert(last) }
                try await survives(disk, hit: hit, "cut at \(length)", isNoticed: !isLast)
            }
        }
    }

    @Test func `missing, empty, foreign and swapped segments cost no others`() async throws {
        let original = try await original()
        let other = try await self.original()
        let segments = original.segments
        for name in segments {
            let hit = original.events(in: name)
            let disk = original.disk.killed()
            disk.setBytes(name, [])
            try await survives(disk, hit: hit, "empty \(name)")
            let without = original.disk.killed()
            without.moveAside(name, to: nil)
            // Nothing tells of a last segment that is gone as a whole: its checkpoints went with it, so its events come
            // again from their source.
            try await survives(without, hit: hit, "missing \(name)", isNoticed: name != segments.last)
            let foreign = original.disk.killed()
            foreign.setBytes(name, other.disk.bytes(name))
            try await survives(foreign, hit: hit, "foreign \(name)")
        }
        let swapped = original.disk.killed()
        swapped.setBytes(segments[0], original.disk.bytes(segments[1]))
        swapped.setBytes(segments[1], original.disk.bytes(segments[0]))
        try await survives(swapped, hit: original.events(in: segments[0], segments[1]), "swapped")
    }

    @Test func `a last segment that cannot be opened, or is a directory, prevents no start`() async throws {
        let original = try await original()
        let last = original.segments.last ?? ""
        let hit = original.events(in: last)
        let directory = original.disk.killed()
        directory.moveAside(last, to: nil)
        try directory.createDirectory(last)
        try await survives(directory, hit: hit, "directory \(last)")
        #expect(try directory.list("/q/quarantine").contains { last.hasSuffix($0) })
        let foreign = original.disk.killed()
        foreign.setBytes(last, Array("not a segment at all".utf8))
        try await survives(foreign, hit: hit, "text in \(last)")
        #expect(foreign.names.contains { $0.hasPrefix("/q/quarantine/") })
    }

    @Test func `a sector that cannot be read is asked for again, and then costs the events in its block`() async throws
    {
        let original = try await original()
        let name = original.segments[0]
        let disk = original.disk.killed()
        disk.setUnreadable(name, 600..<601)
        let queue = try Bench(disk).open()
        _ = try queue.registerSink("a", quota: nil, onFull: .block)
        var reader = queue.reader(for: "a")
        var kept = RecordBatch()
        var refusals = 0
        while reader.position < queue.end {
            do throws(QueueError) {
                _ = try reader.read(into: &kept, maxEvents: 100, maxBytes: 1 << 20)
            } catch {
                #expect(error == .system(SystemError(code: Errno.inputOutput, call: "pread", subject: name)))
                #expect(queue.status.damagedPlaces == 0)
                refusals += 1
            }
        }
        #expect(refusals == QueueReader.refusalsMax)
        let texts = Set(kept.texts)
        let lost = Set(Self.words.indices.filter { !texts.contains(Self.words[$0]) && $0 >= 2 })
        #expect(!lost.isEmpty && lost.isSubset(of: original.events(in: name)))
        #expect(queue.status.damagedPlaces > 0)
        await queue.close()
    }

    @Test func `a disk that gives nothing for a while costs nothing, however often and wherever`() async throws {
        let original = try await original()
        let name = original.segments[0]
        for place in stride(from: 64, to: original.disk.bytes(name).count, by: 61) {
            let disk = original.disk.killed()
            let queue = try Bench(disk).open()
            _ = try queue.registerSink("a", quota: nil, onFull: .block)
            var reader = queue.reader(for: "a")
            var kept = RecordBatch()
            disk.setUnreadable(name, place..<Int.max)
            for _ in 0..<QueueReader.refusalsMax {
                _ = try? reader.read(into: &kept, maxEvents: 1, maxBytes: 1 << 20)
            }
            disk.setReadable()
            while reader.position < queue.end { _ = try reader.read(into: &kept, maxEvents: 100, maxBytes: 1 << 20) }
            #expect(kept.texts == Array(Self.words.dropFirst(2)), "unreadable from \(place)")
            #expect(queue.status.recentDamage.isEmpty, "unreadable from \(place)")
            await queue.close()
        }
    }

    // MARK: - The offsets

    @Test func `damaged offsets make events pending again and lose none`() async throws {
        let original = try await original()
        let bytes = original.disk.bytes("/q/offsets")
        var damaged: [(what: String, bytes: [UInt8])] = [
            ("empty", []), ("short", [1, 2, 3]), ("zeros", [UInt8](repeating: 0, count: bytes.count)),
            ("backwards", Array(bytes.reversed())),
            ("of another queue", try await self.original().disk.bytes("/q/offsets")),
        ]
        for index in bytes.indices where bytes[index] != 0 || index % 64 == 0 || index % (bytes.count / 2) < 48 {
            var flipped = bytes
            flipped[index] ^= 1 << UInt8((index + 1) % 8)
            damaged.append(("bit at \(index)", flipped))
        }
        for start in stride(from: 0, to: bytes.count, by: 512) {
            var zeroed = bytes
            for index in start..<min(bytes.count, start + 512) { zeroed[index] = 0 }
            damaged.append(("zeros at \(start)", zeroed))
        }
        for length in stride(from: 0, to: bytes.count, by: 97) {
            damaged.append(("cut at \(length)", Array(bytes[..<length])))
        }
        let half = bytes.count / 2
        damaged.append(("slots swapped", Array(bytes[half...] + bytes[..<half])))
        for (what, bytes) in damaged {
            let disk = original.disk.killed()
            disk.setBytes("/q/offsets", bytes)
            try await survives(disk, hit: [], "offsets: \(what)")
        }
        let disk = original.disk.killed()
        disk.moveAside("/q/offsets", to: nil)
        try await survives(disk, hit: [], "no offsets")
    }

    @Test func `offsets that cannot be used are told, and kept in quarantine`() async throws {
        let original = try await original()
        let good = original.disk.bytes("/q/offsets")
        for bytes in [[], [1, 2, 3], [UInt8](repeating: 7, count: good.count)] {
            let disk = original.disk.killed()
            disk.setBytes("/q/offsets", bytes)
            let queue = try Bench(disk).open()
            #expect(queue.report.offsetsLost)
            #expect(queue.report.damage.contains { $0.file == "offsets" })
            #expect(disk.bytes("/q/quarantine/offsets") == bytes)
            await queue.close()
        }
        let disk = original.disk.killed()
        var flipped = good
        flipped[20] ^= 1
        disk.setBytes("/q/offsets", flipped)
        let queue = try Bench(disk).open()
        #expect(!queue.report.offsetsLost)
        #expect(disk.bytes("/q/quarantine/offsets-0") == Array(flipped[..<(flipped.count / 2)]))
        await queue.close()
    }

    @Test func `damage met while reading is told once, with file and position`() async throws {
        let original = try await original()
        let place = original.places[3]
        let disk = original.disk.killed()
        var bytes = disk.bytes(place.file)
        bytes[place.bytes.lowerBound + 20] ^= 1
        disk.setBytes(place.file, bytes)
        let queue = try Bench(disk).open()
        for sink in ["a", "b"] {
            _ = try queue.registerSink(sink, quota: nil, onFull: .block)
            _ = try queue.readAll(sink)
        }
        let damages = queue.takeNotices().compactMap { if case .damage(let damage) = $0 { damage } else { nil } }
        #expect(damages.map(\.file) == [String(place.file.dropFirst(3))])
        #expect(damages.map(\.position) == [place.bytes.lowerBound])
        #expect(damages.map(\.events) == [1])
        #expect(queue.takeNotices().isEmpty)
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
