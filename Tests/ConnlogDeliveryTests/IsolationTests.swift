import ConnlogCore
import ConnlogDelivery
import ConnlogQueue
import ConnlogSystem
import ConnlogTestSupport
import Synchronization
import Testing

/// What happens to one sink is nothing to another. No clock is looked at: the others come to their end while one hangs.
@Suite(.timeLimit(.minutes(10))) struct IsolationTests {
    enum Trouble: CaseIterable { case open, send, commitPoint, reopen, dead }

    @Test(arguments: Trouble.allCases) func `a sink that blocks its thread, or is dead, leaves the others their way`(
        trouble: Trouble
    ) async throws {
        let bench = try DeliveryBench()
        let hanging = HangingSink(trouble)
        let bad = try bench.delivery(hanging, name: "bad")
        // More good ones than there are threads in Swift's pool.
        let sinks = (0..<6).map { _ in ScriptedSink(limits: BatchLimits(events: 50)) }
        let good = try sinks.enumerated().map { try bench.delivery($1, name: "good\($0)") }
        let threads = (0...good.count).map { ThreadExecutor("sink \($0)") }
        let running = zip([bad] + good, threads).map { delivery, thread in
            Task(executorPreference: thread) { await delivery.run() }
        }
        try await bench.append(0..<200)
        if trouble == .reopen { bad.reopen() }
        while hanging.calls == 0, !Task.isCancelled { await Task.yield() }
        try await bench.append(200..<1000)
        for delivery in [bad] + good { delivery.reopen() }
        for sink in sinks { while await sink.reopens == 0, !Task.isCancelled { await Task.yield() } }
        for delivery in good { delivery.drain() }
        for task in running.dropFirst() { await task.value }
        for sink in sinks {
            #expect(await sink.taken == Array(0..<1000))
        }
        #expect(bench.committed(of: "bad") < 1000)
        bad.stop()
        hanging.release()
        await running[0].value
        withExtendedLifetime(threads) {}
    }
}

/// Hangs in one of its calls, and takes its thread with it, until released.
private final class HangingSink: Sink {
    let limits = BatchLimits(events: 10)
    private let trouble: IsolationTests.Trouble
    private let lock = ConditionLock()
    private let state = Mutex((calls: 0, isReleased: false))

    init(_ trouble: IsolationTests.Trouble) { self.trouble = trouble }

    var calls: Int { state.withLock { $0.calls } }

    func release() {
        state.withLock { $0.isReleased = true }
        lock.lock()
        lock.unlock(waking: true)
    }

    private func hang(in call: IsolationTests.Trouble) {
        guard call == trouble else { return }
        state.withLock { $0.calls += 1 }
        lock.lock()
        while state.withLock({ !$0.isReleased }) { lock.wait() }
        lock.unlock(waking: false)
    }

    func open(_ committed: [UInt8]?) async throws(SinkError) { hang(in: .open) }

    func send(_ batch: EventBatch) async -> SendOutcome {
        hang(in: .send)
        guard trouble == .dead || trouble == .reopen else { return .delivered }
        if trouble == .dead { state.withLock { $0.calls += 1 } }
        return .retry(Reason("dead", "dead"))
    }

    func commitPoint() async throws(SinkError) -> [UInt8] {
        hang(in: .commitPoint)
        return []
    }

    func reopen() async { hang(in: .reopen) }
}
