import ConnlogCore
import ConnlogDelivery
import ConnlogQueue
import ConnlogSystem
import ConnlogTestSupport
import Synchronization
import Testing

/// Corners in which a delivery has once stood still, gone round in circles, or repeated itself.
@Suite(.timeLimit(.minutes(10))) struct CornerTests {
    private let busy = Reason("http_503", "busy")

    private func onlyVSCode() throws -> QueryFilter {
        QueryFilter(try FilterQuery("type:vscode", dialect: .connlog, now: 0))
    }

    @Test(arguments: [Duration.zero, .seconds(1)])
    func `a filter that drops everything for many batches does not stop the sink`(commitInterval: Duration) async throws
    {
        let bench = try DeliveryBench()
        try await bench.append(0..<500)
        try await bench.queue.enqueue(TestEvents.batch(500..<503, type: "vscode"))
        try await bench.append(503..<900)
        let sink = ScriptedSink(limits: BatchLimits(events: 4, commitInterval: commitInterval))
        let status = try await bench.deliver(sink, filter: try onlyVSCode())
        #expect(await sink.taken == [500, 501, 502])
        #expect(status.filtered == 897)
        #expect(bench.committed == 900)
    }

    @Test(arguments: 0..<6)
    func `a queue that cannot be opened for a moment is read again after a pause`(call: Int) async throws {
        let tooManyFiles: Int32 = 24
        let disk = SimulatedFileSystem()
        let bench = try DeliveryBench(queue: try Queue.open("queue", QueueOptions(), fileSystem: disk))
        try await bench.append(0..<20)
        let delivery = try bench.delivery(ScriptedSink(limits: BatchLimits(events: 4)))
        disk.fail(.error(tooManyFiles), atCall: disk.calls + call)
        delivery.drain()
        await delivery.run()
        #expect(delivery.status.delivered == 20)
    }

    @Test func `a running sink gets past what its filter drops without anybody waking it`() async throws {
        let bench = try DeliveryBench()
        try await bench.append(0..<500)
        let delivery = try bench.delivery(ScriptedSink(limits: BatchLimits(events: 4)), filter: try onlyVSCode())
        let running = Task { await delivery.run() }
        while bench.committed < 500, !Task.isCancelled { await Task.yield() }
        delivery.stop()
        await running.value
    }

    @Test func `what the filter drops after a batch under way is committed with it`() async throws {
        let bench = try DeliveryBench()
        try await bench.queue.enqueue(TestEvents.batch(0..<4, type: "vscode"))
        try await bench.append(4..<9)
        let sink = GatedSink(limits: BatchLimits(events: 4, inFlight: 2))
        let delivery = try bench.delivery(sink, filter: try onlyVSCode())
        let running = Task { await delivery.run() }
        await sink.untilBegun(1)
        while delivery.status.filtered < 5, !Task.isCancelled { await Task.yield() }
        await sink.answer(0, .delivered)
        while bench.committed < 9, !Task.isCancelled { await Task.yield() }
        delivery.stop()
        await running.value
    }

    @Test func `with a filter that keeps next to nothing, memory does not grow with what is read`() async throws {
        let bench = try DeliveryBench()
        for start in stride(from: 0, to: 6000, by: 100) {
            try await bench.queue.enqueue(TestEvents.batch(start..<start + 99))
            try await bench.queue.enqueue(TestEvents.batch(start + 99..<start + 100, type: "vscode"))
        }
        try await bench.queue.flush()
        let sink = ScriptedSink()
        let status = try await bench.deliver(sink, filter: try onlyVSCode())
        #expect(await sink.taken == (0..<60).map { $0 * 100 + 99 })
        #expect(status.filtered == 5940)
        // 6000 events are more than 2 MiB.
        #expect(await sink.largestBuffer < 1 << 20)
    }

    @Test func `an offset that cannot be stored is stored later, and nothing is sent again for that`() async throws {
        let disk = SimulatedFileSystem()
        let queue = try Queue.open("queue", fileSystem: disk)
        let bench = try DeliveryBench(queue: queue)
        try await bench.append(0..<20)
        let sink = ScriptedSink(limits: BatchLimits(events: 5)) { number in
            // The next call is the one that writes the offset.
            // When that fails, the file is made anew, which fails with the call after.
            guard number <= 3 else { return }
            for call in 1...2 { disk.fail(.error(Errno.inputOutput), atCall: disk.calls + call) }
        }
        let status = try await bench.deliver(sink)
        #expect(await sink.batches == [0, 5, 10, 15].map { Array($0..<$0 + 5) })
        #expect(status.retries["commit_failed", default: 0] >= 1)
        #expect(status.state == .stopped)
        #expect(bench.committed == 20)
    }

    @Test func `a sink that cannot be opened after a failed commit point is opened before the next batch`() async throws
    {
        let bench = try DeliveryBench()
        try await bench.append(0..<20)
        let sink = ScriptedSink(limits: BatchLimits(events: 5), failingCommits: 1, failingReopens: 3)
        try await bench.deliver(sink)
        #expect(await sink.sentWhileClosed == 0)
        #expect(await sink.taken == Array(0..<20))
        #expect(await sink.openedWith.count == 5)
        #expect(bench.committed == 20)
    }

    @Test func `commit points that fail again and again are paced, though batches go through in between`() async throws
    {
        let bench = try DeliveryBench()
        try await bench.append(0..<5)
        let sink = ScriptedSink(failingCommits: 12)
        let status = try await bench.deliver(sink)
        #expect(status.retries == ["sync_failed": 12])
        // A bound of 60 s is reached with the seventh; of six or more, all of random length, one is longer than 4 s.
        #expect(bench.clock.sleeps.contains { $0 > .seconds(4) })
        #expect(bench.committed == 5)
    }

    @Test func `with nothing left to deliver, a sink that cannot be opened does not hold up the end`() async throws {
        let bench = try DeliveryBench()
        let sink = ScriptedSink(failingOpens: .max)
        let delivery = try bench.delivery(sink)
        let running = Task { await delivery.run() }
        while await sink.openedWith.isEmpty, !Task.isCancelled { await Task.yield() }
        delivery.drain()
        await running.value
    }

    @Test func `a sink that asks for commits without end is paced, and its events stay`() async throws {
        let bench = try DeliveryBench()
        try await bench.append(0..<5)
        let vain = Array(repeating: ScriptedSink.Step.outcome(.deliveredPrefix(0)), count: 20)
        let sink = ScriptedSink(vain)
        let status = try await bench.deliver(sink)
        #expect(status.retries["no_progress"] ?? 0 >= 5)
        #expect(await sink.taken == Array(0..<5))
    }

    @Test func `"too large" never makes batches larger than the sink allows`() async throws {
        let bench = try DeliveryBench()
        try await bench.append(0..<200)
        let limits = BatchLimits(bytes: 4 << 10)
        let sink = ScriptedSink([.outcome(.tooLarge(Reason("http_413", "too large")))], limits: limits)
        try await bench.deliver(sink)
        #expect(await sink.taken == Array(0..<200))
        #expect(await sink.batches.allSatisfy { $0.count <= 10 })
    }

    @Test func `several bad events in one batch cost each only itself, named or not`() async throws {
        for names in [true, false] {
            for bad in [[0, 1], [6, 7], [0, 7], [3, 4, 5], Array(0..<8)] {
                let bench = try DeliveryBench()
                try await bench.append(0..<8)
                let sink = ScriptedSink(habit: .refuse(Set(bad), names: names))
                let status = try await bench.deliver(sink)
                #expect(await sink.taken == (0..<8).filter { !bad.contains($0) }, "\(bad) \(names)")
                #expect(bench.deadLetters == bad, "\(bad) \(names)")
                #expect(status.deadLetters == ["http_400_6": bad.count])
                #expect(bench.committed == 8)
            }
        }
    }

    @Test func `at the bound of its dead letters a sink holds, and goes on when there is room`() async throws {
        let bench = try DeliveryBench()
        try await bench.append(0..<6)
        let sink = ScriptedSink(habit: .refuse([1, 2, 3, 4], names: true))
        let delivery = try bench.delivery(sink, deadLetterBytesMax: 1500)
        let running = Task { await delivery.run() }
        while delivery.status.retries["dead_letters_full"] == nil, !Task.isCancelled { await Task.yield() }
        #expect(bench.deadLetters.count < 4)
        #expect(bench.said.withLock { $0.contains { $0.contains("connlog dead-letter list") } })
        delivery.drain()
        while bench.committed < 6, !Task.isCancelled {
            try bench.moveDeadLetters()
            await Task.yield()
        }
        delivery.stop()
        await running.value
        #expect((bench.movedDeadLetters + bench.deadLetters).sorted() == [1, 2, 3, 4])
        #expect(await sink.taken == [0, 5])
    }

    @Test func `a queue that was closed is not asked again and again`() async throws {
        let bench = try DeliveryBench()
        try await bench.append(0..<5)
        let sink = ScriptedSink()
        let delivery = try bench.delivery(sink)
        let running = Task { await delivery.run() }
        while bench.committed < 5, !Task.isCancelled { await Task.yield() }
        await bench.queue.close()
        // It still listens.
        delivery.reopen()
        while await sink.reopens == 0, !Task.isCancelled { await Task.yield() }
        delivery.drain()
        await running.value
    }

    @Test func `counting goes on where an earlier delivery of the sink has ended`() async throws {
        let bench = try DeliveryBench()
        try await bench.append(0..<5)
        let first = try await bench.deliver(ScriptedSink())
        try await bench.append(5..<9)
        let delivery = try bench.delivery(ScriptedSink(), past: first)
        delivery.drain()
        await delivery.run()
        #expect(delivery.status.delivered == 9)
    }

    @Test(arguments: [(Int?.none, 1), (4 << 10, 10), (1 << 30, 1)])
    func `batches are as large as the sink likes, or smaller where they must be`(most: Int?, least: Int) async throws {
        let bench = try DeliveryBench()
        try await bench.append(0..<200)
        let sink = ScriptedSink(limits: BatchLimits(bytes: 1 << 20))
        let delivery = try bench.delivery(sink, batchBytesMax: most)
        delivery.drain()
        await delivery.run()
        let batches = await sink.batches
        #expect(batches.joined().elementsEqual(0..<200))
        #expect(least == 1 ? batches.count == 1 : batches.count >= least)
    }
}
