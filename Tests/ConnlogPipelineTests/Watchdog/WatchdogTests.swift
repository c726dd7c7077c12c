import ConnlogConfig
import ConnlogCore
import ConnlogQueue
import ConnlogSources
import ConnlogSystem
import ConnlogTestSupport
import Foundation
import Synchronization
import Testing

@testable import ConnlogPipeline

/// Whatever hangs or spins, in whatever part, is told in the log and shown, and told again when it is over.
///
/// One after another: those that loop keep a processor busy each.
@Suite(.serialized) struct WatchdogTests {
    enum Place: CaseIterable { case open, send, outcome, commitPoint, committed }

    @Test(arguments: Place.allCases, [false, true])
    func `a sink that hangs or loops in any of its calls is told`(place: Place, spins: Bool) async throws {
        let bench = try WatchdogBench()
        let gate = Gate(spins: spins)
        defer { gate.open() }
        let sink = HangingSink(place, gate)
        try await bench.append(0..<10)
        await bench.sinks.apply([bench.planned(sink)])
        try await bench.until("it is shown") { bench.sinks.shown.first?.stuck != nil }
        // Where it only tells the sink that all is safe, nothing waits. A busy machine may keep it from getting there, and
        // that is told before.
        try await bench.until("it is told") {
            bench.said("sink siem is stuck: ").contains { $0.contains("10 events wait") == (place != .committed) }
        }
        gate.open()
        try await bench.append(10..<20)
        try await bench.until("it gets on") { bench.sinks.shown.first?.stuck == nil }
        try await bench.until("that is told") { !bench.said("sink siem is stuck no more").isEmpty }
        await bench.end()
    }

    @Test func `a reader whose disk does not answer is told`() async throws {
        let bench = try WatchdogBench()
        try await bench.append(0..<10)
        bench.disk.reads.close()
        defer { bench.disk.reads.open() }
        await bench.sinks.apply([bench.planned(HangingSink(nil, Gate()))])
        try await bench.until("it is shown") { bench.sinks.shown.first?.stuck?.contains("reading the queue") == true }
        bench.disk.reads.open()
        try await bench.until("it gets on") { bench.sinks.shown.first?.stuck == nil }
        await bench.end()
    }

    @Test func `a disk that does not answer a sync of the queue is told`() async throws {
        let bench = try WatchdogBench()
        try await bench.append(0..<1)
        bench.disk.syncs.close()
        defer { bench.disk.syncs.open() }
        try await bench.queue.enqueue(TestEvents.batch(1..<2))
        try await bench.until("it is told") { !bench.said("queue is stuck").isEmpty }
        try await bench.until("it is shown") {
            bench.watchdog.board.sentences.contains { $0.hasPrefix("queue is stuck: no progress for") }
        }
        bench.disk.syncs.open()
        try await bench.queue.flush()
        try await bench.until("that is over") { !bench.said("queue is stuck no more").isEmpty }
        await bench.end()
    }

    @Test(arguments: [false, true]) func `a source that hangs or loops is told`(spins: Bool) async throws {
        let bench = try WatchdogBench()
        let gate = Gate(spins: spins)
        defer { gate.open() }
        await bench.sources.apply([bench.planned(HangingSource(gate))])
        try await bench.until("it is shown") { bench.sources.shown.first?.stuck != nil }
        try await bench.until("it is told") { !bench.said("source coderd is stuck: ").isEmpty }
        gate.open()
        try await bench.until("that is over") { !bench.said("source coderd is stuck no more").isEmpty }
        await bench.end()
    }

    @Test(arguments: [false, true]) func `a monitor that hangs or loops is told`(spins: Bool) async throws {
        let gate = Gate(spins: spins)
        defer { gate.open() }
        let bench = try WatchdogBench(draw: { _ in gate.wait() })
        let thread = ThreadExecutor("monitor")
        let watching = Task(executorPreference: thread) { await bench.monitor.run() }
        try await bench.untilTold("the monitor", "it does not come round")
        gate.open()
        try await bench.untilOver("the monitor")
        watching.cancel()
        await watching.value
        await bench.end()
    }

    /// Nothing of a test runs meanwhile, so the line in the log itself lets go.
    @Test func `Swift's pool is told when something keeps all of its threads`() async throws {
        let gate = Gate()
        defer { gate.open() }
        let bench = try WatchdogBench(said: { if $0.hasPrefix("Swift's pool is stuck: ") { gate.open() } })
        let isHanging = Atomic(false)
        DispatchQueue.global().asyncAfter(deadline: .now() + 600) {
            isHanging.store(!gate.isOpenNow, ordering: .relaxed)
            gate.open()
        }
        let keepers = (0..<4 * ProcessInfo.processInfo.activeProcessorCount).map { _ in Task.detached { gate.wait() } }
        for keeper in keepers { await keeper.value }
        let hasHung = isHanging.load(ordering: .relaxed)
        #expect(!hasHung)
        try await bench.untilOver("Swift's pool")
        await bench.end()
    }

    /// By its share, so that no processor has to be free for it.
    @Test(arguments: [0.02, 0.05]) func `a thread that keeps a processor busy for nothing is told`(
        share: Double
    ) async throws {
        let bench = try WatchdogBench(spinningShare: share)
        let gate = Gate(spins: true)
        defer { gate.open() }
        Thread.start("busy") { gate.wait() }
        try await bench.until("it is told") { bench.said("thread busy (").contains { $0.contains("is stuck") } }
        try await bench.until("it is counted") { bench.watchdog.board.spinning > 0 }
        gate.open()
        await bench.end()
    }
}

private final class HangingSink: Sink {
    let limits = BatchLimits()
    private let place: WatchdogTests.Place?
    private let gate: Gate

    init(_ place: WatchdogTests.Place?, _ gate: Gate) {
        self.place = place
        self.gate = gate
    }

    private func come(_ here: WatchdogTests.Place) { if here == place { gate.wait() } }

    func open(_ committed: [UInt8]?) async throws(SinkError) { come(.open) }

    func send(_ batch: EventBatch) async -> SendOutcome {
        come(.send)
        return place == .outcome ? .accepted(Receipt(1)) : .delivered
    }

    func outcome(of receipt: Receipt) async -> SendOutcome {
        come(.outcome)
        return .delivered
    }

    func commitPoint() async throws(SinkError) -> [UInt8] {
        come(.commitPoint)
        return []
    }

    func committed() async { come(.committed) }
}

private struct HangingSource: Source {
    let gate: Gate

    init(_ gate: Gate) { self.gate = gate }

    let comesRound = true

    func run(into output: any EventOutput) async throws(SourceError) { gate.wait() }
}
