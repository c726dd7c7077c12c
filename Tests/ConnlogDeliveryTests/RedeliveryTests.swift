import ConnlogCore
import ConnlogDelivery
import ConnlogTestSupport
import Synchronization
import Testing

@Suite struct RedeliveryTests {
    private func redelivery(_ sink: ScriptedSink, patience: Duration = .seconds(3600)) -> Redelivery {
        Redelivery(name: "test", sink: sink, patience: patience, clock: InstantClock(), log: { _, _ in })
    }

    private let away = SendOutcome.retry(Reason("connection_refused", "nobody there"))

    @Test func `a batch is delivered, and made sure of`() async {
        let sink = ScriptedSink()
        var redelivery = redelivery(sink)
        let outcome = await redelivery.send(TestEvents.batch(0..<7))
        #expect(outcome.delivered == Array(0..<7) && outcome.refused.isEmpty && outcome.gaveUp == nil)
        #expect(await sink.taken == Array(0..<7))
        #expect(await sink.committedStates.count == 1)
    }

    @Test func `failures are waited out, and a proof is awaited`() async {
        let sink = ScriptedSink([.outcome(away), .outcome(.hold(Reason("http_403", "token"))), .proof(.delivered)])
        var redelivery = redelivery(sink)
        let outcome = await redelivery.send(TestEvents.batch(0..<3))
        #expect(outcome.delivered == [0, 1, 2] && outcome.gaveUp == nil)
        #expect(await sink.batches.count == 3)
    }

    @Test(arguments: [true, false]) func `a refused event is found, whether the receiver names it or not`(
        names: Bool
    ) async {
        let sink = ScriptedSink(habit: .refuse([3, 8], names: names))
        var redelivery = redelivery(sink)
        let outcome = await redelivery.send(TestEvents.batch(0..<10))
        #expect(outcome.delivered.sorted() == [0, 1, 2, 4, 5, 6, 7, 9])
        #expect(outcome.refused.map(\.index).sorted() == [3, 8])
        #expect(await sink.taken.sorted() == [0, 1, 2, 4, 5, 6, 7, 9])
    }

    @Test func `a batch that is too large is halved`() async {
        let sink = ScriptedSink(habit: .atMost(3))
        var redelivery = redelivery(sink)
        #expect(await redelivery.send(TestEvents.batch(0..<10)).delivered == Array(0..<10))
    }

    @Test func `a part that was taken first counts`() async {
        let sink = ScriptedSink([.outcome(.deliveredPrefix(2))])
        var redelivery = redelivery(sink)
        #expect(await redelivery.send(TestEvents.batch(0..<5)).delivered == Array(0..<5))
        #expect(await sink.batches == [[0, 1, 2, 3, 4], [2, 3, 4]])
    }

    @Test func `a sink that stays away is given up, with what it had taken`() async {
        let sink = ScriptedSink([.outcome(.deliveredPrefix(2))], habit: .outcome(away))
        var redelivery = redelivery(sink, patience: .seconds(30))
        let outcome = await redelivery.send(TestEvents.batch(0..<5))
        #expect(outcome.delivered == [0, 1] && outcome.gaveUp?.label == "connection_refused")
    }

    @Test func `what the sink cannot make sure of does not count as delivered`() async {
        let sink = ScriptedSink(failingCommits: 1)
        var redelivery = redelivery(sink)
        let outcome = await redelivery.send(TestEvents.batch(0..<5))
        #expect(outcome.delivered.isEmpty && outcome.gaveUp?.label == "sync_failed" && outcome.possibleRepeats == 5)
    }

    @Test func `opening is tried again, and given up too`() async {
        var good = redelivery(ScriptedSink(failingOpens: 3))
        #expect(await good.open() == nil)
        var bad = redelivery(ScriptedSink(failingOpens: 1_000_000), patience: .seconds(20))
        #expect(await bad.open()?.label == "cannot_open")
    }

    @Test func `a cancelled task does not wait`() async {
        let sink = ScriptedSink(habit: .outcome(away))
        let redelivery = redelivery(sink, patience: .seconds(1 << 40))
        let task = Task {
            var redelivery = redelivery
            return await redelivery.send(TestEvents.batch(0..<5))
        }
        task.cancel()
        #expect(await task.value.delivered.isEmpty)
    }
}
