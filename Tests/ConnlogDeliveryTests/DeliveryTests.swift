import ConnlogCore
import ConnlogDelivery
import ConnlogQueue
import ConnlogSystem
import ConnlogTestSupport
import Foundation
import Synchronization
import Testing

@Suite struct DeliveryTests {
    private let busy = Reason("http_503", "busy")

    @Test func `every event arrives once and in order, and is committed`() async throws {
        let bench = try DeliveryBench()
        try await bench.append(0..<1000)
        let sink = ScriptedSink(limits: BatchLimits(events: 7))
        let status = try await bench.deliver(sink)
        #expect(await sink.taken == Array(0..<1000))
        #expect(bench.committed == 1000)
        #expect(status.delivered == 1000)
        #expect(status.state == .stopped)
        #expect(await sink.closes == 1)
    }

    @Test func `a batch that failed is sent again as it was, before anything after it`() async throws {
        let bench = try DeliveryBench()
        try await bench.append(0..<10)
        let sink = ScriptedSink(
            [.outcome(.retry(busy)), .outcome(.retry(busy))], limits: BatchLimits(events: 4))
        let status = try await bench.deliver(sink)
        #expect(await sink.taken == Array(0..<10))
        #expect(await sink.batches.prefix(3) == [[0, 1, 2, 3], [0, 1, 2, 3], [0, 1, 2, 3]])
        #expect(status.retries == ["http_503": 2])
    }

    @Test func `what the receiver may already have is counted as possibly sent twice`() async throws {
        let bench = try DeliveryBench()
        try await bench.append(0..<4)
        let lost = Reason("timeout", "no answer", mayRepeat: true)
        let status = try await bench.deliver(ScriptedSink([.outcome(.retry(lost))]))
        #expect(status.possibleRepeats == 4)
    }

    @Test func `the pause is as long as the receiver asks`() async throws {
        let bench = try DeliveryBench()
        try await bench.append(0..<1)
        let sink = ScriptedSink([.outcome(.retry(after: .seconds(77), busy)), .outcome(.delivered)])
        let delivery = try bench.delivery(sink)
        // Draining would end the pause at once, so the drain comes when the clock has slept.
        let running = Task { await delivery.run() }
        while await sink.taken.isEmpty { await Task.yield() }
        delivery.drain()
        await running.value
        #expect(bench.clock.sleeps.contains(.seconds(77)))
    }

    @Test(arguments: [true, false]) func `a bad event goes to the dead letters, and only that one`(names: Bool)
        async throws
    {
        let bench = try DeliveryBench()
        try await bench.append(0..<50)
        let bad: Set<Int> = [0, 13, 14, 49]
        let sink = ScriptedSink(habit: .refuse(bad, names: names), limits: BatchLimits(events: 16))
        let status = try await bench.deliver(sink)
        #expect(await sink.taken == (0..<50).filter { !bad.contains($0) })
        #expect(bench.deadLetters == bad.sorted())
        #expect(status.deadLetters == ["http_400_6": 4])
        #expect(status.delivered == 46)
        #expect(bench.committed == 50)
    }

    @Test func `a dead letter holds time, reason, the receiver's words and the event as it was received`() async throws
    {
        let bench = try DeliveryBench()
        try await bench.append(0..<1)
        try await bench.deliver(ScriptedSink(habit: .refuse([0], names: true)))
        let folder = bench.directory + "/dead"
        let files = try FileManager.default.contentsOfDirectory(atPath: folder)
        let file = try #require(files.first { $0.hasSuffix(".jsonl") })
        let data = try Data(contentsOf: URL(filePath: folder + "/" + file))
        let letter = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        #expect(letter["sink"] as? String == "test")
        #expect(letter["reason"] as? String == "http_400_6")
        #expect(letter["text"] as? String == "Invalid data format")
        #expect(letter["offset"] as? Int == 0)
        let text = try #require(String(data: data, encoding: .utf8))
        #expect(text.contains("\"record\":" + TestEvents.line(0) + "}\n"))
    }

    @Test(arguments: [1, 2, 3, 7]) func `a batch that is too large is halved until it fits`(most: Int) async throws {
        let bench = try DeliveryBench()
        try await bench.append(0..<40)
        let sink = ScriptedSink(habit: .atMost(most), limits: BatchLimits(events: 32))
        let status = try await bench.deliver(sink)
        #expect(await sink.taken == Array(0..<40))
        #expect(status.halvings > 0)
        #expect(status.deadLetters.isEmpty)
    }

    @Test func `an event that is too large alone is a dead letter`() async throws {
        let bench = try DeliveryBench()
        try await bench.append(0..<3)
        let status = try await bench.deliver(ScriptedSink(habit: .atMost(0)))
        #expect(bench.deadLetters == [0, 1, 2])
        #expect(status.deadLetters == ["http_413": 3])
    }

    @Test func `a delivered prefix is committed before the rest is sent`() async throws {
        let bench = try DeliveryBench()
        try await bench.append(0..<10)
        let limits = BatchLimits(commitInterval: .seconds(3600))
        let sink = ScriptedSink([.outcome(.deliveredPrefix(4)), .outcome(.deliveredPrefix(0))], limits: limits)
        try await bench.deliver(sink)
        #expect(await sink.taken == Array(0..<10))
        #expect(await sink.batches == [Array(0..<10), Array(4..<10), Array(4..<10)])
        #expect(await sink.committedStates.first == Array("4".utf8))
    }

    @Test func `what was accepted without proof is sent again, in order`() async throws {
        let bench = try DeliveryBench()
        try await bench.append(0..<6)
        let broken = SendOutcome.retry(Reason("reset", "connection reset", mayRepeat: true))
        let sink = ScriptedSink(
            [.proof(.delivered), .proof(broken), .proof(broken)], limits: BatchLimits(events: 2))
        let status = try await bench.deliver(sink)
        #expect(await sink.taken == Array(0..<6))
        #expect(status.possibleRepeats >= 2)
        #expect(bench.committed == 6)
    }

    @Test func `a held sink loses nothing and goes on by itself`() async throws {
        let bench = try DeliveryBench()
        try await bench.append(0..<5)
        let hold = SendOutcome.hold(Reason("http_403_4", "Invalid token"))
        let sink = ScriptedSink([.outcome(hold), .outcome(hold)])
        try await bench.deliver(sink)
        #expect(await sink.taken == Array(0..<5))
        #expect(bench.said.withLock { $0.contains { $0.contains("everything is kept until this is mended") } })
        #expect(bench.said.withLock { $0.contains { $0.contains("working again") } })
    }

    @Test func `a sink that cannot be opened yet is opened again`() async throws {
        let bench = try DeliveryBench()
        try await bench.append(0..<5)
        let sink = ScriptedSink(failingOpens: 3)
        try await bench.deliver(sink)
        #expect(await sink.taken == Array(0..<5))
        #expect(await sink.openedWith.count == 4)
    }

    @Test func `the state of the last commit comes back with the next start`() async throws {
        let bench = try DeliveryBench()
        try await bench.append(0..<5)
        try await bench.deliver(ScriptedSink())
        let sink = ScriptedSink()
        try await bench.deliver(sink)
        #expect(await sink.openedWith == [Array("5".utf8)])
        #expect(await sink.taken.isEmpty)
    }

    @Test func `when a commit point fails, everything since the last commit is sent again`() async throws {
        let bench = try DeliveryBench()
        try await bench.append(0..<20)
        let sink = ScriptedSink(limits: BatchLimits(events: 5), failingCommits: 1)
        try await bench.deliver(sink)
        #expect(await sink.taken == Array(0..<20))
        #expect(bench.committed == 20)
    }

    @Test func `filtered events are passed over, counted and committed`() async throws {
        let bench = try DeliveryBench()
        try await bench.queue.enqueue(TestEvents.batch(0..<5, type: "ssh"))
        try await bench.queue.enqueue(TestEvents.batch(5..<9, type: "vscode"))
        try await bench.queue.enqueue(TestEvents.batch(9..<12, type: "ssh"))
        try await bench.queue.flush()
        let query = try FilterQuery("type:vscode", dialect: .connlog, now: 0)
        let sink = ScriptedSink([.outcome(.deliveredPrefix(2))])
        let status = try await bench.deliver(sink, filter: QueryFilter(query))
        #expect(await sink.taken == Array(5..<9))
        #expect(status.filtered == 8)
        #expect(bench.committed == 12)
    }

    @Test func `events that the queue gave up are counted and told, and the rest arrives`() async throws {
        let bench = try DeliveryBench(QueueOptions(queueBytesMax: 1 << 20, segmentBytes: 64 << 10))
        let sink = ScriptedSink(limits: BatchLimits(events: 50))
        let delivery = try bench.delivery(sink, quota: 256 << 10, onFull: .dropOldest)
        for start in stride(from: 0, to: 2000, by: 100) { try await bench.append(start..<(start + 100)) }
        delivery.drain()
        await delivery.run()
        let taken = await sink.taken
        let dropped = 2000 - taken.count
        #expect(dropped > 0)
        #expect(taken == Array(dropped..<2000))
        #expect(delivery.status.skipped == dropped)
        #expect(bench.said.withLock { $0.contains { $0.contains("\(dropped) events before offset \(dropped)") } })
    }

    @Test func `stopping leaves what is not delivered in the queue for the next start`() async throws {
        let bench = try DeliveryBench()
        try await bench.append(0..<10)
        let dead = ScriptedSink(habit: .outcome(.retry(busy)))
        let delivery = try bench.delivery(dead)
        let running = Task { await delivery.run() }
        while await dead.batches.isEmpty { await Task.yield() }
        delivery.stop()
        await running.value
        #expect(bench.committed == 0)
        let sink = ScriptedSink()
        try await bench.deliver(sink)
        #expect(await sink.taken == Array(0..<10))
    }

    @Test(.serialized, arguments: 0..<40)
    func `whatever a receiver does, each event ends there once or among the dead letters`(
        seed: UInt64
    ) async throws {
        var generator = SeededGenerator(seed: seed)
        let bench = try DeliveryBench()
        let count = Int.random(in: 1...120, using: &generator)
        try await bench.append(0..<count)
        let bad = Set((0..<count).filter { _ in UInt8.random(in: 0..<20, using: &generator) == 0 })
        let script = (0..<30).map { _ in ScriptedSink.Step.random(bad, using: &generator) }
        let sink = ScriptedSink(
            script, habit: .refuse(bad, names: Bool.random(using: &generator)),
            limits: BatchLimits(
                events: Int.random(in: 1...30, using: &generator),
                commitInterval: Bool.random(using: &generator) ? .zero : .seconds(1)),
            failingCommits: Int.random(in: 0...2, using: &generator))
        try await bench.deliver(sink)
        let taken = await sink.taken
        #expect(taken == taken.sorted(), "order, seed \(seed)")
        #expect(Set(taken).union(bench.deadLetters) == Set(0..<count), "seed \(seed)")
        #expect(taken.count == Set(taken).count, "repeats, seed \(seed)")
        #expect(bench.committed == UInt64(count), "seed \(seed)")
    }
}

extension ScriptedSink.Step {
    /// Anything a receiver might do that repeats nothing.
    static func random(_ bad: Set<Int>, using generator: inout SeededGenerator) -> ScriptedSink.Step {
        let reason = Reason("test", "test")
        return switch UInt8.random(in: 0..<6, using: &generator) {
        case 0: .outcome(.retry(reason))
        case 1: .outcome(.hold(reason))
        case 2: .refuse(bad, names: true)
        case 3: .refuse(bad, names: false)
        case 4: .outcome(.tooLarge(reason))
        default: .outcome(.retry(after: .seconds(5), reason))
        }
    }
}

/// What is shown of a delivery at any moment.
@Suite(.timeLimit(.minutes(10))) struct DeliveryFiguresTests {
    @Test func `what was delivered and how far the sink is always agree`() async throws {
        let bench = try DeliveryBench()
        try await bench.append(0..<3000)
        let delivery = try bench.delivery(ScriptedSink(limits: BatchLimits(events: 7)))
        let isOver = Atomic(false)
        let watching = Task.detached {
            var disagreed: [DeliveryStatus] = []
            while !isOver.load(ordering: .acquiring), !Task.isCancelled {
                let status = delivery.status
                if UInt64(status.delivered) != status.done || status.committed > status.done {
                    disagreed.append(status)
                }
                await Task.yield()
            }
            return disagreed
        }
        delivery.drain()
        await delivery.run()
        isOver.store(true, ordering: .releasing)
        #expect(await watching.value.isEmpty)
        #expect(delivery.status.done == 3000)
    }

    @Test(arguments: [1, DeliveryStatus.refusedMax, DeliveryStatus.refusedMax + 1, 100])
    func `the first refused events are named, all are counted`(count: Int) async throws {
        let bench = try DeliveryBench()
        try await bench.append(0..<count)
        let sink = ScriptedSink(habit: .refuse(Set(0..<count), names: true))
        let status = try await bench.deliver(sink)
        #expect(status.deadLetters.values.reduce(0, +) == count)
        #expect(status.refused.map(\.offset) == (0..<min(count, DeliveryStatus.refusedMax)).map { UInt64($0) })
    }
}
