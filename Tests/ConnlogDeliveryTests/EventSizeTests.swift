import ConnlogCore
import ConnlogDelivery
import ConnlogQueue
import ConnlogSystem
import ConnlogTestSupport
import Testing

/// An event of any size that a source takes in comes to the sink, whatever the sink's batches are like and whatever came
/// before.
@Suite(.timeLimit(.minutes(10))) struct EventSizeTests {
    /// As the kinds of sinks want it.
    enum Kind: CaseIterable, Sendable {
        case file, hec, tenAtATime, datagrams, stream, proven, small

        var limits: BatchLimits {
            switch self {
            case .file: BatchLimits(commitInterval: .seconds(1))
            case .hec: BatchLimits(bytes: 1 << 20, bytesPerEvent: 200, wait: .seconds(1), inFlight: 2)
            case .tenAtATime: BatchLimits(events: 10)
            case .datagrams: BatchLimits(events: 256, bytes: 256 << 10)
            case .stream: BatchLimits(events: 20_000, bytes: 256 << 10, proofs: .inOrder(4))
            case .proven: BatchLimits(events: 100, proofs: .together(8))
            case .small: BatchLimits(events: 1, bytes: 1)
            }
        }
    }

    private static let limits = [16, 60, 64, 120, 128, 160, 256, 512, 1024, 3072]

    static let sizes: [Int] = {
        var sizes = [TestEvents.shortest, TestEvents.shortest + 1, 300_000, 600 << 10, 1000 << 10]
        for limit in limits { sizes += [(limit << 10) - 1, limit << 10, (limit << 10) + 1] }
        return sizes
    }()

    @Test(arguments: sizes) func `an event of any size is delivered, and all around it`(bytes: Int) async throws {
        // Alone, after a few that are ordinary, and after so many that the averages follow them.
        try await deliver([bytes, 800])
        try await deliver([Int](repeating: 800, count: 39) + [bytes] + [Int](repeating: 700, count: 4))
        try await deliver([Int](repeating: 800, count: 350) + [bytes, 900, bytes])
    }

    private func deliver(_ sizes: [Int]) async throws {
        let disk = SimulatedFileSystem()
        let options = QueueOptions(queueBytesMax: 64 << 20, segmentBytes: 1 << 20, freeBytesMin: 0)
        let queue = try Queue.open("/q", options, fileSystem: disk)
        let bench = try DeliveryBench(queue: queue)
        // All are known before there are events: the queue keeps nothing for one that comes later.
        let works = try Kind.allCases.map { kind in
            let sink = SizeSink(kind.limits, isProving: kind == .proven)
            return (kind: kind, sink: sink, delivery: try bench.delivery(sink, name: "\(kind)"))
        }
        var codec = RecordCodec()
        for (number, bytes) in sizes.enumerated() {
            var line = EventBatch()
            line.append(Array(TestEvents.line(number, bytes: bytes).utf8).span)
            var payload = queue.makeBatch()
            codec.encode(line, into: &payload)
            try await queue.enqueue(payload)
        }
        try await queue.flush()
        for (kind, sink, delivery) in works {
            delivery.drain()
            await delivery.run()
            let status = delivery.status
            #expect(await sink.taken.map(\.number).sorted() == Array(sizes.indices), "\(kind)")
            #expect(await sink.taken.allSatisfy { $0.bytes == max(sizes[$0.number], TestEvents.shortest) }, "\(kind)")
            #expect(status.delivered == sizes.count && status.skipped == 0 && status.deadLetters.isEmpty, "\(kind)")
            #expect(bench.committed(of: "\(kind)") == UInt64(sizes.count), "\(kind)")
        }
        await queue.close()
    }
}

/// Takes everything and remembers which events, and how large they were.
private actor SizeSink: Sink {
    nonisolated let limits: BatchLimits
    private let isProving: Bool
    private var receipts: UInt64 = 0
    /// The first proof of each batch comes to nothing, so that it is read from the queue again.
    private var waiting: [UInt64: [(number: Int, bytes: Int)]] = [:]
    private var refused: Set<Int> = []
    private(set) var taken: [(number: Int, bytes: Int)] = []

    init(_ limits: BatchLimits, isProving: Bool) {
        self.limits = limits
        self.isProving = isProving
    }

    func send(_ batch: EventBatch) async -> SendOutcome {
        let events = zip(TestEvents.numbers(batch), (0..<batch.count).map { batch.record($0).count })
            .map { (number: $0, bytes: $1) }
        guard isProving else {
            taken += events
            return .delivered
        }
        receipts += 1
        waiting[receipts] = events
        return .accepted(Receipt(receipts))
    }

    func outcome(of receipt: Receipt) async -> SendOutcome {
        let events = waiting.removeValue(forKey: receipt.number) ?? []
        if let first = events.first, refused.insert(first.number).inserted {
            return .retry(Reason("proof_lost", "the proof did not come"))
        }
        taken += events
        return .delivered
    }
}
