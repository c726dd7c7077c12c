import ConnlogQueue
import ConnlogTestSupport
import Testing

/// The proof by simulation: every workload, wrong at every call. `CONNLOG_SEEDS=n` tries n more outcomes of each crash.
@Suite(.timeLimit(.minutes(10))) struct CrashTests {
    private func seeds(_ call: Int) -> [UInt64] {
        [0, 1, UInt64(call) + 2] + TestSeeds.more.map { $0 &* 7919 &+ UInt64(call) }
    }

    private func report(_ failures: [String], _ workload: Workload) -> Comment {
        "\(workload.rawValue): \(failures.count) failures, first: \(failures.prefix(3))"
    }

    @Test(arguments: Workload.allCases)
    func `whatever was acknowledged survives a crash at any call`(workload: Workload) async {
        let run = CrashRun(workload)
        let (calls, waits) = await run.calls()
        #expect(calls > 10)
        #expect((waits > 0) == Workload.blocking.contains(workload))
        var failures: [String] = []
        for call in 1...calls { failures += await run.crash(atCall: call, seeds: seeds(call)) }
        #expect(failures.isEmpty, report(failures, workload))
    }

    @Test(arguments: Workload.allCases)
    func `a crash during recovery costs no more than the first one`(workload: Workload) async {
        let run = CrashRun(workload)
        var failures: [String] = []
        for call in 1...(await run.calls().calls) {
            for seed in [UInt64(call) + 100] + TestSeeds.more.map({ $0 &* 104_729 &+ UInt64(call) }) {
                failures += await run.crashTwice(atCall: call, seed: seed)
            }
        }
        #expect(failures.isEmpty, report(failures, workload))
    }

    @Test(arguments: Workload.allCases)
    func `a process that is killed at any call loses nothing that it was told, whatever the durability`(
        workload: Workload
    ) async {
        let run = CrashRun(workload)
        var failures: [String] = []
        for call in 1...(await run.calls().calls) { failures += await run.kill(atCall: call) }
        #expect(failures.isEmpty, report(failures, workload))
    }

    /// Where each forgotten rule shows. In `recycling` no commit is asked to be durable, so only a segment that went
    /// too early can show.
    static let mutations: [(MutatedFileSystem.Mutation, Workload)] = [
        (.withoutDirectorySync, .rolls), (.withoutDataSync, .appends), (.deletionBeforePublishing, .recycling),
        (.useBeforePublishing, .rolls),
    ]

    @Test(arguments: mutations)
    func `the simulation notices when the code forgets a rule`(
        mutation: MutatedFileSystem.Mutation, workload: Workload
    ) async {
        var run = CrashRun(workload)
        run.wrap = { MutatedFileSystem($0, .none) }
        let calls = await run.calls().calls
        var failures: [String] = []
        for call in 1...calls { failures += await run.crash(atCall: call, seeds: [0, 1, UInt64(call) + 2]) }
        #expect(failures.isEmpty, "the wrapper alone fails: \(failures.prefix(3))")
        run.wrap = { MutatedFileSystem($0, mutation) }
        failures = []
        for call in 1...(await run.calls().calls) {
            failures += await run.crash(atCall: call, seeds: [0, 1, UInt64(call) + 2])
        }
        #expect(!failures.isEmpty, "no crash shows that the code is \(mutation.rawValue)")
    }
}
