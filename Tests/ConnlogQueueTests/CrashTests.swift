import ConnlogQueue
import ConnlogTestSupport
import Testing

@Suite struct CrashTests {
    @Test(arguments: Workload.allCases)
    func `whatever was acknowledged survives a crash at any call`(workload: Workload) async {
        let run = CrashRun(steps: workload.steps)
        let calls = await run.calls()
        #expect(calls > 10)
        var failures: [String] = []
        for call in 1...calls {
            failures += await run.crash(atCall: call, seeds: [0, 1, UInt64(call) * 2 + 2, UInt64(call) * 2 + 3])
        }
        #expect(failures.isEmpty, "\(workload.rawValue): \(failures.count) failures, first: \(failures.prefix(3))")
    }

    @Test(arguments: [Workload.rolls, .commits])
    func `a crash during recovery costs no more than the first one`(workload: Workload) async {
        let run = CrashRun(steps: workload.steps)
        var failures: [String] = []
        for call in 1...(await run.calls()) { failures += await run.crashTwice(atCall: call, seed: UInt64(call) + 100) }
        #expect(failures.isEmpty, "\(workload.rawValue): \(failures.count) failures, first: \(failures.prefix(3))")
    }

    @Test(arguments: [
        (SimulatedFileSystem.Broken.directorySync, Workload.rolls), (.segmentSync, .appends),
        (.deletionAfterPublishing, .recycling),
    ])
    func `the simulation notices when a rule is broken`(broken: SimulatedFileSystem.Broken, workload: Workload) async {
        let run = CrashRun(steps: workload.steps, broken: [broken])
        var failures: [String] = []
        for call in 1...(await run.calls()) { failures += await run.crash(atCall: call, seeds: [0, UInt64(call) + 2]) }
        #expect(!failures.isEmpty, "no crash shows that \(broken) is broken")
    }
}
