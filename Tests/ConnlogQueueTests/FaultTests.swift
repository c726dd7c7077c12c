@testable import ConnlogQueue
import ConnlogSystem
import ConnlogTestSupport
import Synchronization
import Testing

/// Calls that fail, one at a time, in every workload; then the power fails, and everything must be there.
@Suite(.timeLimit(.minutes(10))) struct FaultTests {
    static let faults: [SimulatedFileSystem.Fault] = [
        .error(Errno.inputOutput), .error(Errno.noSpace), .error(Errno.quotaExceeded), .error(Errno.interrupted),
        .shortWrite,
    ]

    @Test(arguments: faults, Workload.allCases)
    func `an error at any call costs nothing that was acknowledged`(
        fault: SimulatedFileSystem.Fault, workload: Workload
    ) async {
        let run = CrashRun(workload)
        var failures: [String] = []
        for call in 1..<10_000 {
            let seeds = [0] + TestSeeds.more.map { $0 &* 31 &+ UInt64(call) }
            guard let found = await run.fail(fault, atCall: call, seeds: seeds) else { break }
            failures += found
        }
        #expect(failures.isEmpty, "\(workload.rawValue): \(failures.count) failures, first: \(failures.prefix(3))")
    }

    @Test func `a read that fails once costs nothing, whenever it does`() async throws {
        let original = SimulatedFileSystem()
        var queue = try Bench(original).open()
        _ = try queue.registerSink("a", quota: nil, onFull: .block)
        let words = (0..<20).map { "\($0) " + String(repeating: "r", count: 200) }
        for word in words { try await queue.store([word]) }
        queue.abandon()
        await queue.close()
        for read in 1...10_000 {
            let disk = original.killed()
            disk.failRead(Errno.inputOutput, atRead: read)
            // Where not even the directory can be read, the operator tries again.
            queue = try (try? Bench(disk).open()) ?? Bench(disk).open()
            _ = try queue.registerSink("a", quota: nil, onFull: .block)
            let texts = try (try? queue.readAll("a", from: 0)) ?? queue.readAll("a", from: 0)
            #expect(texts == words, "read \(read): \(queue.report.damage) \(queue.status.recentDamage)")
            let isDone = disk.reads < read
            await queue.close()
            if isDone { break }
        }
    }

    /// A queue with twenty events of which a sink has none, after its process was killed.
    private func killed(_ words: [String]) async throws -> SimulatedFileSystem {
        let disk = SimulatedFileSystem()
        let queue = try Bench(disk).open()
        _ = try queue.registerSink("a", quota: nil, onFull: .block)
        for word in words { try await queue.store([word]) }
        queue.abandon()
        await queue.close()
        return disk
    }

    private static let words = (0..<20).map { "\($0) " + String(repeating: "r", count: 200) }

    @Test(arguments: [1, PatientFileSystem.pausesMax])
    func `a disk that gives nothing for a while as the queue opens costs nothing, whatever file and place`(
        pauses: Int
    ) async throws {
        let original = try await killed(Self.words)
        for name in original.names where !name.hasSuffix("/lock") {
            for place in stride(from: 0, to: max(1, original.bytes(name).count), by: 97) {
                let disk = original.killed()
                disk.setUnreadable(name, place..<Int.max)
                let bench = Bench(disk)
                let timer = bench.timer
                timer.whenPausing.withLock { body in
                    body = { if timer.pauses.withLock({ $0 }) >= pauses { disk.setReadable() } }
                }
                let queue = try bench.open()
                disk.setReadable()
                _ = try queue.registerSink("a", quota: nil, onFull: .block)
                #expect(queue.report.damage.isEmpty, "\(name) from \(place): \(queue.report.damage)")
                #expect(queue.report.refusedReads == timer.pauses.withLock { $0 })
                try await queue.store(["new"])
                #expect(try queue.readAll("a", from: 0) == Self.words + ["new"], "\(name) from \(place)")
                await queue.close()
            }
        }
    }

    @Test func `a disk that refuses for good holds the start up for two seconds and costs what cannot be read`()
        async throws
    {
        let original = try await killed(Self.words)
        let disk = original.killed()
        let last = try #require(original.names.filter { $0.hasSuffix(".seg") }.max())
        disk.setUnreadable(last, 600..<Int.max)
        let bench = Bench(disk)
        let queue = try bench.open()
        #expect(bench.timer.pauses.withLock { $0 } == PatientFileSystem.pausesMax)
        #expect(queue.report.refusedReads > PatientFileSystem.pausesMax)
        _ = try queue.registerSink("a", quota: nil, onFull: .block)
        let kept = try queue.readAll("a", from: 0)
        #expect(kept.count < Self.words.count && kept == Array(Self.words.prefix(kept.count)))
        await queue.close()
    }

    @Test func `a full disk holds sources up, lets sinks drain, and is over when there is room`() async throws {
        let bench = Bench()
        let queue = try bench.open()
        _ = try queue.registerSink("a", quota: nil, onFull: .block)
        for _ in 0..<10 { try await queue.store([String(repeating: "e", count: 900)]) }
        bench.disk.setCapacity(0)
        let waiting = Task { try await queue.store([String(repeating: "f", count: 5000)]) }
        while queue.status.state != .diskFull { await Task.yield() }
        #expect(try queue.readAll("a").count == 10)
        // The sink commits, segments go, and the writer needs nobody to try again.
        bench.disk.setCapacity(32 << 10)
        try queue.commit("a", offset: 10)
        try await waiting.value
        #expect(queue.status.state == .ok)
        #expect(queue.end == 11)
        await queue.close()
    }

    @Test func `while sources wait, commits get to the disk in time all the same`() async throws {
        let bench = Bench()
        let queue = try bench.open()
        _ = try queue.registerSink("a", quota: nil, onFull: .block)
        try await queue.store(["1", "2", "3"])
        bench.disk.setCapacity(0)
        let waiting = Task { try await queue.store([String(repeating: "f", count: 5000)]) }
        while queue.status.state != .diskFull { await Task.yield() }
        try queue.commit("a", offset: 2)
        for _ in 0..<3 { await bench.pass(.seconds(1)) }
        let after = try storedSinks(bench.disk.restarted(seed: 0))
        #expect(after.map(\.committed) == [2])
        bench.disk.setCapacity(nil)
        await bench.pass(.seconds(60))
        try await waiting.value
        await queue.close()
    }

    @Test func `a disk that fails to sync acknowledges nothing until it works again`() async throws {
        let bench = Bench()
        let queue = try bench.open()
        _ = try queue.registerSink("a", quota: nil, onFull: .block)
        try await queue.store(["before"])
        bench.disk.setSyncError(Errno.inputOutput)
        let waiting = Task { try await queue.store(["during"]) }
        while queue.status.state == .ok { await Task.yield() }
        #expect(queue.end == 1)
        #expect(queue.status.syncFailures > 0)
        bench.disk.setSyncError(nil)
        while queue.end == 1 {
            bench.timer.advance(by: .seconds(60))
            await Task.yield()
        }
        try await waiting.value
        #expect(try queue.readAll("a") == ["before", "during"])
        let isTold = queue.takeNotices().contains { if case .syncFailed = $0 { true } else { false } }
        #expect(isTold)
        await queue.close()
    }

    @Test func `sources that wait at the same time share one sync`() async throws {
        let bench = Bench()
        let queue = try bench.open()
        let before = queue.status.syncs
        for number in 0..<100 { try await queue.enqueue(batch("\(number)")) }
        try await queue.flush()
        #expect(queue.status.syncs - before < 100)
        #expect(queue.end == 100)
        await queue.close()
    }
}
