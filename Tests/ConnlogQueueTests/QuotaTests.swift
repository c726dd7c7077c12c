@testable import ConnlogQueue
import ConnlogSystem
import ConnlogTestSupport
import Synchronization
import Testing

/// Bounds in bytes: of the queue, of each sink, of what the machine keeps free; and what happens at them.
@Suite struct QuotaTests {
    private func text(_ number: Int, _ bytes: Int = 500) -> String {
        "\(number) " + String(repeating: "d", count: bytes)
    }

    @Test(arguments: Array(0..<6 as Range<UInt64>) + Array(TestSeeds.more))
    func `the disk never holds more than queue_size, whatever is going on`(seed: UInt64) async throws {
        var generator = SeededGenerator(seed)
        var disk = SimulatedFileSystem(seed: seed)
        let options = QueueOptions(
            queueBytesMax: QueueOptions.queueBytesLeast, segmentBytes: 16 << 10, freeBytesMin: 0)
        var bench = Bench(disk, options)
        var queue = try bench.open()
        var peak = 0
        var sinks = ["all", "short", "lossy"]
        for round in 0..<120 {
            for (index, sink) in sinks.enumerated() {
                _ = try queue.registerSink(
                    sink, quota: index == 0 ? nil : 60_000, onFull: index == 2 ? .dropOldest : .block)
            }
            let words = (0..<Int.random(in: 1...4, using: &generator)).map {
                text($0, .random(in: 10...9000, using: &generator))
            }
            let isDone = Mutex(false)
            let storing = Task { [queue] in
                try await queue.store(words, [("source", [1])])
                isDone.withLock { $0 = true }
            }
            while !isDone.withLock({ $0 }) {
                switch queue.status.state {
                case .full, .sinkFull:
                    let sink = sinks.randomElement(using: &generator) ?? ""
                    _ = try? queue.readAll(sink)
                    try queue.commit(sink, offset: queue.end, state: [UInt8](repeating: 1, count: round * 8))
                default: break
                }
                await Task.yield()
            }
            try await storing.value
            if round % 20 == 7 { sinks.append("new \(round)") }
            if round % 16 == 5, let name = disk.names.first(where: { $0.hasSuffix(".seg") }) {
                var bytes = disk.bytes(name) + [0]
                bytes[Int.random(in: 64..<bytes.count, using: &generator)] ^= 4
                bytes.removeLast()
                disk.setBytes(name, bytes)
            }
            if round % 30 == 20 {
                if Bool.random(using: &generator) { queue.abandon() }
                await queue.close()
                peak = max(peak, disk.peakBytes)
                disk = disk.killed()
                bench = Bench(disk, options)
                queue = try bench.open()
            }
        }
        await queue.close()
        peak = max(peak, disk.peakBytes)
        #expect(peak <= options.queueBytesMax, "seed \(seed)")
        #expect(peak > options.queueBytesMax / 4, "the bound was never near")
    }

    @Test func `at the queue's bound sources wait, the holder is named, and nobody else waits for it`() async throws {
        var bench = Bench()
        bench.options.queueBytesMax = QueueOptions.queueBytesLeast
        bench.options.segmentBytes = 1 << 20
        let queue = try bench.open()
        _ = try queue.registerSink("a", quota: nil, onFull: .block)
        _ = try queue.registerSink("b", quota: nil, onFull: .block)
        let stored = Mutex(0)
        let waiting = Task {
            for _ in 0..<100 {
                try await queue.store([String(repeating: "q", count: 5000)])
                stored.withLock { $0 += 1 }
            }
        }
        while stored.withLock({ $0 }) < 100 {
            try queue.commit("b", offset: queue.end)
            if case .full(let holder) = queue.status.state {
                #expect(holder == "a")
                try queue.commit("a", offset: queue.end)
            }
            await Task.yield()
        }
        try await waiting.value
        #expect(queue.end == 100)
        #expect(queue.status.sinks.allSatisfy { $0.dropped == 0 })
        await queue.close()
    }

    @Test func `a commit just before the writer begins to wait for one is not missed`() async throws {
        var bench = Bench()
        bench.options.queueBytesMax = QueueOptions.queueBytesLeast
        bench.options.segmentBytes = 1 << 20
        let queue = try bench.open()
        _ = try queue.registerSink("a", quota: nil, onFull: .block)
        let wasPausing = Mutex(false)
        let commits = Mutex(0)
        // The writer asks for the time when it has found no room, and then begins to wait. Locks may be held later.
        bench.timer.whenAsked.withLock {
            $0 = {
                let isPausing = queue.vitals.doing == .pausing
                let begins = wasPausing.withLock { was in
                    defer { was = isPausing }
                    return isPausing && !was
                }
                guard begins else { return }
                commits.withLock { $0 += 1 }
                try? queue.commit("a", offset: queue.end)
            }
        }
        for _ in 0..<100 { try await queue.store([String(repeating: "q", count: 5000)]) }
        #expect(queue.end == 100)
        #expect(commits.withLock { $0 } > 0, "the queue was never full")
        bench.timer.whenAsked.withLock { $0 = nil }
        await queue.close()
    }

    @Test func `a sink at its quota stops sources with block, and they go on when it has committed`() async throws {
        let queue = try Bench().open()
        _ = try queue.registerSink("slow", quota: 8000, onFull: .block)
        _ = try queue.registerSink("all", quota: nil, onFull: .block)
        let waiting = Task { for number in 0..<60 { try await queue.store([text(number)]) } }
        var waits = 0
        while queue.end < 60 {
            if queue.status.state == .sinkFull(sink: "slow") {
                waits += 1
                let lag = queue.end - (queue.status(of: "slow")?.committed ?? 0)
                #expect(lag * 500 <= 8000)
                try queue.commit("slow", offset: queue.end)
            }
            await Task.yield()
        }
        try await waiting.value
        #expect(waits > 2)
        #expect(try queue.readAll("all").count == 60)
        #expect(queue.status(of: "slow")?.dropped == 0)
        await queue.close()
    }

    @Test func `a sink that may drop loses its oldest events, counted by reason, and stops nobody`() async throws {
        let bench = Bench()
        var queue = try bench.open()
        _ = try queue.registerSink("slow", quota: 8000, onFull: .dropOldest)
        _ = try queue.registerSink("all", quota: nil, onFull: .block)
        var reader = queue.reader(for: "slow")
        for number in 0..<60 { try await queue.store([text(number)]) }
        var batch = RecordBatch()
        #expect(try reader.read(into: &batch, maxEvents: 1, maxBytes: 1) == 1)
        let first = Int(reader.position) - 1
        #expect(first > 40)
        #expect(batch.texts[0].hasPrefix("\(first) "))
        #expect(reader.takeSkipped() == UInt64(first))
        #expect(queue.status(of: "slow")?.dropped == UInt64(first))
        #expect(queue.status(of: "slow")?.drops == [.sinkFull: UInt64(first)])
        #expect(queue.status(of: "slow")?.dropping == .sinkFull)
        #expect(try queue.readAll("all").count == 60)
        #expect(queue.takeNotices() == [.dropping(sink: "slow", .sinkFull)])
        // The condition ends when the sink has caught up, and only then is it said how many are gone.
        try queue.commit("slow", offset: queue.end)
        await bench.pass(.seconds(2))
        #expect(queue.takeNotices() == [.dropped(sink: "slow", events: UInt64(first), .sinkFull)])
        #expect(queue.status(of: "slow")?.dropping == nil)
        await queue.close()
        queue = try bench.open()
        #expect(queue.status(of: "slow")?.dropped == UInt64(first))
        await queue.close()
    }

    @Test func `at the queue's bound a sink that may drop makes room, with that as the reason`() async throws {
        var bench = Bench()
        bench.options.queueBytesMax = QueueOptions.queueBytesLeast
        bench.options.segmentBytes = 32 << 10
        let queue = try bench.open()
        _ = try queue.registerSink("lossy", quota: nil, onFull: .dropOldest)
        for number in 0..<200 { try await queue.store([text(number, 5000)]) }
        let status = queue.status(of: "lossy")
        #expect((status?.dropped ?? 0) > 100)
        #expect(status?.drops == [.queueFull: status?.dropped ?? 0])
        #expect(try queue.readAll("lossy").last?.hasPrefix("199 ") == true)
        #expect(bench.disk.peakBytes <= bench.options.queueBytesMax)
        await queue.close()
    }

    // MARK: - What the machine keeps free

    @Test func `sources wait rather than take what the machine is to keep free`() async throws {
        var bench = Bench()
        bench.disk.setCapacity(100_000)
        bench.options.freeBytesMin = 40_000
        let queue = try bench.open()
        _ = try queue.registerSink("a", quota: nil, onFull: .block)
        let waiting = Task { for number in 0..<200 { try await queue.store([text(number)]) } }
        var waits = 0
        while queue.end < 200 {
            if queue.status.state == .diskLow(freeBytesMin: 40_000), bench.timer.isWaiting {
                waits += 1
                #expect(try queue.readAll("a").isEmpty == false)
                try queue.commit("a", offset: queue.end)
                await Task.yield()
            }
            bench.timer.advance(by: .milliseconds(10))
            await Task.yield()
        }
        try await waiting.value
        #expect(waits > 1)
        #expect(bench.disk.peakBytes <= 60_000)
        await queue.close()
    }

    @Test func `another program's files count as well, and when they go, so does the wait`() async throws {
        var bench = Bench()
        bench.disk.setCapacity(100_000)
        bench.options.freeBytesMin = 40_000
        let queue = try bench.open()
        bench.disk.setBytes("/elsewhere", [UInt8](repeating: 1, count: 70_000))
        let waiting = Task { try await queue.store([text(0)]) }
        while queue.status.state != .diskLow(freeBytesMin: 40_000) { await Task.yield() }
        bench.disk.moveAside("/elsewhere", to: nil)
        await bench.pass(.seconds(60))
        try await waiting.value
        #expect(queue.status.state == .ok)
        await queue.close()
    }

    @Test(.timeLimit(.minutes(10)), arguments: Array(0..<8 as Range<UInt64>) + Array(TestSeeds.more))
    func `what gathers while the disk is full fits into the queue afterwards, whatever the sizes`(
        seed: UInt64
    ) async throws {
        var generator = SeededGenerator(seed)
        let disk = SimulatedFileSystem(seed: seed)
        let options = QueueOptions(
            queueBytesMax: .random(in: 1...512 << 10, using: &generator),
            segmentBytes: .random(in: 1024...128 << 10, using: &generator),
            bufferBytes: .random(in: 1...16 << 20, using: &generator), freeBytesMin: 0)
        let bench = Bench(disk, options)
        let queue = try bench.open()
        _ = try queue.registerSink("a", quota: nil, onFull: .block)
        disk.setCapacity(0)
        let words = (0..<150).map { _ in String(repeating: "d", count: .random(in: 10...9000, using: &generator)) }
        let isDone = Mutex(false)
        let storing = Task {
            for word in words { try await queue.enqueue(batch(word)) }
            try await queue.flush()
            isDone.withLock { $0 = true }
        }
        while queue.status.state != .diskFull { await Task.yield() }
        disk.setCapacity(nil)
        var read: [String] = []
        while !isDone.withLock({ $0 }), !Task.isCancelled {
            if queue.status.state != .ok { await bench.pass(.seconds(60)) }
            read += try queue.readAll("a")
            try queue.commit("a", offset: UInt64(read.count))
            await Task.yield()
        }
        #expect(!Task.isCancelled, "seed \(seed): \(queue.status.state) of \(options)")
        storing.cancel()
        try? await storing.value
        read += try queue.readAll("a")
        #expect(read == words, "seed \(seed)")
        #expect(disk.peakBytes <= max(options.queueBytesMax, QueueOptions.queueBytesLeast), "seed \(seed)")
        await queue.close()
    }

    @Test func `without min_free it is 256 MiB, or a tenth of a smaller disk`() {
        let options = QueueOptions()
        #expect(options.resolved(DiskSpace(available: 0, total: 1 << 40)).freeBytesMin == 256 << 20)
        #expect(options.resolved(DiskSpace(available: 0, total: 1 << 30)).freeBytesMin == (1 << 30) / 10)
        #expect(options.resolved(nil).freeBytesMin == 0)
        #expect(QueueOptions(freeBytesMin: 7).resolved(DiskSpace(available: 0, total: 1 << 40)).freeBytesMin == 7)
    }

    // MARK: - Sinks that are gone

    /// A queue at its bound, whose sink "old" the configuration does not have any more.
    private func orphaned() async throws -> (Bench, Queue) {
        var bench = Bench()
        bench.options.queueBytesMax = QueueOptions.queueBytesLeast
        bench.options.segmentBytes = 32 << 10
        var queue = try bench.open()
        _ = try queue.registerSink("old", quota: 1 << 20, onFull: .dropOldest)
        _ = try queue.registerSink("new", quota: nil, onFull: .block)
        for number in 0..<20 { try await queue.store([text(number, 5000)]) }
        try queue.commit("new", offset: 20)
        await queue.close()
        queue = try bench.open()
        return (bench, queue)
    }

    @Test func `a sink that is gone is found and keeps its events, even one that might have dropped`() async throws {
        let (_, queue) = try await orphaned()
        #expect(queue.report.sinks == ["old", "new"])
        _ = try queue.registerSink("new", quota: nil, onFull: .block)
        #expect(queue.status.sinks.filter { !$0.registered }.map(\.name) == ["old"])
        let waiting = Task { for number in 20..<60 { try await queue.store([text(number, 5000)]) } }
        while queue.status.state != .full(sink: "old") {
            try queue.commit("new", offset: queue.end)
            await Task.yield()
        }
        #expect(queue.status(of: "old")?.lag == queue.end)
        try queue.forgetSink("old")
        while queue.end < 60 {
            try queue.commit("new", offset: queue.end)
            await Task.yield()
        }
        try await waiting.value
        #expect(queue.status.sinks.map(\.name) == ["new"])
        await queue.close()
    }

    @Test func `a sink is let go of while no daemon runs, and the disk has its bytes back`() async throws {
        let (bench, queue) = try await orphaned()
        await #expect(throws: QueueError.locked(file: "/q/lock")) {
            _ = try await Queue.forgetSink("old", in: "/q", fileSystem: bench.disk)
        }
        await queue.close()
        await #expect(throws: QueueError.unknownSink("odl")) {
            _ = try await Queue.forgetSink("odl", in: "/q", fileSystem: bench.disk)
        }
        await #expect(throws: QueueError.self) {
            _ = try await Queue.forgetSink("old", in: "/nowhere", fileSystem: bench.disk)
        }
        #expect(!bench.disk.names.contains { $0.hasPrefix("/nowhere") })
        let before = bench.disk.usedBytes
        let forgotten = try await Queue.forgetSink("old", in: "/q", fileSystem: bench.disk)
        #expect(forgotten.events == 20)
        #expect(forgotten.remaining == ["new"])
        #expect(before - bench.disk.usedBytes > 60_000)
        #expect(abs(forgotten.bytes - (before - bench.disk.usedBytes)) < 1000)
        let after = try bench.open()
        #expect(after.report.sinks == ["new"])
        #expect(after.end == 20)
        await after.close()
    }

    @Test func `the last sink that is let go of leaves its events to the next that comes`() async throws {
        let bench = Bench()
        let queue = try bench.open()
        _ = try queue.registerSink("only", quota: nil, onFull: .block)
        for number in 0..<20 { try await queue.store([text(number)]) }
        await queue.close()
        _ = try await Queue.forgetSink("only", in: "/q", fileSystem: bench.disk)
        let after = try bench.open()
        _ = try after.registerSink("next", quota: nil, onFull: .block)
        #expect(try after.readAll("next").count == 20)
        await after.close()
    }

    // MARK: - The offsets file

    @Test func `the offsets of many sinks with much state fit, and survive a power failure`() async throws {
        let bench = Bench()
        let queue = try bench.open()
        let names = (0..<100).map { "sink \($0)" }
        for name in names { _ = try queue.registerSink(name, quota: nil, onFull: .block) }
        try await queue.store(["1", "2"])
        let state = [UInt8](repeating: 7, count: 1024)
        for name in names { try queue.commit(name, offset: 2, state: state) }
        try queue.syncCommits()
        let after = try storedSinks(bench.disk.restarted(seed: 0))
        #expect(after.map(\.name) == names)
        #expect(after.allSatisfy { $0.committed == 2 && $0.state == state })
        #expect(bench.disk.bytes("/q/offsets").count == 2 * (128 << 10))
        await queue.close()
    }
}
