@testable import ConnlogQueue
import ConnlogSystem
import ConnlogTestSupport
import Testing

/// What `durability` and `sync_interval` promise, each at the moment of a power failure and of a kill.
@Suite struct DurabilityTests {
    private func bench(_ durability: Durability) -> Bench {
        var bench = Bench()
        bench.options.durability = durability
        bench.options.segmentBytes = 1 << 20
        return bench
    }

    /// How many events are there after the power failed, with nothing kept that was not synced, and the checkpoint.
    private func afterPowerFailure(_ disk: SimulatedFileSystem) async throws -> (events: Int, checkpoint: Int) {
        let queue = try Bench(disk.restarted(seed: 0)).open()
        defer { withExtendedLifetime(queue) {} }
        let checkpoint = queue.checkpoints["source"].map { Int($0[0]) } ?? 0
        let events = try queue.readAll("anyone").count
        await queue.close()
        return (events, checkpoint)
    }

    private func store(_ queue: Queue, _ numbers: Range<Int>) async throws {
        for number in numbers { try await queue.store(["event \(number)"], [("source", [UInt8(number + 1)])]) }
    }

    @Test func `sync: what flush has confirmed survives a power failure in the same moment`() async throws {
        let bench = bench(.sync)
        let queue = try bench.open()
        for number in 0..<20 {
            try await store(queue, number..<number + 1)
            let found = try await afterPowerFailure(bench.disk)
            #expect(found.events == number + 1 && found.checkpoint == number + 1)
        }
        await queue.close()
    }

    @Test func `interval: no more is at risk than what came within the interval, and one sync serves it all`()
        async throws
    {
        let bench = bench(.interval(.milliseconds(200)))
        let queue = try bench.open()
        try await store(queue, 0..<1)
        await bench.timer.idle()
        let syncs = queue.status.syncs
        try await store(queue, 1..<50)
        #expect(queue.end == 50)
        #expect(queue.status.syncs == syncs)
        #expect(try await afterPowerFailure(bench.disk).events < 50)
        await bench.pass(.milliseconds(200))
        #expect(queue.status.syncs == syncs + 1)
        let found = try await afterPowerFailure(bench.disk)
        #expect(found.events == 50 && found.checkpoint == 50)
        await queue.close()
    }

    @Test(arguments: [Durability.interval(.seconds(3600)), .none])
    func `interval and none: a process that is killed loses nothing, and closing syncs`(
        durability: Durability
    ) async throws {
        let bench = bench(durability)
        let queue = try bench.open()
        try await store(queue, 0..<30)
        let killed = try Bench(bench.disk.killed()).open()
        #expect(try killed.readAll("anyone").count == 30)
        await killed.close()
        #expect(try await afterPowerFailure(bench.disk).events < 30)
        await queue.close()
        #expect(try await afterPowerFailure(bench.disk).events == 30)
    }

    @Test func `none: groups are not synced, and after a power failure events and checkpoints still agree`()
        async throws
    {
        let bench = bench(.none)
        let queue = try bench.open()
        try await store(queue, 0..<1)
        await bench.timer.idle()
        let syncs = queue.status.syncs
        try await store(queue, 1..<100)
        await bench.pass(.seconds(3600))
        #expect(queue.status.syncs == syncs)
        for seed in 0..<20 as Range<UInt64> {
            let after = try Bench(bench.disk.restarted(seed: seed)).open()
            let events = try after.readAll("anyone").count
            #expect((after.checkpoints["source"].map { Int($0[0]) } ?? 0) == events, "seed \(seed)")
            await after.close()
        }
        await queue.close()
    }

    @Test func `interval: a sync is made in time while sources wait for room`() async throws {
        let bench = bench(.interval(.milliseconds(200)))
        let queue = try bench.open()
        try await store(queue, 0..<10)
        bench.disk.setCapacity(bench.disk.usedBytes)
        let waiting = Task { try await queue.store([String(repeating: "w", count: 3000)]) }
        while queue.status.state != .diskFull { await Task.yield() }
        await bench.pass(.milliseconds(200))
        #expect(try await afterPowerFailure(bench.disk).events >= 10)
        bench.disk.setCapacity(nil)
        await bench.pass(.seconds(60))
        try await waiting.value
        await queue.close()
    }

    @Test func `interval: what a failed sync may have lost is written anew while the kernel still has it`() async throws
    {
        let bench = bench(.interval(.milliseconds(200)))
        let queue = try bench.open()
        try await store(queue, 0..<10)
        bench.disk.setSyncError(Errno.inputOutput)
        await bench.pass(.milliseconds(200))
        #expect(queue.status.syncFailures > 0)
        #expect(try queue.readAll("anyone").count == 10)
        bench.disk.setSyncError(nil)
        await bench.pass(.seconds(60))
        let found = try await afterPowerFailure(bench.disk)
        #expect(found.events == 10 && found.checkpoint == 10)
        try await store(queue, 10..<12)
        #expect(try queue.readAll("anyone").count == 12)
        await queue.close()
        #expect(try await afterPowerFailure(bench.disk).events == 12)
    }

    @Test func `a commit that is to be durable survives a power failure when it returns`() async throws {
        let bench = bench(.sync)
        let queue = try bench.open()
        for sink in ["a", "b"] { _ = try queue.registerSink(sink, quota: nil, onFull: .block) }
        try await store(queue, 0..<4)
        try queue.commit("b", offset: 3)
        let before = try storedSinks(bench.disk.restarted(seed: 0))
        #expect(before.allSatisfy { $0.committed == 0 })
        try queue.commit("a", offset: 2, state: [9], durably: true)
        let after = try storedSinks(bench.disk.restarted(seed: 0))
        #expect(after.map(\.committed) == [2, 3])
        #expect(after.first?.state == [9])
        await queue.close()
    }

    @Test func `commits are on disk after a second, without anybody's doing`() async throws {
        let bench = bench(.sync)
        let queue = try bench.open()
        _ = try queue.registerSink("a", quota: nil, onFull: .block)
        try await store(queue, 0..<4)
        try queue.commit("a", offset: 3)
        await bench.pass(.seconds(1))
        let after = try storedSinks(bench.disk.restarted(seed: 0))
        #expect(after.map(\.committed) == [3])
        await queue.close()
    }

    @Test func `a commit that cannot be stored leaves the sink where it was`() async throws {
        let bench = bench(.sync)
        let queue = try bench.open()
        _ = try queue.registerSink("a", quota: nil, onFull: .block)
        try await store(queue, 0..<4)
        try queue.commit("a", offset: 1, state: [1], durably: true)
        // Neither this sync nor the one of a new file works.
        bench.disk.setSyncError(Errno.inputOutput)
        #expect(throws: QueueError.self) { try queue.commit("a", offset: 3, state: [3], durably: true) }
        #expect(queue.status(of: "a")?.committed == 1)
        #expect(try queue.readAll("a").count == 3)
        bench.disk.setSyncError(nil)
        try queue.commit("a", offset: 4, state: [4], durably: true)
        let after = try storedSinks(bench.disk.restarted(seed: 0))
        #expect(after.map(\.committed) == [4])
        await queue.close()
    }
}
