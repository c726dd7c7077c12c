import ConnlogSystem
import ConnlogTestSupport
import Testing

/// Queue, delivery and file sink on one disk that dies: every event is in the files once, and in order.
/// `CONNLOG_SEEDS=n` tries n more outcomes of each crash, and every crash point where only some are tried by default.
///
/// The lines have one length and end alike, so no file can be told from another by its size or its last bytes.
@Suite(.serialized, .timeLimit(.minutes(10))) struct FileExactlyOnceTests {
    private let plain = JointWork()
    private let compressing = JointWork(compresses: true)

    /// The calls that the work makes when nothing goes wrong.
    private func calls(_ work: JointWork) async -> Int {
        let disk = SimulatedFileSystem()
        var run = JointRun(work, on: disk)
        await run.run()
        #expect(run.isFinished)
        let differences = await run.differences(on: disk.killed())
        #expect(differences.isEmpty, "\(differences)")
        return disk.calls
    }

    private func every(_ step: Int) -> Int { TestSeeds.more.isEmpty ? step : 1 }

    private func seeds(_ call: Int) -> [UInt64] {
        [0, 1, UInt64(call) + 2] + TestSeeds.more.map { $0 &* 7919 &+ UInt64(call) }
    }

    @Test func `the same work makes the same calls`() async {
        let first = await calls(plain)
        let second = await calls(plain)
        #expect(first > 130)
        #expect(first == second)
    }

    private func crash(_ work: JointWork, atCall call: Int, seeds: [UInt64]) async -> [String] {
        let disk = SimulatedFileSystem(seed: UInt64(call))
        disk.fail(.crash, atCall: call)
        var run = JointRun(work, on: disk)
        await run.run()
        let place = "call \(disk.trace.last ?? "")"
        var failures = await run.differences(on: disk.killed()).map { "killed at \(place): \($0)" }
        for seed in seeds {
            let found = await run.differences(on: disk.restarted(seed: seed))
            failures += found.map { "crash at \(place), seed \(seed): \($0)" }
        }
        return failures
    }

    @Test func `every event is in the files exactly once after a crash at any call`() async {
        var failures: [String] = []
        for call in 1...(await calls(plain)) { failures += await crash(plain, atCall: call, seeds: seeds(call)) }
        #expect(failures.isEmpty, "\(failures.count) failures, first: \(failures.prefix(3))")
    }

    // The thread that compresses makes its calls in between, so it is not the same ones each time.
    @Test func `and so it is while old files are compressed`() async {
        var failures: [String] = []
        for call in stride(from: 1, through: await calls(compressing), by: every(3)) {
            let seeds = TestSeeds.more.isEmpty ? [UInt64(call)] : seeds(call)
            failures += await crash(compressing, atCall: call, seeds: seeds)
        }
        #expect(failures.isEmpty, "\(failures.count) failures, first: \(failures.prefix(3))")
    }

    @Test func `a crash while another process finds and delivers what the first has left repeats nothing either`() async
    {
        var failures: [String] = []
        for call in stride(from: 1, through: await calls(plain), by: every(9)) {
            let disk = SimulatedFileSystem(seed: UInt64(call))
            disk.fail(.crash, atCall: call)
            var run = JointRun(plain, on: disk)
            await run.run()
            var second = 1
            var next = disk.restarted(seed: UInt64(call))
            while await run.recover(on: next, stoppingAt: second) {
                let place = "call \(disk.trace.last ?? ""), then \(next.trace.last ?? "")"
                let found = await run.differences(on: next.restarted(seed: UInt64(call + second)))
                failures += found.map { "\(place): \($0)" }
                second += 1
                next = disk.restarted(seed: UInt64(call))
            }
        }
        #expect(failures.isEmpty, "\(failures.count) failures, first: \(failures.prefix(3))")
    }

    @Test(arguments: [
        SimulatedFileSystem.Fault.error(Errno.inputOutput), .error(Errno.noSpace), .shortWrite,
    ])
    func `a call that fails loses and repeats nothing, and the work comes to its end`(
        fault: SimulatedFileSystem.Fault
    ) async {
        var failures: [String] = []
        let isTelling = fault == .error(Errno.inputOutput)
        for call in stride(from: 1, through: await calls(plain), by: isTelling ? 1 : every(3)) {
            let disk = SimulatedFileSystem(seed: UInt64(call))
            disk.fail(fault, atCall: call)
            var run = JointRun(plain, on: disk)
            await run.run()
            let place = "\(fault) at call \(disk.trace.dropFirst(call - 1).first ?? "")"
            if !run.isFinished { failures.append("\(place): not at its end: \(run.said.all.suffix(2))") }
            // What a failed sync left behind must be on the disk by now.
            failures += await run.differences(on: disk.restarted(seed: 0)).map { "\(place): \($0)" }
        }
        #expect(failures.isEmpty, "\(failures.count) failures, first: \(failures.prefix(3))")
    }
}
