import ConnlogCore
import ConnlogSystem
import ConnlogTestSupport
import Testing

@testable import ConnlogSinks

/// Every event is there exactly once, whatever call the process or the power dies at.
@Suite struct FileCrashTests {
    enum Ending: CaseIterable, Sendable { case killedBefore, killedAfter, powerFailure }

    /// Sends in batches, commits now and then, rotates by size and by time, compresses.
    private func workload(_ run: inout FileRun, _ sink: FileSink, _ time: StillTime, _ seed: UInt64) async -> Bool {
        var generator = Seeded(seed)
        guard await run.open(sink) else { return false }
        await sink.drainKeeper()
        while run.sent < run.events.count {
            guard await run.send(.random(in: 1...9, using: &generator), sink) else { return false }
            if Int.random(in: 0..<5, using: &generator) == 0 { time.advance(4000) }
            if Int.random(in: 0..<3, using: &generator) > 0, await !run.commit(sink) { return false }
        }
        return await run.commit(sink)
    }

    private func sink(_ disk: FileDisk, _ time: StillTime, _ said: Said = Said()) -> FileSink {
        let options = FileSinkOptions(
            path: FileRun.path, rotateBytes: 1500, rotateEvery: 3600 * 1_000_000_000, keep: 0)
        return FileSink(options, disk: disk, clock: time, log: said.log)
    }

    private static let endings: [(Ending, UInt64)] =
        [(.killedBefore, 1), (.killedAfter, 2), (.powerFailure, 3), (.powerFailure, 4)]
        + TestSeeds.more.flatMap { seed in Ending.allCases.map { ($0, seed) } }

    @Test(arguments: endings)
    func `every event is there exactly once after an end at any call`(ending: Ending, seed: UInt64) async throws {
        var call = 0
        var ended = true
        while ended {
            var disk = FileDisk()
            disk.fail(call, .death(after: ending == .killedAfter))
            var run = FileRun(events: 60)
            let time = StillTime()
            let first = sink(disk, time)
            _ = await workload(&run, first, time, seed)
            await first.close()
            ended = disk.isDead
            var generator = Seeded(seed &+ UInt64(call) &* 1000)
            disk = ending == .powerFailure ? disk.afterPowerFailure(&generator) : disk.afterDeath()
            let said = Said()
            let second = sink(disk, time, said)
            await run.finish(second)
            let found = try FileRun.lines(disk.files)
            let difference = run.difference(found)
            try #require(difference == nil, "seed \(seed), call \(call): \(said.all) \(disk.files.keys.sorted())")
            #expect(disk.files.keys.filter { $0.hasSuffix(".tmp") }.isEmpty, "seed \(seed), call \(call)")
            if ending != .powerFailure {
                #expect(disk.files.keys.filter { $0.contains(".tail-") }.isEmpty, "seed \(seed), call \(call)")
            }
            call += 1
        }
        #expect(call > 100)
    }

    @Test(arguments: [Errno.noSpace, Errno.inputOutput, Errno.quotaExceeded])
    func `a failure of any call loses and repeats nothing`(code: Int32) async throws {
        var call = 0
        var calls = 1
        while call < calls {
            let disk = FileDisk()
            disk.fail(call, .error(code))
            var run = FileRun(events: 40)
            let time = StillTime()
            let said = Said()
            let only = sink(disk, time, said)
            if await !workload(&run, only, time, 7) { await run.finish(only) }
            calls = disk.calls
            var generator = Seeded(UInt64(call))
            // What a failed fdatasync left behind must be on the disk by now.
            let after = disk.afterPowerFailure(&generator)
            let next = sink(after, time)
            _ = await run.open(next)
            await next.close()
            let found = try FileRun.lines(after.files)
            let difference = run.difference(found)
            try #require(difference == nil, "call \(call) \(disk.log[call]): \(said.all)")
            call += 1
        }
        #expect(calls > 90)
    }

    @Test(arguments: Array(0..<30 as Range<UInt64>) + Array(TestSeeds.more))
    func `random sends, commits, ends, moves and reopenings keep every event once`(seed: UInt64) async throws {
        var generator = Seeded(seed)
        var disk = FileDisk()
        let time = StillTime()
        var run = FileRun(events: 150)
        var moved = 0
        var current = sink(disk, time)
        _ = await run.open(current)
        for _ in 0..<2000 where run.committed < run.events.count {
            switch Int.random(in: 0..<12, using: &generator) {
            case 0..<6: _ = await run.send(.random(in: 1...12, using: &generator), current)
            case 6, 7: _ = await run.commit(current)
            case 8:
                time.advance(.random(in: 0...2000, using: &generator))
                await current.reopen()
            case 9 where disk.inode(FileRun.path) == run.committedInode:
                // A file that no commit speaks of yet is not found under another name.
                moved += 1
                disk.move(FileRun.path, to: "/log/moved.\(moved)")
            case 9, 10:
                disk.fail(disk.calls + .random(in: 0..<20, using: &generator), .short)
            default:
                disk.fail(
                    disk.calls + .random(in: 0..<12, using: &generator), .death(after: Bool.random(using: &generator)))
                _ = await run.send(8, current)
                await current.close()
                disk = disk.afterDeath()
                current = sink(disk, time)
                _ = await run.open(current)
            }
        }
        await current.close()
        let names = (0..<moved).map { "/log/moved.\($0 + 1)" }
        let away = names.flatMap { disk.files[$0] ?? [] }
        let found =
            try FileRun.lines(disk.files)
            + String(decoding: away, as: UTF8.self).split(separator: "\n").map(String.init)
        let number = Dictionary(uniqueKeysWithValues: run.expected.enumerated().map { ($1, $0) })
        let difference = run.difference(found.sorted { number[$0] ?? -1 < number[$1] ?? -1 })
        #expect(difference == nil, "seed \(seed) \(run.problems.suffix(3)) \(disk.log.suffix(20))")
    }
}
