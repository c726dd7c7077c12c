import ConnlogCore
import ConnlogDelivery
import ConnlogQueue
import ConnlogSystem
import ConnlogTestSupport
import Synchronization
import Testing

/// When something is sent, when not, and how much: with a receiver that answers when the test says so, and a clock that
/// stands still until then.
@Suite(.timeLimit(.minutes(10))) struct PaceTests {
    private let busy = Reason("http_503", "busy")
    private let clock = HandClock()

    private func start(
        _ sink: any Sink, _ count: Int, filter: (any EventFilter)? = nil
    ) async throws -> (DeliveryBench, Delivery, Task<Void, Never>) {
        let bench = try DeliveryBench()
        try await bench.append(0..<count)
        let delivery = try bench.delivery(sink, filter: filter, clock: clock)
        return (bench, delivery, Task { await delivery.run() })
    }

    private func until(_ isSo: () -> Bool) async {
        while !isSo(), !Task.isCancelled { await Task.yield() }
    }

    /// Lets time pass, once somebody waits for that.
    private func pass(_ duration: Duration) async {
        await until { !clock.sleeps.isEmpty }
        clock.advance(by: duration)
    }

    @Test func `a success that was begun before a pause does not end it`() async throws {
        let sink = GatedSink(limits: BatchLimits(events: 10, inFlight: 2))
        let (bench, delivery, running) = try await start(sink, 40)
        await sink.untilBegun(2)
        await sink.answer(1, .retry(after: .seconds(77), busy))
        await until { delivery.status.retries == ["http_503": 1] }
        await sink.answer(0, .delivered)
        await until { delivery.status.delivered == 10 }
        #expect(delivery.status.state == .retrying(busy))
        await until { clock.sleeps.contains(.seconds(77)) }
        #expect(await sink.begun.count == 2)
        clock.advance(by: .seconds(77))
        await sink.untilBegun(3)
        #expect(await sink.begun[2] == Array(10..<20))
        await end(bench, delivery, running, sink, from: 2)
    }

    @Test func `no more is under way than the sink wants just now, and never nothing`() async throws {
        let sink = GatedSink(limits: BatchLimits(events: 10, inFlight: 4))
        sink.allow(2)
        let (bench, delivery, running) = try await start(sink, 200)
        await sink.untilBegun(2)
        await sink.answer(0, .delivered)
        await sink.untilBegun(3)
        sink.allow(0)
        await sink.answer(1, .delivered)
        await until { delivery.status.delivered == 20 }
        #expect(await sink.begun.count == 3)
        await sink.answer(2, .delivered)
        await sink.untilBegun(4)
        sink.allow(100)
        await sink.answer(3, .delivered)
        await sink.untilBegun(8)
        await until { delivery.status.delivered == 40 }
        #expect(await sink.begun.count == 8)
        await end(bench, delivery, running, sink, from: 4)
    }

    @Test func `after a pause one small batch is sent, and the rest when that went through`() async throws {
        let sink = GatedSink(limits: BatchLimits(events: 1000, inFlight: 4))
        let (bench, delivery, running) = try await start(sink, 900)
        await sink.untilBegun(1)
        #expect(await sink.begun[0] == Array(0..<900))
        await sink.answer(0, .retry(busy))
        await until { delivery.status.state == .retrying(busy) }
        await pass(.seconds(60))
        await sink.untilBegun(2)
        #expect(await sink.begun[1] == Array(0..<100))
        #expect(await sink.begun.count == 2)
        await sink.answer(1, .delivered)
        await sink.untilBegun(3)
        #expect(await sink.begun[2] == Array(100..<900))
        await end(bench, delivery, running, sink, from: 2)
    }

    @Test func `a probe that was accepted lets nothing else through before its proof`() async throws {
        let sink = GatedSink(limits: BatchLimits(events: 10, inFlight: 4))
        let proofs = ProofGate(sink)
        let (bench, delivery, running) = try await start(proofs, 30)
        await sink.untilBegun(3)
        for number in 0..<3 { await sink.answer(number, .retry(busy)) }
        await until { delivery.status.retries == ["http_503": 3] }
        await pass(.seconds(60))
        await sink.untilBegun(4)
        await sink.answer(3, .accepted(Receipt(1)))
        await proofs.untilAsked(1)
        #expect(await sink.begun.count == 4)
        await proofs.answer(.retry(busy))
        await until { delivery.status.retries == ["http_503": 4] }
        #expect(await sink.begun.count == 4)
        await pass(.seconds(60))
        await sink.untilBegun(5)
        await sink.answer(4, .delivered)
        await end(bench, delivery, running, sink, from: 5)
    }

    @Test func `where proofs come in any order, a probe whose proof is long in coming holds up nobody but its rest`()
        async throws
    {
        let sink = GatedSink(limits: BatchLimits(events: 200, inFlight: 2, proofs: .together(50)))
        let proofs = ProofGate(sink)
        let (bench, delivery, running) = try await start(proofs, 1000)
        await sink.untilBegun(2)
        await sink.answer(0, .retry(busy))
        await sink.answer(1, .delivered)
        await until { delivery.status.retries == ["http_503": 1] && delivery.status.delivered == 200 }
        await pass(.seconds(60))
        await sink.untilBegun(3)
        await sink.answer(2, .accepted(Receipt(1)))
        await proofs.untilAsked(1)
        await sink.untilBegun(5)
        await sink.answer(3, .delivered)
        await sink.answer(4, .delivered)
        await sink.untilBegun(6)
        await sink.answer(5, .delivered)
        await until { delivery.status.delivered == 800 }
        #expect(await sink.begun.suffix(4).map(\.first) == [0, 400, 600, 800])
        #expect(await sink.begun[2].count == 100 && bench.committed == 0)
        await proofs.answer(.delivered)
        await sink.untilBegun(7)
        #expect(await sink.begun[6] == Array(100..<200))
        await end(bench, delivery, running, sink, from: 6)
    }

    @Test func `a signal ends a pause, and the pause's own end later means nothing`() async throws {
        let sink = GatedSink(limits: BatchLimits(events: 10))
        let (bench, delivery, running) = try await start(sink, 10)
        await sink.untilBegun(1)
        await sink.answer(0, .retry(after: .seconds(100), busy))
        await until { clock.sleeps.contains(.seconds(100)) }
        delivery.reopen()
        await sink.untilBegun(2)
        #expect(await sink.reopens == 1)
        await sink.answer(1, .retry(after: .seconds(250), busy))
        await until { clock.sleeps.contains(.seconds(250)) }
        // The first pause would have ended here.
        clock.advance(by: .seconds(100))
        await until { clock.sleeps == [.seconds(150)] }
        #expect(await sink.begun.count == 2)
        clock.advance(by: .seconds(150))
        await sink.untilBegun(3)
        await end(bench, delivery, running, sink, from: 2)
    }

    @Test func `a sink that holds keeps everything, probes slowly, and goes on after SIGHUP`() async throws {
        let refused = Reason("http_403_4", "Invalid token")
        let sink = GatedSink(limits: BatchLimits(events: 1000))
        let (bench, delivery, running) = try await start(sink, 500)
        for probe in 0..<5 {
            await sink.untilBegun(probe + 1)
            #expect(await sink.begun[probe].count == (probe == 0 ? 500 : 100))
            await sink.answer(probe, .hold(refused))
            await until { delivery.status.retries[refused.label] == probe + 1 }
            #expect(delivery.status.state == .holding(refused))
            await until { !clock.sleeps.isEmpty }
            if probe < 4 { await pass(.seconds(60)) }
        }
        delivery.reopen()
        await sink.untilBegun(6)
        await sink.answer(5, .delivered)
        await sink.untilBegun(7)
        #expect(await sink.begun[6] == Array(100..<500))
        await end(bench, delivery, running, sink, from: 6)
    }

    @Test func `finishing waits for what is under way, begins nothing, and commits`() async throws {
        let sink = GatedSink(limits: BatchLimits(events: 10, inFlight: 2))
        let (bench, delivery, running) = try await start(sink, 100)
        await sink.untilBegun(2)
        delivery.finish()
        await sink.answer(1, .delivered)
        await sink.answer(0, .delivered)
        await running.value
        #expect(await sink.begun.count == 2)
        #expect(await sink.closes == 1)
        #expect(bench.committed == 20)
    }

    @Test func `what went through while being stopped is committed`() async throws {
        let sink = GatedSink(limits: BatchLimits(events: 10, inFlight: 2), whenCancelled: .delivered)
        let (bench, delivery, running) = try await start(sink, 100)
        await sink.untilBegun(2)
        delivery.stop()
        await running.value
        #expect(bench.committed == 20)
        #expect(delivery.status.delivered == 20)
    }

    @Test func `with more batches under way than one, a commit that takes a pause in sending comes all the same`()
        async throws
    {
        let sink = GatedSink(limits: BatchLimits(events: 10, inFlight: 2, commitInterval: .seconds(1)))
        let (bench, delivery, running) = try await start(sink, 100)
        await sink.untilBegun(2)
        await sink.answer(0, .delivered)
        await sink.untilBegun(3)
        await until { clock.sleeps.contains(.seconds(1)) }
        clock.advance(by: .seconds(1))
        // One answer at a time: there is always another batch under way, unless the commit comes first.
        var answered = 1
        while bench.committed == 0, answered < 9 {
            await sink.untilBegun(answered + 1)
            await sink.answer(answered, .delivered)
            answered += 1
            await until { delivery.status.delivered >= answered * 10 }
            for _ in 0..<100 where bench.committed == 0 { await Task.yield() }
        }
        #expect(bench.committed > 0)
        await end(bench, delivery, running, sink, from: answered)
    }

    private func end(
        _ bench: DeliveryBench, _ delivery: Delivery, _ running: Task<Void, Never>, _ sink: GatedSink, from number: Int
    ) async {
        let answering = Task {
            var number = number
            while !Task.isCancelled {
                if await sink.begun.count > number {
                    await sink.answer(number, .delivered)
                    number += 1
                }
                await Task.yield()
            }
        }
        delivery.drain()
        await running.value
        answering.cancel()
        await answering.value
        #expect(bench.committed == bench.queue.end)
    }
}

/// Puts proofs that a test gives behind a sink.
private actor ProofGate: Sink {
    nonisolated let limits: BatchLimits
    private let sink: GatedSink
    private var asked = 0
    private var waiting: CheckedContinuation<SendOutcome, Never>?

    init(_ sink: GatedSink) {
        self.sink = sink
        limits = sink.limits
    }

    func send(_ batch: EventBatch) async -> SendOutcome { await sink.send(batch) }

    func outcome(of receipt: Receipt) async -> SendOutcome {
        asked += 1
        return await withCheckedContinuation { waiting = $0 }
    }

    func untilAsked(_ count: Int) async {
        while asked < count || waiting == nil, !Task.isCancelled { await Task.yield() }
    }

    func answer(_ outcome: SendOutcome) {
        waiting?.resume(returning: outcome)
        waiting = nil
    }
}
