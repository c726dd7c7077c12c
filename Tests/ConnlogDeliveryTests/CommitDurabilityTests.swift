import ConnlogCore
import ConnlogDelivery
@testable import ConnlogQueue
import ConnlogSystem
import ConnlogTestSupport
import Testing

/// A sink that keeps a state with its offset, as the file sink does, and looks at the disk when it hears of a commit.
private actor StatefulSink: Sink {
    nonisolated let limits = BatchLimits(events: 7)
    private let disk: SimulatedFileSystem
    private var taken: UInt64 = 0
    private(set) var commits = 0
    private(set) var early = 0

    init(_ disk: SimulatedFileSystem) { self.disk = disk }

    func send(_ batch: EventBatch) async -> SendOutcome {
        taken += UInt64(batch.count)
        return .delivered
    }

    func commitPoint() async throws(SinkError) -> [UInt8] { Array("\(taken)".utf8) }

    func committed() async {
        commits += 1
        // Seed 0: the power fails now, and nothing is kept that was not synced.
        let found = try? OffsetsFile.load("/q", disk.restarted(seed: 0)).contents?.newest.sinks.first
        if found?.committed != taken || found?.state != Array("\(taken)".utf8) { early += 1 }
    }
}

@Suite struct CommitDurabilityTests {
    @Test func `a sink with a state hears of its commit only when a power failure cannot take it back`() async throws {
        let disk = SimulatedFileSystem()
        let queue = try Queue.open("/q", QueueOptions(freeBytesMin: 0), fileSystem: disk)
        try await queue.enqueue(TestEvents.batch(0..<50))
        try await queue.flush()
        let position = try queue.registerSink("test", quota: nil, onFull: .block)
        let sink = StatefulSink(disk)
        let delivery = Delivery(
            name: "test", sink: sink, queue: queue, position: position,
            options: Delivery.Options(deadLetterDirectory: "/q/dead-letter/test"), fileSystem: disk,
            clock: InstantClock(), log: { _, _ in })
        delivery.drain()
        await delivery.run()
        #expect(await sink.commits > 0)
        #expect(await sink.early == 0)
        await queue.close()
    }
}
