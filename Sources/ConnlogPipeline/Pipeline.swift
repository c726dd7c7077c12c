import ConnlogConfig
public import ConnlogCore
public import ConnlogQueue
import ConnlogSystem
import Synchronization

/// Sources → a queue on disk → a delivery for each sink.
///
///     let pipeline = try Pipeline(in: "/var/lib/mine")
///     pipeline.add(FileSource(paths: ["/var/log/coder.log"]), named: "coderd")
///     pipeline.add(MySink(), named: "mine")
///     try await pipeline.run()
///
/// An event that a source has handed over is on disk before the source's position is, and stays there until every sink
/// has it: a crash at any moment loses none, and may repeat what a receiver had and the queue did not know of. Each sink
/// gets on by itself; one that fails is tried for ever, and holds up no other until the queue is full.
///
/// A directory has one pipeline at a time, in one process; the second one that opens it gets an error.
public final class Pipeline: Sendable {
    package let queue: Queue
    package let sources: SourceSet
    package let sinks: SinkSet
    package let monitor: Monitor
    package let watchdog: Watchdog
    private let directory: String
    private let shutdown: Shutdown
    private let waitNotice: WaitNotice
    private let log: LogFunction
    private let state = Mutex(State())

    private struct State {
        var plan = PipelinePlan()
        /// How often it has become another one.
        var changes = 0
        var isRunning = false
        var problems: [PipelineOutcome.Problem] = []
    }

    /// Opens the queue, or makes one.
    /// - Parameters:
    ///   - directory: where everything is kept; made when it is missing. The queue is `queue` in it.
    ///   - queue: its bounds; they count from here on, whatever they were before.
    ///   - log: gets what the queue, and what goes wrong with a source or a sink, has to say.
    /// - Throws: why the queue cannot be used, such as `locked`.
    public convenience init(
        in directory: String, queue: QueueOptions = QueueOptions(), log: Log = .standardError
    ) throws(QueueError) {
        try self.init(
            in: directory, queue: queue, Shutdown(timeout: PipelinePlan().shutdownTimeout), log: log.write)
    }

    /// - Parameters:
    ///   - shutdown: how to end it, for whoever may have to ask before there is a pipeline.
    ///   - limits: how soon something that does not get on is told.
    ///   - waitNotice: how long after everything was read it is told for which sinks it goes on.
    ///   - draw: gets a line of progress several times a second; `nil` where nobody looks.
    package init(
        in directory: String, queue options: QueueOptions, _ shutdown: Shutdown,
        limits: Watchdog.Limits = Watchdog.Limits(), waitNotice: Duration = .seconds(5),
        draw: (@Sendable (String) -> Void)? = nil, log: @escaping LogFunction
    ) throws(QueueError) {
        self.directory = directory
        self.shutdown = shutdown
        self.waitNotice = WaitNotice(first: waitNotice)
        self.log = log
        let queueDirectory = directory + "/queue"
        queue = try Queue.open(queueDirectory, options)
        sinks = SinkSet(queue, deadLettersIn: queueDirectory + "/dead-letter", shutdown, log: log)
        sources = SourceSet(queue, log: log)
        monitor = Monitor(queue: queue, in: directory, sources: sources, sinks: sinks, log: log, draw: draw)
        watchdog = Watchdog(
            queue: queue, sources: sources, sinks: sinks, monitor: monitor, limits: limits, log: log)
    }

    // MARK: - What is wanted

    /// Adds a source before `run`. Its name is that of its place in the queue: under another one it begins anew.
    /// - Parameters:
    ///   - source: runs in one pipeline at a time.
    ///   - name: one that no other source has: 1 to 64 of a-z, A-Z, 0-9, `.`, `_` and `-`.
    public func add(_ source: some Source, named name: String) {
        add { $0.sources.append(PlannedSource(source, named: name)) }
    }

    /// Adds a sink before `run`. Its name is that of its place in the queue: under another one it gets everything again
    /// that the queue still has.
    /// - Parameters:
    ///   - sink: runs in one pipeline at a time.
    ///   - name: one that no other sink has: 1 to 64 of a-z, A-Z, 0-9, `.`, `_` and `-`.
    ///   - retry: how long to wait after failures.
    ///   - options: its filter, and its part of the disk.
    public func add(
        _ sink: some Sink, named name: String, retry: Backoff = Backoff(),
        _ options: PlannedSink.Options = PlannedSink.Options()
    ) {
        var maker = SinkMaker { sink }
        maker.retry = retry
        add { $0.sinks.append(PlannedSink(maker, named: name, type: "\(type(of: sink))", options)) }
    }

    private func add(_ change: (inout PipelinePlan) -> Void) {
        state.withLock { state in
            precondition(!state.isRunning, "a pipeline that runs is changed by apply")
            change(&state.plan)
            state.plan.checkNames()
        }
    }

    /// Makes the pipeline what the plan says, while it runs or before.
    ///
    /// What is the same goes on undisturbed. What is changed ends at its commit point or checkpoint, and its successor
    /// begins there. What is gone ends; a sink's place in the queue is kept, so that it may come back. Changes nothing when
    /// the run is over.
    public func apply(_ plan: PipelinePlan) async {
        plan.checkNames()
        let isRunning = state.withLock { state in
            state.plan = plan
            state.changes += 1
            return state.isRunning
        }
        if isRunning { await settle() }
    }

    /// Makes it what the newest plan says. Two of these may meet, each half done; the last to see a change does it over.
    private func settle() async {
        var done: Int
        repeat {
            let (plan, changes) = state.withLock { ($0.plan, $0.changes) }
            done = changes
            shutdown.timeout = plan.shutdownTimeout
            await sinks.apply(plan.sinks)
            await sources.apply(plan.sources)
        } while state.withLock { $0.changes } != done
    }

    /// Sinks open their files anew, read their credentials again, and try again at once what they wait with.
    public func reopen() async { await sinks.reopen() }

    /// Puts audit events into the queue, for the sinks that ask for them. Waits while the queue is full.
    package func record(_ events: [AuditEvent]) async throws(AppendError) {
        var batch = queue.makeBatch()
        for event in events { batch.append(Array(event.line.utf8).span) }
        try await QueueOutput(queue: queue, source: AuditEvent.message).enqueue(batch, [])
    }

    // MARK: - How it is

    /// How everything is now. Never waits for a disk.
    public var status: PipelineStatus {
        // The sinks first, then one look at the queue: no sink is further than the queue's end.
        let (shownSources, shownSinks) = (sources.shown, sinks.shown)
        let status = PipelineStatus(queue: queue.status, sources: shownSources, sinks: shownSinks)
        return status.withTrends(monitor.trends, watchdog)
    }

    /// What has happened so far that the outcome will tell.
    package var problems: [PipelineOutcome.Problem] { state.withLock { $0.problems } }

    private func note(_ problem: PipelineOutcome.Problem) { state.withLock { $0.problems.append(problem) } }

    // MARK: - The run

    /// Reads and delivers until every source has come to its end, or its task is cancelled, or `stop` was called. Then
    /// sinks go on for `shutdownTimeout`; what is not delivered stays queued, and goes out after the next start.
    ///
    /// May be called once. From here on a broken pipe is an error of its call, not the end of the process (SIGPIPE is
    /// ignored). A call of a source or sink that does not return keeps this from returning.
    /// - Returns: what stays queued.
    /// - Throws: when a source or a sink failed for good; the others have gone on all the same.
    @discardableResult
    public func run() async throws(PipelineError) -> PipelineOutcome {
        let outcome = await run(Hooks())
        if outcome.hasFailed { throw PipelineError(outcome: outcome) }
        return outcome
    }

    /// Asks a pipeline that runs to end, as cancelling its task does. Asked twice, sinks stop at once.
    public func stop() { shutdown.asked.isAsked ? shutdown.hurried.ask() : shutdown.asked.ask() }

    /// What else goes on at certain moments, each waited for.
    package struct Hooks: Sendable {
        /// Sinks and sources have begun.
        package var begun: @Sendable () async -> Void = {}
        /// Every source has come to its end; sinks still deliver.
        package var sourcesOver: @Sendable () async -> Void = {}
        /// Every sink has come to its end; the queue is still open.
        package var sinksOver: @Sendable () async -> Void = {}
        /// The watchdog has looked at every part. Not waited for: it must not wait itself.
        package var looked: @Sendable (_ isStuck: Bool) -> Void = { _ in }

        package init() {}
    }

    package func run(_ hooks: Hooks) async -> PipelineOutcome {
        state.withLock { state in
            precondition(!state.isRunning, "a pipeline runs once")
            state.isRunning = true
        }
        // A task of its own: being cancelled asks it to end in good order, and must not cut short what it waits for.
        let work = Task { await self.work(hooks) }
        return await withTaskCancellationHandler {
            await work.value
        } onCancel: {
            shutdown.asked.ask()
        }
    }

    private func work(_ hooks: Hooks) async -> PipelineOutcome {
        // A receiver that goes away is an error of the call, not the end of the process.
        Machine.ignoreBrokenPipes()
        greet(state.withLock { $0.plan.sinks.map(\.name) })
        let closing = Task { [shutdown, sources, sinks, log] in await shutdown.run(sources, sinks, log: log) }
        // A thread of its own, for what may wait for a disk.
        let thread = ThreadExecutor("monitor")
        let watching = Task(executorPreference: thread) { [monitor] in await monitor.run() }
        watchdog.start(looked: hooks.looked)
        await settle()
        await hooks.begun()
        await sources.waitUntilOver()
        await hooks.sourcesOver()
        if await sources.hasFailed { note(.sourceFailed) }
        await flush()
        await sinks.drain()
        let telling = Task { [monitor, shutdown, log, waitNotice] in await waitNotice.run(monitor, shutdown, log: log) }
        await sinks.waitUntilOver()
        telling.cancel()
        if await sinks.hasFailed { note(.sinkFailed) }
        await hooks.sinksOver()
        watchdog.stop()
        watching.cancel()
        await watching.value
        withExtendedLifetime(thread) {}
        await queue.close()
        closing.cancel()
        return PipelineOutcome(problems: problems, queued: monitor.queued)
    }

    /// What opening the queue found.
    private func greet(_ names: [String]) {
        if let warning = VolatileDirectory.warning(of: directory, directory) { log(.warning, "data_dir: \(warning)") }
        for (level, line) in queue.report.lines(sinks: names) { log(level, line) }
        for sink in queue.status.sinks where names.contains(sink.name) && sink.lag > 0 {
            log(.info, "sink \(sink.name): \(sink.lag) events wait in the queue from before")
        }
    }

    /// Returns when everything that was read is on disk, or when the time for that is over.
    private func flush() async {
        let isDone = await withTaskGroup(of: Bool.self) { group in
            group.addTask { [queue] in (try? await queue.flush()) != nil }
            group.addTask { [shutdown] in
                await shutdown.overdue.wait()
                return false
            }
            defer { group.cancelAll() }
            return await group.next() ?? false
        }
        if isDone { return }
        let words = "what was read last could not be written to \(directory)"
        guard await sources.canReadAgain else {
            log(.error, "\(words), so what came from standard input is lost")
            return note(.inputLost)
        }
        log(.error, "\(words); it is read again after the next start")
        note(.inputLate)
    }
}

extension PipelinePlan {
    /// A name becomes a directory, the beginning of keys in the queue, and a label of a metric.
    fileprivate func checkNames() {
        for names in [sources.map(\.name), sinks.map(\.name)] {
            precondition(Set(names).count == names.count, "two sources, or two sinks, have one name")
            for name in names {
                precondition(
                    Section.isName(name), "a name is 1 to 64 of a-z, A-Z, 0-9, '.', '_' and '-', not '\(name)'")
            }
        }
    }
}
