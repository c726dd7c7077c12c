#if Server
import ConnlogCore
import ConnlogSystem
import ConnlogTestSupport
import Synchronization
import Testing

@testable import ConnlogStore

/// The log beside the file stays within its bounds, whoever reads.
@Suite struct LogSizeTests {
    @Test func `the larger the log, the longer a checkpoint waits for questions`() {
        let pace = CheckpointPace()
        for (limit, below, above) in [
            (64 << 20, CheckpointPace.Step.none, CheckpointPace.Step.passive),
            (256 << 20, .passive, .restart(wait: pace.restartWait)),
            (512 << 20, .restart(wait: pace.restartWait), .restart(wait: pace.urgentWait)),
        ] {
            #expect(pace.step(logBytes: limit - 1) == below)
            #expect(pace.step(logBytes: limit) == below)
            #expect(pace.step(logBytes: limit + 1) == above)
        }
        #expect(pace.urgentWait > ConnectionStore.questionLimit)
    }

    @Test func `six readers that are never all away do not make the log grow`() async throws {
        let folder = StoreFolder()
        var pace = CheckpointPace()
        (pace.keptBytes, pace.restartBytes, pace.urgentBytes) = (1 << 19, 1 << 20, 2 << 20)
        let store = try ConnectionStore(
            folder.file, cacheBytes: 1 << 20, partitionRows: 100_000, pace: pace,
            questionLimit: StoreFolder.hangGuard)
        let batch = 500
        try store.apply((0..<batch).map { ToldEvent(id: ToldEvent.uuid($0), time: Int64($0), type: "tunnel") })
        let run = Run()
        try await withThrowingTaskGroup(of: Void.self) { group in
            // Whatever happens, the readers end.
            defer { run.isOver.store(true, ordering: .relaxed) }
            for number in 0..<6 {
                group.addTask {
                    // Three in this process' own connections, three as another process has them.
                    let reader = number < 3 ? store : folder.openForReading()
                    while !run.isOver.load(ordering: .relaxed) {
                        let range = Microseconds.earliest ..< .latest
                        _ = try await reader.stats(RowQuery(), range, intervalSeconds: 3600, top: 5)
                        run.readers.withLock { _ = $0.insert(number) }
                    }
                }
            }
            try await Waiting.until("each of them reads") { run.readers.withLock { $0.count } == 6 }
            try await withTaskExecutorPreference(run.thread) {
                for round in 1..<20 {
                    let events = (0..<batch).map { number in
                        ToldEvent(
                            id: ToldEvent.uuid(round * batch + number), time: Int64(number), type: "tunnel",
                            userAgent: "agent \(number)")
                    }
                    try store.apply(events)
                    run.largest.withLock { $0 = max($0, store.logBytes) }
                }
            }
            run.isOver.store(true, ordering: .relaxed)
            try await group.waitForAll()
        }
        // What one batch writes comes on top.
        #expect(run.largest.withLock { $0 } < pace.urgentBytes + 4 << 20)
        #expect(try await store.newestEvent() == 20 * batch)
    }
}

private final class Run: Sendable {
    let isOver = Atomic(false)
    let largest = Mutex(0)
    /// Those that have read at least once.
    let readers = Mutex<Set<Int>>([])
    /// Where the writer may block.
    let thread = ThreadExecutor("writer of a test")
}
#endif
