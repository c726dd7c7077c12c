import ConnlogCore
import ConnlogDelivery
import ConnlogPipeline
import ConnlogQueue
import ConnlogTestSupport
import Foundation
import Synchronization
import Testing

/// What a program that embeds a pipeline may rely on, with a queue on a real disk.
@Suite(.timeLimit(.minutes(10))) struct PipelineTests {
    private let quiet = Log { _, _ in }

    @Test func `everything that sources hand over comes to every sink, and then the run is over`() async throws {
        let folder = try Folder()
        let pipeline = try Pipeline(in: folder.path, log: quiet)
        let (one, two) = (Receiver(), Receiver())
        pipeline.add(Counting(0..<100), named: "a")
        pipeline.add(Counting(100..<130), named: "b")
        pipeline.add(one, named: "one")
        pipeline.add(two, named: "two")
        let outcome = try await pipeline.run()
        #expect(Set(one.taken) == Set(0..<130) && one.taken.count == 130 && Set(two.taken) == Set(0..<130))
        #expect(outcome.queued.isEmpty && outcome.problems.isEmpty)
        // Sources that count nothing are known by what they have handed over.
        #expect(pipeline.status.sources.map(\.counts.events) == [100, 30])
        #expect(pipeline.status.sinks.map(\.status.delivered) == [130, 130])
    }

    @Test func `a run that is cancelled ends, and the next one delivers what is left and reads on`() async throws {
        let folder = try Folder()
        let first = try Pipeline(in: folder.path, log: quiet)
        let (down, source) = (Receiver(isDown: true), Counting(0..<50, endless: true))
        var plan = PipelinePlan(
            sources: [PlannedSource(source, named: "a")], sinks: [PlannedSink(SinkMaker { down }, named: "mine")])
        plan.shutdownTimeout = .zero
        await first.apply(plan)
        let run = Task { try await first.run() }
        try await Waiting.until("all was read") { first.status.queue.end == 50 }
        run.cancel()
        let outcome = try await run.value
        #expect(outcome.queued.map(\.sink) == ["mine"] && outcome.queued.map(\.events) == [50])

        let second = try Pipeline(in: folder.path, log: quiet)
        let mine = Receiver()
        second.add(Counting(0..<70), named: "a")
        second.add(mine, named: "mine")
        try await second.run()
        #expect(mine.taken == Array(0..<70))
    }

    @Test func `a run that has read everything says which sinks it goes on for, and how to end it`() async throws {
        let folder = try Folder()
        let lines = Mutex<[String]>([])
        let shutdown = Shutdown(timeout: .zero)
        let pipeline = try Pipeline(
            in: folder.path, queue: QueueOptions(), shutdown, waitNotice: .milliseconds(1)
        ) { _, line in lines.withLock { $0.append(line) } }
        pipeline.add(Counting(0..<50), named: "a")
        pipeline.add(Receiver(isDown: true), named: "down")
        pipeline.add(Receiver(), named: "up")
        let run = Task { await pipeline.run(Pipeline.Hooks()) }
        try await Waiting.until("it was told") {
            lines.withLock { $0.contains { $0.contains("is not yet so of sink down (50 events)") } }
        }
        pipeline.stop()
        #expect(await run.value.queued.map(\.sink) == ["down"])
    }

    @Test func `what waits for a sink that is down gets older, also over a restart, and a rate is told`() async throws {
        let folder = try Folder()
        for _ in 0..<2 {
            let pipeline = try Pipeline(in: folder.path, log: quiet)
            var plan = PipelinePlan(
                sources: [PlannedSource(Counting(0..<50, endless: true), named: "a")],
                sinks: [
                    PlannedSink(SinkMaker { Receiver(isDown: true) }, named: "down"),
                    PlannedSink(SinkMaker { Receiver() }, named: "up"),
                ])
            plan.shutdownTimeout = .zero
            await pipeline.apply(plan)
            let run = Task { try await pipeline.run() }
            try await Waiting.until("it has waited for two seconds") {
                pipeline.status.sinks.first?.oldestWaits ?? .zero >= .seconds(2)
            }
            let status = pipeline.status
            #expect(status.sinks[1].oldestWaits == .zero)
            try await Waiting.until("some time has gone by since the source's last event") {
                pipeline.status.sources[0].sinceLastEvent > .zero
            }
            run.cancel()
            _ = try await run.value
        }
    }

    @Test func `two sources with one key have a place each`() async throws {
        let folder = try Folder()
        for upTo in [10, 25] {
            let pipeline = try Pipeline(in: folder.path, log: quiet)
            let mine = Receiver()
            pipeline.add(Counting(0..<upTo), named: "a")
            pipeline.add(Counting(1000..<1000 + 2 * upTo), named: "b")
            pipeline.add(mine, named: "mine")
            try await pipeline.run()
            let expected = upTo == 10 ? Set(0..<10).union(1000..<1020) : Set(10..<25).union(1020..<1050)
            #expect(Set(mine.taken) == expected && mine.taken.count == expected.count)
        }
    }

    @Test func `a plan with the same values changes nothing, and one with new ones replaces in place`() async throws {
        let folder = try Folder()
        let pipeline = try Pipeline(in: folder.path, log: quiet)
        let made = Mutex(0)
        let mine = Receiver()
        let maker = SinkMaker {
            made.withLock { $0 += 1 }
            return mine
        }
        let source = PlannedSource(Counting(0..<20, endless: true), named: "a")
        var plan = PipelinePlan(sources: [source], sinks: [PlannedSink(maker, named: "mine")])
        await pipeline.apply(plan)
        #expect(made.withLock { $0 } == 0, "a sink is made when it is started")
        let run = Task { try await pipeline.run() }
        try await Waiting.until("it is delivered") { mine.taken.count == 20 }
        await pipeline.apply(plan)
        #expect(made.withLock { $0 } == 1)
        plan.sinks = [PlannedSink(maker, named: "mine")]
        plan.sources.append(PlannedSource(Counting(20..<40, endless: true), named: "b"))
        await pipeline.apply(plan)
        try await Waiting.until("what the new source reads is there") { mine.taken.count == 40 }
        #expect(mine.taken == Array(0..<40) && made.withLock { $0 } == 2)
        plan.sources = []
        await pipeline.apply(plan)
        // Without sources there is nothing to come.
        #expect(try await run.value.queued.isEmpty)
    }

    @Test func `a plan that comes while the run begins, or while another is applied, is the one that holds`()
        async throws
    {
        for round in 0..<40 {
            let folder = try Folder()
            let pipeline = try Pipeline(in: folder.path, log: quiet)
            func plan(_ number: Int) -> PipelinePlan {
                PipelinePlan(
                    sources: [PlannedSource(Counting(0..<0, endless: true), named: "source-\(number)")],
                    sinks: [PlannedSink(SinkMaker { Receiver() }, named: "sink-\(number)")])
            }
            await pipeline.apply(plan(0))
            let run = Task { try await pipeline.run() }
            if round % 2 == 0 { await Task.yield() }
            let first = Task { await pipeline.apply(plan(1)) }
            if round % 3 == 0 { await Task.yield() }
            await first.value
            await pipeline.apply(plan(2))
            try await Waiting.until("the last plan is in force") {
                let status = pipeline.status
                return status.sources.map(\.name) == ["source-2"] && status.sinks.map(\.name) == ["sink-2"]
            }
            // Nothing is under way any more that would bring an older one back.
            pipeline.stop()
            _ = try await run.value
            #expect(pipeline.status.sinks.map(\.name) == ["sink-2"], "round \(round)")
        }
    }

    @Test func `a source that fails for good is told at the end, and the others go on`() async throws {
        let folder = try Folder()
        let pipeline = try Pipeline(in: folder.path, log: quiet)
        let mine = Receiver()
        pipeline.add(Counting(0..<5, failing: true), named: "bad")
        pipeline.add(Counting(100..<110), named: "good")
        pipeline.add(mine, named: "mine")
        let error = await #expect(throws: PipelineError.self) { try await pipeline.run() }
        #expect(error?.outcome.problems == [.sourceFailed] && error?.outcome.queued.isEmpty == true)
        #expect(Set(mine.taken) == Set(0..<5).union(100..<110))
    }

    @Test func `a source that is started again counts once what it counted before`() async throws {
        let folder = try Folder()
        let pipeline = try Pipeline(in: folder.path, log: quiet)
        let failing = PlannedSource(Counting(0..<5, failing: true), named: "bad")
        let going = PlannedSource(Counting(10..<12, endless: true), named: "good")
        let mine = Receiver()
        let plan = PipelinePlan(sources: [failing, going], sinks: [PlannedSink(SinkMaker { mine }, named: "mine")])
        await pipeline.apply(plan)
        let run = Task { try? await pipeline.run() }
        try await Waiting.until("it has failed") { mine.taken.count == 7 }
        for _ in 0..<3 { await pipeline.apply(plan) }
        #expect(pipeline.status.sources.map(\.counts.events) == [5, 2])
        pipeline.stop()
        _ = await run.value
    }

    @Test func `what is applied after the run leaves the directory alone`() async throws {
        let folder = try Folder()
        let pipeline = try Pipeline(in: folder.path, log: quiet)
        pipeline.add(Counting(0..<3), named: "a")
        pipeline.add(Receiver(), named: "one")
        try await pipeline.run()
        let late = Receiver()
        await pipeline.apply(PipelinePlan(sinks: [PlannedSink(SinkMaker { late }, named: "late")]))
        let next = try Pipeline(in: folder.path, log: quiet)
        #expect(next.status.queue.sinks.map(\.name) == ["one"])
        #expect(late.taken.isEmpty)
        try await next.run()
    }

    @Test func `a name that would be a path, or another's beginning, is refused`() async {
        await #expect(processExitsWith: .failure) {
            let folder = try Folder()
            try Pipeline(in: folder.path, log: Log { _, _ in }).add(Receiver(), named: "../outside")
        }
        await #expect(processExitsWith: .failure) {
            let folder = try Folder()
            try Pipeline(in: folder.path, log: Log { _, _ in }).add(Counting(0..<1), named: "a/b")
        }
    }

    @Test func `a directory has one pipeline at a time`() async throws {
        let folder = try Folder()
        let pipeline = try Pipeline(in: folder.path, log: quiet)
        #expect(throws: QueueError.self) { try Pipeline(in: folder.path, log: quiet) }
        try await pipeline.run()
        _ = try Pipeline(in: folder.path, log: quiet)
    }

    @Test func `a filter keeps events from one sink only`() async throws {
        let folder = try Folder()
        let pipeline = try Pipeline(in: folder.path, log: quiet)
        let (all, none) = (Receiver(), Receiver())
        var options = PlannedSink.Options()
        options.filter = QueryFilter(try FilterQuery("type:vscode", dialect: .connlog, now: 0))
        pipeline.add(Counting(0..<10), named: "a")
        pipeline.add(all, named: "all")
        pipeline.add(none, named: "none", options)
        try await pipeline.run()
        #expect(all.taken.count == 10 && none.taken.isEmpty)
        #expect(pipeline.status.sinks.map(\.status.filtered) == [0, 10])
    }
}

/// A directory for one test.
private final class Folder {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appending(path: "pipeline-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// Hands over events with these numbers, each with the place after it, from where it was.
private struct Counting: Source {
    let numbers: Range<Int>
    /// Waits at the end until it is cancelled.
    let endless: Bool
    let failing: Bool

    init(_ numbers: Range<Int>, endless: Bool = false, failing: Bool = false) {
        self.numbers = numbers
        self.endless = endless
        self.failing = failing
    }

    func run(into output: any EventOutput) async throws(SourceError) {
        let start = output.checkpoints["place"].flatMap { Int(String(decoding: $0, as: UTF8.self)) }
        do throws(AppendError) {
            for number in (start ?? numbers.lowerBound)..<numbers.upperBound {
                let place = Checkpoint(key: "place", value: Array(String(number + 1).utf8))
                try await output.enqueue(TestEvents.batch(number...number), [place])
            }
        } catch {
            throw SourceError("the queue takes nothing: \(error)")
        }
        if failing { throw SourceError("this source has come to its end before it should; look at it") }
        guard endless else { return }
        let (stops, stop) = AsyncStream.makeStream(of: Void.self)
        await withTaskCancellationHandler {
            for await _ in stops {}
        } onCancel: {
            stop.finish()
        }
    }
}

/// Keeps the numbers of what it was sent.
private final class Receiver: Sink {
    let limits = BatchLimits(events: 7)
    private let isDown: Bool
    private let numbers = Mutex<[Int]>([])

    init(isDown: Bool = false) { self.isDown = isDown }

    var taken: [Int] { numbers.withLock { $0 } }

    func send(_ batch: EventBatch) async -> SendOutcome {
        if isDown { return .retry(Reason("down", "the receiver is down, as the test wants it")) }
        numbers.withLock { $0 += TestEvents.numbers(batch) }
        return .delivered
    }
}
