import ConnlogCore
import ConnlogDelivery
import ConnlogQueue
import ConnlogSystem
import ConnlogTestSupport
import Synchronization
import Testing

/// A receiver that does whatever it likes, from a seed, with several batches under way, proofs in any order, stops and
/// restarts; and at every commit the question whether the offset has passed an event whose fate is open.
@Suite(.timeLimit(.minutes(10))) struct ModelTests {
    @Test(.serialized, arguments: 0..<150)
    func `no commit ever passes an event that is neither delivered, filtered nor put aside`(
        seed: UInt64
    ) async throws {
        var history = try ModelRun(seed: seed)
        try await history.run()
    }
}

/// One history.
private struct ModelRun {
    private let seed: UInt64
    private var generator: SeededGenerator
    private let bench: DeliveryBench
    private let count: Int
    private let unwanted: Set<Int>

    init(seed: UInt64) throws {
        self.seed = seed
        generator = SeededGenerator(seed: seed)
        bench = try DeliveryBench()
        count = Int.random(in: 1...400, using: &generator)
        let hasFilter = Bool.random(using: &generator)
        var random = generator
        unwanted = hasFilter ? Set((0..<count).filter { _ in UInt8.random(in: 0..<3, using: &random) == 0 }) : []
        generator = random
    }

    private func append(_ numbers: Range<Int>) async throws {
        for number in numbers {
            try await bench.queue.enqueue(
                TestEvents.batch(number..<number + 1, type: unwanted.contains(number) ? "vscode" : "ssh"))
        }
        try await bench.queue.flush()
    }

    mutating func run() async throws {
        let inFlight = Int.random(in: 1...4, using: &generator)
        let proofs = Int.random(in: 1...8, using: &generator)
        let limits = BatchLimits(
            events: Int.random(in: 1...30, using: &generator),
            wait: Bool.random(using: &generator) ? .zero : .seconds(1), inFlight: inFlight,
            commitInterval: Int.random(in: 0..<3, using: &generator) == 0 ? .seconds(1) : .zero,
            proofs: Bool.random(using: &generator) ? .inOrder(proofs) : .together(proofs))
        let sink = ModelSink(seed: seed, limits: limits, bench: bench, count: count, unwanted: unwanted)
        let query = QueryFilter(try FilterQuery("type:ssh", dialect: .connlog, now: 0))
        var appended = 0
        for _ in 0..<Int.random(in: 0...3, using: &generator) {
            let next = Int.random(in: appended...count, using: &generator)
            try await append(appended..<next)
            appended = next
            try await stopMidway(sink, unwanted.isEmpty ? nil : query)
        }
        try await append(appended..<count)
        await sink.calmDown()
        let status = try await bench.deliver(sink, filter: unwanted.isEmpty ? nil : query)
        let wanted = Set(0..<count).subtracting(unwanted)
        #expect(await sink.taken.union(bench.deadLetters) == wanted, "seed \(seed)")
        #expect(bench.committed == UInt64(count), "seed \(seed)")
        let complaints = await sink.complaints
        #expect(complaints == [], "seed \(seed)")
        #expect(status.unproven == 0, "seed \(seed)")
        #expect(await sink.mostWaiting <= inFlight + proofs, "seed \(seed)")
    }

    /// Lets a delivery work for a while, and ends it in one way or another.
    private mutating func stopMidway(_ sink: ModelSink, _ filter: QueryFilter?) async throws {
        let delivery = try bench.delivery(sink, filter: filter)
        let steps = Int.random(in: 0...60, using: &generator)
        let isHard = Bool.random(using: &generator)
        let target = await sink.steps + steps
        let running = Task { await delivery.run() }
        while await sink.steps < target, bench.committed < bench.queue.end, !Task.isCancelled { await Task.yield() }
        isHard ? delivery.stop() : delivery.finish()
        await running.value
    }
}

/// Does what it likes with each batch, and remembers what it really took.
private actor ModelSink: Sink {
    nonisolated let limits: BatchLimits
    private let seed: UInt64
    private var generator: SeededGenerator
    private let bench: DeliveryBench
    private let poison: Set<Int>
    private let unwanted: Set<Int>
    private(set) var taken: Set<Int> = []
    private(set) var complaints: [String] = []
    private(set) var mostWaiting = 0
    private(set) var steps = 0
    private var sending = 0
    private var unproven: [UInt64: [Int]] = [:]
    private var receipts: UInt64 = 0
    private var isCalm = false
    private var isOpen = false
    /// The greatest event that was ever begun; where one batch is under way, what is new comes in order.
    private var greatest = -1

    private static let reason = Reason("test", "test", mayRepeat: true)

    init(seed: UInt64, limits: BatchLimits, bench: DeliveryBench, count: Int, unwanted: Set<Int>) {
        self.seed = seed
        self.limits = limits
        self.bench = bench
        self.unwanted = unwanted
        generator = SeededGenerator(seed: seed &+ 1)
        var random = SeededGenerator(seed: seed &+ 2)
        poison = Set((0..<count).filter { _ in UInt8.random(in: 0..<40, using: &random) == 0 })
    }

    /// From now on most of what is sent is taken, so that there is an end.
    func calmDown() { isCalm = true }

    private func chance(_ one: Int) -> Bool { Int.random(in: 0..<one, using: &generator) == 0 }

    private func dawdle() async {
        for _ in 0..<Int.random(in: 0...6, using: &generator) { await Task.yield() }
    }

    func open(_ committed: [UInt8]?) async throws(SinkError) {
        if chance(8) { throw SinkError(Self.reason) }
        isOpen = true
        unproven = [:]
    }

    func send(_ batch: EventBatch) async -> SendOutcome {
        let numbers = TestEvents.numbers(batch)
        note(numbers)
        sending += 1
        await dawdle()
        defer {
            sending -= 1
            steps += 1
        }
        return decide(numbers)
    }

    private func note(_ numbers: [Int]) {
        if !isOpen { complaints.append("sent while closed") }
        if numbers != numbers.sorted() || numbers.isEmpty { complaints.append("order \(numbers)") }
        if !unwanted.isDisjoint(with: numbers) { complaints.append("not wanted") }
        if numbers.count > limits.events { complaints.append("\(numbers.count) events at once") }
        if sending >= limits.inFlight { complaints.append("\(sending + 1) sends at once") }
        if limits.inFlight == 1, limits.proofs == .inOrder(1), let first = numbers.first, first > greatest + 1 {
            let between = Set(greatest + 1..<first).subtracting(unwanted)
            if !between.isEmpty { complaints.append("\(between) overtaken") }
        }
        greatest = max(greatest, numbers.last ?? 0)
        mostWaiting = max(mostWaiting, sending + unproven.count + 1)
    }

    private func decide(_ numbers: [Int]) -> SendOutcome {
        if chance(isCalm ? 12 : 4) { return .retry(after: chance(2) ? .seconds(9) : nil, Self.reason) }
        if chance(30) { return .hold(Self.reason) }
        if numbers.count > 1, chance(15) { return .tooLarge(Self.reason) }
        if let bad = numbers.firstIndex(where: { poison.contains($0) }) { return refuse(numbers, at: bad) }
        if chance(8) {
            let prefix = Int.random(in: 0...numbers.count, using: &generator)
            taken.formUnion(numbers.prefix(prefix))
            return .deliveredPrefix(prefix)
        }
        if chance(2) {
            receipts += 1
            unproven[receipts] = numbers
            return .accepted(Receipt(receipts))
        }
        taken.formUnion(numbers)
        return .delivered
    }

    private func refuse(_ numbers: [Int], at bad: Int) -> SendOutcome {
        switch Int.random(in: 0..<3, using: &generator) {
        case 0:
            taken.formUnion(numbers[..<bad])
            return .rejected(at: bad, Self.reason)
        case 1: return .rejected(Self.reason)
        default: return .rejectedUnproven(at: bad, Self.reason)
        }
    }

    func outcome(of receipt: Receipt) async -> SendOutcome {
        await dawdle()
        await dawdle()
        guard let numbers = unproven.removeValue(forKey: receipt.number) else { return .retry(Self.reason) }
        if chance(4) { return .retry(Self.reason) }
        if chance(8) {
            let prefix = Int.random(in: 0...numbers.count, using: &generator)
            taken.formUnion(numbers.prefix(prefix))
            return .deliveredPrefix(prefix)
        }
        taken.formUnion(numbers)
        return .delivered
    }

    func commitPoint() async throws(SinkError) -> [UInt8] {
        if limits.commitInterval != .zero, sending > 0 { complaints.append("a commit while sending") }
        if chance(10) {
            throw SinkError(Self.reason)
        }
        return []
    }

    func committed() async {
        let settled = taken.union(bench.deadLetters).union(unwanted)
        let open = (0..<Int(bench.committed)).filter { !settled.contains($0) }
        if !open.isEmpty { complaints.append("committed \(bench.committed) past \(open)") }
    }

    func close() async { isOpen = false }
}
