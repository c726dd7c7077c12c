import ConnlogQueue

/// One step of a workload.
enum Step: Sendable {
    /// A source stores this many events of about this many bytes in one batch, with a checkpoint that says how many it
    /// has stored. Where sources have to wait, the sink `relief` commits, or the disk gets room.
    case store(Int, bytes: Int = 100, source: String = "source", relief: String? = nil)
    /// The checkpoint of a source goes.
    case forgetSource(String)
    /// The sink commits everything up to the end.
    case commit(String)
    /// The sink commits half of what it has not committed.
    case commitHalf(String)
    /// As `commit`, on disk at once.
    case commitDurably(String)
    case syncCommits
    /// Time passes until commits, and whatever else may wait, are due.
    case tick
    /// Ends and opens again.
    case reopen
    case register(String, quota: Int? = nil, onFull: OnFull = .block, stateBytes: Int = 0)
    case forget(String)
    /// The disk takes no more than so many bytes from now on, until somebody has to wait.
    case fillDisk(leaving: Int)
}

/// The workloads that every crash point and every failing call is tried in.
enum Workload: String, CaseIterable, Sendable {
    case appends, rolls, commits, recycling, reopening, sources, blockedByQuota, droppedByQuota, bound, droppedByBound,
        forgetting, manySinks, durableCommits, fullDisk, interval, unsynced

    var options: QueueOptions {
        var options = QueueOptions(
            queueBytesMax: 1 << 20, segmentBytes: 1500, bufferBytes: 64 << 10, freeBytesMin: 0)
        switch self {
        case .bound, .droppedByBound:
            options.queueBytesMax = QueueOptions.queueBytesLeast
            options.segmentBytes = 64 << 10
        case .interval: options.durability = .interval(.milliseconds(200))
        case .unsynced: options.durability = .none
        default: break
        }
        return options
    }

    /// Workloads in which sources have to wait at least once.
    static let blocking: [Workload] = [.blockedByQuota, .bound, .fullDisk]

    private static func rounds(_ count: Int, _ steps: [Step]) -> [Step] { (0..<count).flatMap { _ in steps } }

    var steps: [Step] {
        switch self {
        case .appends: [.register("a"), .store(1), .store(3), .store(2, bytes: 600), .store(5, bytes: 10)]
        case .rolls:
            [.register("a")] + Array(repeating: .store(4, bytes: 300), count: 6) + [.store(1, bytes: 4000), .store(1)]
        case .commits:
            [
                .register("a"), .register("b"), .store(3), .commit("a"), .store(3), .commitHalf("b"), .syncCommits,
                .commit("b"), .commit("a"), .commit("b"), .store(2), .commit("a"), .syncCommits, .commitHalf("b"),
            ]
        case .recycling:
            [.register("a")]
                + Workload.rounds(8, [.store(3, bytes: 300), .commit("a"), .tick, .store(1, bytes: 500)])
        case .reopening:
            [
                .register("a"), .store(2), .reopen, .register("a"), .store(3, bytes: 700), .commitHalf("a"), .reopen,
                .register("a"), .register("b"), .reopen, .reopen, .register("a"), .register("b"), .store(2),
                .commit("a"), .commit("b"), .store(1, bytes: 2000), .reopen,
            ]
        case .sources:
            [
                .register("a"), .register("b"), .store(2, source: "x"), .store(3, bytes: 500, source: "y"),
                .store(0, source: "x"), .store(1, source: "z"), .commit("a"), .forgetSource("z"),
                .store(2, bytes: 900, source: "x"), .commitHalf("b"), .tick, .store(1, source: "y"), .reopen,
                .register("b"), .store(2, bytes: 700, source: "x"), .commit("b"), .commit("a"), .tick,
                .store(2, source: "y"),
            ]
        case .blockedByQuota:
            [.register("a"), .register("b", quota: 4000)]
                + Workload.rounds(6, [.store(2, bytes: 500, relief: "b"), .commit("a")])
        case .droppedByQuota:
            [.register("a"), .register("b", quota: 4000, onFull: .dropOldest)]
                + Workload.rounds(8, [.store(2, bytes: 500), .commit("a")])
                + [.commit("b"), .tick, .store(1, bytes: 500)]
        case .bound: [.register("a")] + Workload.rounds(9, [.store(1, bytes: 30_000, relief: "a")])
        case .droppedByBound:
            [.register("a", onFull: .dropOldest)] + Workload.rounds(10, [.store(1, bytes: 30_000)])
        case .forgetting:
            [
                .register("a"), .register("b"), .store(3, bytes: 600), .store(3, bytes: 600), .commit("a"),
                .forget("b"), .tick, .store(2, bytes: 600), .register("b"), .commit("a"), .reopen, .register("a"),
                .store(2), .forget("b"), .tick, .store(1),
            ]
        case .manySinks:
            (0..<12).map { .register("sink \($0)", stateBytes: 700) }
                + [.store(2)] + (0..<12).map { .commit("sink \($0)") } + [.tick, .store(2)]
                + (0..<12).map { .commitHalf("sink \($0)") } + [.reopen, .store(1)]
        case .durableCommits:
            [.register("a"), .register("b")]
                + Workload.rounds(4, [.store(2, bytes: 700), .commitDurably("a"), .commit("b"), .store(1)])
        case .fullDisk:
            [
                .register("a"), .store(3, bytes: 600), .fillDisk(leaving: 700), .store(2, bytes: 600, relief: "a"),
                .store(2, bytes: 600), .commit("a"), .tick, .fillDisk(leaving: 0), .store(3, bytes: 600), .commit("a"),
                .store(1),
            ]
        case .interval, .unsynced:
            [.register("a")]
                + Workload.rounds(
                    3,
                    [.store(2), .store(2, bytes: 300), .commitHalf("a"), .tick, .store(1), .store(3, bytes: 700)])
                + [.reopen, .register("a"), .store(2), .commit("a")]
        }
    }
}
