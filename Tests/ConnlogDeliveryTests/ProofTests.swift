import ConnlogCore
import ConnlogDelivery
import ConnlogQueue
import ConnlogTestSupport
import Synchronization
import Testing

/// Batches whose proof is awaited together.
@Suite struct ProofTests {
    private let lost = Reason("ack_timeout", "no proof came", mayRepeat: true)

    @Test func `many batches wait for their proof at once, and are committed as it comes`() async throws {
        let bench = try DeliveryBench()
        try await bench.append(0..<200)
        let sink = ProvingSink(batches: 100, limits: BatchLimits(events: 2, inFlight: 2, proofs: .together(100)))
        let status = try await bench.deliver(sink)
        #expect(await sink.proven.sorted() == Array(0..<200))
        #expect(await sink.batches.count == 100)
        #expect(bench.committed == 200)
        #expect(status.delivered == 200 && status.unproven == 0)
    }

    @Test func `no more batches wait than the sink allows`() async throws {
        let bench = try DeliveryBench()
        try await bench.append(0..<100)
        let sink = ProvingSink(batches: 5, limits: BatchLimits(events: 1, inFlight: 2, proofs: .together(5)))
        try await bench.deliver(sink)
        #expect(await sink.waitingMost <= 7)
        #expect(await sink.proven.sorted() == Array(0..<100))
    }

    @Test(arguments: [false, true]) func `what comes to no proof is read again and sent as it was`(isFiltered: Bool)
        async throws
    {
        let bench = try DeliveryBench()
        for start in stride(from: 0, to: 60, by: 3) {
            try await bench.queue.enqueue(
                TestEvents.batch(start..<start + 3, type: isFiltered && start % 2 == 1 ? "vscode" : "ssh"))
        }
        try await bench.queue.flush()
        let wanted = (0..<60).filter { !isFiltered || ($0 / 3 * 3) % 2 == 0 }
        let filter = isFiltered ? QueryFilter(try FilterQuery("type:ssh", dialect: .connlog, now: 0)) : nil
        let sink = ProvingSink(
            batches: 1, losing: [0, 2, 3], limits: BatchLimits(events: 7, inFlight: 2, proofs: .together(50)), lost)
        let status = try await bench.deliver(sink, filter: filter)
        #expect(await sink.proven.sorted() == wanted)
        let batches = await sink.batches
        for number in [0, 2, 3] { #expect(batches.filter { $0 == batches[number] }.count == 2, "batch \(number)") }
        #expect(status.possibleRepeats == batches[0].count + batches[2].count + batches[3].count)
        #expect(bench.committed == 60)
    }

    @Test(arguments: [false, true], [1, 3])
    func `when nothing follows, the sink is told, after each proof that failed too`(
        isStopping: Bool, failures: Int
    ) async throws {
        let bench = try DeliveryBench()
        try await bench.append(0..<10)
        let sink = PatientSink(failures: isStopping ? 0 : failures)
        let delivery = try bench.delivery(sink)
        async let run: Void = delivery.run()
        await sink.untilAsked()
        #expect(await sink.told == 0, "more may follow")
        if isStopping { delivery.finish() } else { delivery.drain() }
        await run
        #expect(await sink.told == (isStopping ? 1 : failures + 1))
        #expect(bench.committed == 10)
    }

    @Test func `a bad event costs those before it one more sending, and itself`() async throws {
        let bench = try DeliveryBench()
        try await bench.append(0..<10)
        let bad = Reason("hec_6", "Invalid data format", mayRepeat: true)
        let sink = ScriptedSink([
            .outcome(.rejectedUnproven(at: 4, bad)), .outcome(.delivered), .outcome(.rejectedUnproven(at: 0, bad)),
        ])
        let status = try await bench.deliver(sink)
        #expect(
            await sink.batches == [Array(0..<10), Array(0..<4), Array(4..<10), Array(5..<10)])
        #expect(bench.deadLetters == [4])
        #expect(status.possibleRepeats == 4)
        #expect(bench.committed == 10)
    }

    @Test(.serialized, arguments: 0..<40) func `whatever comes of the proofs, every event is proven once in the end`(
        seed: UInt64
    )
        async throws
    {
        var generator = SeededGenerator(seed: seed)
        let bench = try DeliveryBench()
        let count = Int.random(in: 1...300, using: &generator)
        try await bench.append(0..<count)
        let limits = BatchLimits(
            events: Int.random(in: 1...20, using: &generator), inFlight: Int.random(in: 1...4, using: &generator),
            proofs: .together(Int.random(in: 1...100, using: &generator)))
        let losing = Set((0..<100).filter { _ in Bool.random(using: &generator) })
        let sink = ProvingSink(batches: 1, losing: losing, limits: limits, lost)
        let status = try await bench.deliver(sink)
        #expect(await sink.proven.sorted() == Array(0..<count), "seed \(seed)")
        #expect(bench.committed == UInt64(count) && status.unproven == 0, "seed \(seed)")
    }
}

/// Gives a proof once it is told that nothing follows.
private actor PatientSink: Sink {
    nonisolated let limits = BatchLimits(proofs: .inOrder(4))
    private var failures: Int
    private(set) var told = 0
    private var isTold = false
    private var isAsked = false
    private var waiting: CheckedContinuation<SendOutcome, Never>?

    init(failures: Int) { self.failures = failures }

    func send(_ batch: EventBatch) async -> SendOutcome {
        isTold = false
        return .accepted(Receipt(0))
    }

    func outcome(of receipt: Receipt) async -> SendOutcome {
        isAsked = true
        if isTold { return proof() }
        return await withCheckedContinuation { waiting = $0 }
    }

    func nothingFollows() async {
        if !isTold { told += 1 }
        isTold = true
        guard let waiting else { return }
        self.waiting = nil
        waiting.resume(returning: proof())
    }

    private func proof() -> SendOutcome {
        failures -= 1
        return failures >= 0 ? .retry(Reason("lost", "no proof came")) : .delivered
    }

    func untilAsked() async { while !isAsked { await Task.yield() } }
}

/// Accepts everything, and gives its proofs once a number of batches wait for them.
private actor ProvingSink: Sink {
    nonisolated let limits: BatchLimits
    private let batchesUntilProof: Int
    /// Batches, by their number, whose proof comes to nothing.
    private let losing: Set<Int>
    private let reason: Reason
    private(set) var batches: [[Int]] = []
    private(set) var proven: [Int] = []
    private(set) var waitingMost = 0
    private var waiting: [(number: Int, continuation: CheckedContinuation<SendOutcome, Never>)] = []

    init(
        batches: Int, losing: Set<Int> = [], limits: BatchLimits, _ reason: Reason = Reason("lost", "no proof came")
    ) {
        self.limits = limits
        batchesUntilProof = batches
        self.losing = losing
        self.reason = reason
    }

    func send(_ batch: EventBatch) async -> SendOutcome {
        batches.append(TestEvents.numbers(batch))
        return .accepted(Receipt(UInt64(batches.count - 1)))
    }

    func outcome(of receipt: Receipt) async -> SendOutcome {
        let number = Int(receipt.number)
        // Where each proof comes by itself, they overtake one another.
        for _ in 0..<(batchesUntilProof == 1 ? number * 5 % 7 : 0) { await Task.yield() }
        return await withCheckedContinuation { continuation in
            waiting.append((number, continuation))
            waitingMost = max(waitingMost, waiting.count)
            if waiting.count >= batchesUntilProof { prove() }
        }
    }

    private func prove() {
        for (number, continuation) in waiting.shuffled() {
            if losing.contains(number) {
                continuation.resume(returning: .retry(after: nil, reason))
            } else {
                proven += batches[number]
                continuation.resume(returning: .delivered)
            }
        }
        waiting = []
    }
}
