@testable import ConnlogQueue
import ConnlogSystem
import ConnlogTestSupport
import Testing

/// What went wrong for users of other forwarders, as far as it is about the queue or the delivery, and the test that keeps it from happening here, or why it cannot.
///
///     state file wrong or lost, names reused   DamageTests (offsets); here: `offsets that are lost never …`
///     bad records crash the reader             DamageTests (bits, zeros, cuts); Tests/Fuzz
///     damage is thrown away                    DamageTests (quarantine holds the bytes); `queue export` replays
///     power-off, kill, stop with sinks down    CrashTests (crash and kill at any call); nothing needs saving
///     loses by default                         here: `the defaults are the safe ones`; retries never end
///     after the second outage all is different here: `outage, drain, outage …`
///     one dead sink stops the others           QuotaTests (bound, quota); DeliveryTests
///     a blocked logger blocks its producer     sources read files and pipes; coderd never waits for a file
///     a slow disk is invisible                 `QueueStatus.state`; only the queue's own threads wait for it
///     sent is not delivered                    a commit needs the sink's proof: DeliveryTests, Syslog tests
///     restart waits for data that cannot come  CrashTests (torn tails, kill); opening reads one segment
///     deleted before the offsets are on disk   CrashTests, mutation `deletionBeforePublishing`
///     a new file's name is not on disk         CrashTests, mutation `withoutDirectorySync`
///     acknowledged before it is on disk        CrashTests, mutation `withoutDataSync`; DurabilityTests
///     a full disk ends the process             FaultTests (ENOSPC, EDQUOT at any call); CrashTests `fullDisk`
///     looks full after a crash                 here: `the room taken is reckoned anew …`
///     one oversized record ends everything     here: `a batch that can never fit is refused alone`
///     a new version orphans old data           here: `a newer format is refused and not touched`; golden bytes
///     one bad chunk: no start, or all lost     DamageTests: only events that were hit are missing
///     bad files reported for ever              here: `a damaged place is kept once and within a bound`
///     limits not in bytes, not kept            QuotaTests: `the disk never holds more than queue_size …`
///     what happens when full is unclear        QuotaTests: block and drop_oldest, each at both bounds
///     one output takes all slots; stampede     a thread and an offset for each sink; full-jitter Backoff
///     poison is retried for ever, or drops all DeliveryTests (isolation by number and by halving)
///     dead letters wiped at restart            here: `dead letters are no business of the queue's`
///     a broken store starts empty              DamageTests: what is whole is read, whatever else is not
///     cannot delete when full; never shrinks   FaultTests (full disk drains); whole files go; leftovers in CrashRun
///     resizing or renaming orphans data        here: `the bound may change …`; QuotaTests (sinks that are gone)
///     the directory vanishes                   a failed write like any other: told, tried again, never a crash;
///                                              a data_dir in memory is told at the start
///     names, TLS, framing, datagrams           the syslog sink's, not the queue's: Tests/ConnlogSinksTests/Syslog
///     rotation, compression, ghost inodes      the file sink's: FileSinkTests, FileCrashTests
@Suite struct ComplaintTests {
    @Test func `the defaults are the safe ones`() {
        let options = QueueOptions()
        #expect(options.durability == .sync)
        #expect(options.queueBytesMax == 8 << 30)
        #expect(options.commitSyncInterval <= .seconds(1))
    }

    @Test func `offsets that are lost never give a name or an offset twice`() async throws {
        let bench = Bench()
        var queue = try bench.open()
        _ = try queue.registerSink("a", quota: nil, onFull: .block)
        let words = (0..<20).map { "\($0) " + String(repeating: "n", count: 300) }
        for word in words { try await queue.store([word]) }
        try queue.commit("a", offset: 20)
        await queue.close()
        let last = bench.disk.names.last { $0.hasSuffix(".seg") } ?? ""
        bench.disk.moveAside("/q/offsets", to: nil)
        queue = try bench.open()
        #expect(queue.report.offsetsLost)
        try await queue.store(["new"])
        #expect(queue.end == 21)
        #expect(bench.disk.names.filter { $0.hasSuffix(".seg") }.contains { $0 > last })
        let texts = try queue.readAll("b")
        #expect(texts == Array(words.suffix(texts.count - 1)) + ["new"])
        await queue.close()
    }

    @Test func `after the log is lost no sink takes new events for ones it has`() async throws {
        let bench = Bench()
        var queue = try bench.open()
        _ = try queue.registerSink("a", quota: nil, onFull: .block)
        for number in 0..<9 { try await queue.store(["\(number)"]) }
        try queue.commit("a", offset: 9)
        await queue.close()
        for name in bench.disk.names where name.hasSuffix(".seg") { bench.disk.moveAside(name, to: nil) }
        queue = try bench.open()
        #expect(queue.report.missingEvents == 9)
        _ = try queue.registerSink("a", quota: nil, onFull: .block)
        try await queue.store(["new"])
        #expect(try queue.readAll("a") == ["new"])
        await queue.close()
    }

    @Test func `outage, drain, outage: the last time is as the first`() async throws {
        var bench = Bench()
        bench.options.queueBytesMax = QueueOptions.queueBytesLeast
        bench.options.segmentBytes = 16 << 10
        let queue = try bench.open()
        _ = try queue.registerSink("a", quota: 100_000, onFull: .block)
        var next = 0
        for cycle in 0..<40 {
            let waiting = Task { for _ in 0..<30 { try await queue.store([String(repeating: "o", count: 6000)]) } }
            while queue.status.state != .sinkFull(sink: "a") { await Task.yield() }
            while next < (cycle + 1) * 30 {
                next += try queue.readAll("a", from: UInt64(next)).count
                try queue.commit("a", offset: UInt64(next))
                await Task.yield()
            }
            try await waiting.value
            await bench.pass(.seconds(2))
            #expect(queue.status.segments <= 2 && queue.status.sinks[0].lag == 0, "cycle \(cycle)")
            #expect(queue.status.sinks[0].dropped == 0)
        }
        await queue.close()
    }

    @Test(arguments: 0..<10 as Range<UInt64>)
    func `the room taken is reckoned anew from the files after a crash`(seed: UInt64) async throws {
        let bench = Bench()
        let queue = try bench.open()
        _ = try queue.registerSink("a", quota: nil, onFull: .block)
        for number in 0..<20 {
            try await queue.store(["\(number) " + String(repeating: "u", count: 50 * number)])
            if number % 6 == 5 { try queue.commit("a", offset: UInt64(number)) }
        }
        queue.abandon()
        await queue.close()
        let disk = bench.disk.restarted(seed: seed)
        let after = try Bench(disk).open()
        #expect(after.status.bytesOnDisk == disk.usedBytes)
        await after.close()
    }

    @Test func `a batch that can never fit is refused alone`() async throws {
        var bench = Bench()
        bench.options.queueBytesMax = QueueOptions.queueBytesLeast
        let queue = try bench.open()
        try await queue.store(["before"])
        await #expect(throws: QueueError.self) { try await queue.store([String(repeating: "b", count: 70_000)]) }
        try await queue.store(["after"])
        #expect(try queue.readAll("a") == ["before", "after"])
        await queue.close()
    }

    @Test func `a newer format is refused and not touched`() async throws {
        let original = Bench()
        let queue = try original.open()
        _ = try queue.registerSink("a", quota: nil, onFull: .block)
        for number in 0..<9 { try await queue.store(["\(number) " + String(repeating: "v", count: 400)]) }
        await queue.close()
        let last = original.disk.names.last { $0.hasSuffix(".seg") } ?? ""
        // Where the checksum is, and what it covers; the second part of a slot ends where its field at 16 says.
        for (name, place, covered) in [(last, 60, [(0, 60)]), ("/q/offsets", 12, [(0, 12), (16, 0)])] {
            let disk = original.disk.killed()
            var bytes = disk.bytes(name)
            // Both slots of the offsets are of the newer version.
            let starts = name == last ? [0] : [0, bytes.count / 2]
            for start in starts where bytes[start] != 0 {
                bytes[start + 8] = 2
                var checksum = CRC32C()
                for (lower, upper) in covered {
                    let end = upper > 0 ? upper : Int(ByteBuffer(bytes[start...]).span.uint32(at: 16))
                    checksum.update(Array(bytes[start + lower..<start + end]).span)
                }
                for index in 0..<4 {
                    bytes[start + place + index] = UInt8(checksum.value >> (8 * UInt32(index)) & 0xff)
                }
            }
            disk.setBytes(name, bytes)
            let before = Dictionary(uniqueKeysWithValues: disk.names.map { ($0, disk.bytes($0)) })
            #expect(throws: QueueError.newerFormat(file: name == last ? last : "offsets", version: 2)) {
                _ = try Bench(disk).open()
            }
            #expect(Dictionary(uniqueKeysWithValues: disk.names.map { ($0, disk.bytes($0)) }) == before)
        }
    }

    @Test func `a damaged place is kept once and within a bound`() async throws {
        var bench = Bench()
        let queue = try bench.open()
        for number in 0..<60 { try await queue.store(["\(number) " + String(repeating: "x", count: 300)]) }
        await queue.close()
        for name in bench.disk.names where name.hasSuffix(".seg") {
            var bytes = bench.disk.bytes(name)
            for place in stride(from: 200, to: bytes.count, by: 400) { bytes[place] ^= 1 }
            bench.disk.setBytes(name, bytes)
        }
        bench.options.quarantineBytesMax = 4000
        let kept = { bench.disk.names.filter { $0.hasPrefix("/q/quarantine/") } }
        var first: [String] = []
        for life in 0..<3 {
            let queue = try bench.open()
            _ = try queue.readAll("a")
            _ = try queue.readAll("b")
            #expect(queue.status.damagedPlaces > 10)
            await queue.close()
            if life == 0 { first = kept() } else { #expect(kept() == first) }
        }
        #expect(!first.isEmpty && first.reduce(0) { $0 + bench.disk.bytes($1).count } <= 4000)
    }

    @Test func `dead letters are no business of the queue's`() async throws {
        let bench = Bench()
        var queue = try bench.open()
        try await queue.store(["1"])
        await queue.close()
        try bench.disk.createDirectory("/q/dead-letter")
        try bench.disk.createDirectory("/q/dead-letter/a")
        bench.disk.setBytes("/q/dead-letter/a/00000000000000000000.seg", [1, 2, 3])
        bench.disk.setBytes("/q/dead-letter/a/x.tmp", [4])
        queue = try bench.open()
        #expect(queue.report.damage.isEmpty)
        await queue.close()
        #expect(bench.disk.bytes("/q/dead-letter/a/00000000000000000000.seg") == [1, 2, 3])
        #expect(bench.disk.bytes("/q/dead-letter/a/x.tmp") == [4])
    }

    @Test func `the bound may change at any start, above and below what is there`() async throws {
        var bench = Bench()
        var queue = try bench.open()
        _ = try queue.registerSink("a", quota: nil, onFull: .block)
        for number in 0..<100 { try await queue.store(["\(number) " + String(repeating: "s", count: 5000)]) }
        await queue.close()
        bench.options.queueBytesMax = QueueOptions.queueBytesLeast
        queue = try bench.open()
        _ = try queue.registerSink("a", quota: nil, onFull: .block)
        #expect(try queue.readAll("a").count == 100)
        let waiting = Task { [queue] in try await queue.store(["101"]) }
        while queue.status.state != .full(sink: "a") { await Task.yield() }
        try queue.commit("a", offset: 100)
        try await waiting.value
        #expect(bench.disk.usedBytes <= bench.options.queueBytesMax)
        await queue.close()
    }
}
