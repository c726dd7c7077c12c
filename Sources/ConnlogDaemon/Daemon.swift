package import ConnlogConfig
package import ConnlogCore
import ConnlogPipeline
import ConnlogQueue
import ConnlogSystem
import ServiceLifecycle
import Synchronization
import UnixSignals

/// The whole of connlog at work: a pipeline that a configuration has planned, and what goes on beside it.
///
/// What signals do stands at `DaemonSignals`, how it ends in time at `Ending`, what SIGHUP changes at `Reload`.
package final class Daemon: Service {
    /// How to run, beside the configuration.
    package struct Options: Sendable {
        /// Read the inputs to their end, deliver everything, stop.
        package var once: Bool
        package var version: String
        /// Draws the progress line; `nil` where nobody looks.
        package var progress: (@Sendable (String) -> Void)?
        /// The file that SIGHUP reads again; without it, SIGHUP only lets sinks open files and read credentials anew.
        package var configuration: String?
        /// Gets `[connlog]` when a reload has changed it: for whoever writes the log.
        package var adopt: (@Sendable (Section) -> Void)?
        /// Without them, only its service group can end it.
        package var signals: DaemonSignals?

        package init(once: Bool, version: String, progress: (@Sendable (String) -> Void)? = nil) {
            self.once = once
            self.version = version
            self.progress = progress
        }
    }

    private let section: Section
    private let options: Options
    private let log: LogFunction
    private let plan: Plan
    private let names: NameDirectory
    private let written = WrittenFiles()
    private let shutdown: Shutdown
    private let status = Mutex(ExitStatus.done)

    /// Makes what the configuration asks for, but touches nothing outside yet.
    /// - Parameter configuration: one in which `Plan.checked` found nothing wrong.
    package init(_ configuration: Configuration, _ options: Options, log: @escaping LogFunction) {
        self.options = options
        self.log = log
        names = NameDirectory([], log: log)
        // Before anybody asks how many there are.
        Machine.raiseDescriptorLimit()
        plan = Plan(configuration, options, names: names, written: written, log: log)
        names.use(plan.directories)
        written.use(plan.writtenFiles)
        section = configuration.connlog
        shutdown = Shutdown(timeout: plan.settings.shutdownTimeout)
    }

    /// How it ended; asked after `run`.
    package var exitStatus: ExitStatus { status.withLock { $0 } }

    package func run() async throws {
        await withGracefulShutdownHandler {
            await work()
        } onGracefulShutdown: {
            self.shutdown.asked.ask()
        }
    }

    private func work() async {
        let manager = ServiceManager(log: log)
        let start = manager.map { SlowStart($0) }
        defer { start?.isOver() }
        guard let pipeline = open(manager) else { return }
        let keeper = NamesKeeper(names, log: log)
        await keeper.start()
        let coder = CoderQuestions(
            names, version: options.version, dataDirectory: plan.settings.dataDirectory, log: log)
        coder.use(plan.directorySections)
        await pipeline.apply(plan.pipeline)
        let server = ServerPart(plan.server, pipeline, section, options, log: log)
        let reload = Reload(
            options: options, started: section, pipeline: pipeline, server: server, names: names, coder: coder,
            written: written, log: log)
        let ending = Ending(shutdown: shutdown, manager: manager, log: log) { self.status(of: pipeline) }
        // Several SIGHUPs while a reload is under way make one more.
        let (hangups, hangup) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let inTime = Task { await ending.run() }
        let listening = Task { await listen(ending) { hangup.yield() } }
        // A thread of its own, for what may wait for a disk.
        let thread = ThreadExecutor("reload")
        let reloading = Mutex<Task<Void, Never>?>(nil)
        var hooks = Pipeline.Hooks()
        let report = manager.map { ServiceReport($0, pipeline) }
        hooks.looked = { report?.look(isStuck: $0) }
        hooks.begun = {
            // Whatever becomes of it, events are forwarded.
            server.start()
            start?.isOver()
            self.sayRunning()
            report?.ready()
            let task = Task(executorPreference: thread) {
                for await _ in hangups {
                    manager?.reloading()
                    let isInForce = await reload.run()
                    report?.reloaded(isInForce: isInForce)
                }
            }
            reloading.withLock { $0 = task }
        }
        hooks.sourcesOver = { [shutdown] in
            // Inputs that have an end leave something to ask about.
            if server.isWanted { await shutdown.asked.wait() }
            await server.settle()
        }
        hooks.sinksOver = {
            await server.stop()
            // Nothing is reloaded into what is about to close.
            listening.cancel()
            reloading.withLock { $0 }?.cancel()
        }
        let outcome = await pipeline.run(hooks)
        withExtendedLifetime(thread) {}
        coder.stop()
        keeper.stop()
        inTime.cancel()
        finish(pipeline, outcome)
    }

    /// The one line by which a person, or a test, knows that everything has been started.
    private func sayRunning() {
        let (sources, sinks) = (plan.pipeline.sources.count, plan.pipeline.sinks.count)
        let parts = "\(Quantity.count(sources, "source")), \(Quantity.count(sinks, "sink"))"
        log(.info, "connlog \(options.version) runs: \(parts), queue in \(plan.settings.dataDirectory)")
    }

    private func open(_ manager: ServiceManager?) -> Pipeline? {
        let directory = plan.settings.dataDirectory
        do throws(QueueError) {
            return try Pipeline(
                in: directory, queue: plan.settings.queue, shutdown, limits: Watchdog.Limits(manager),
                draw: options.progress, log: log)
        } catch {
            log(.error, "the queue in \(directory)/queue cannot be used: \(error)")
            status.withLock { $0 = .failed }
            return nil
        }
    }

    /// What the process would end with now.
    private func status(of pipeline: Pipeline) -> ExitStatus {
        if !pipeline.monitor.queued.isEmpty { return .eventsQueued }
        if pipeline.problems.contains(where: { $0 != .inputLate }) { return .failed }
        return pipeline.problems.isEmpty ? exitStatus : .eventsQueued
    }

    // MARK: - Signals

    private func listen(_ ending: Ending, hangup: () -> Void) async {
        guard let signals = options.signals else { return }
        var isTold: Set<UnixSignal> = []
        for await signal in signals.sequence {
            if DaemonSignals.ignored.contains(signal) {
                guard isTold.insert(signal).inserted else { continue }
                log(
                    .warning,
                    "\(signal): ignored, now and later; SIGHUP reads the configuration again and opens files anew")
            } else if signal == .sighup {
                hangup()
            } else {
                ask(signal, ending)
            }
        }
    }

    private func ask(_ signal: UnixSignal, _ ending: Ending) {
        if !shutdown.asked.isAsked {
            log(.info, "\(signal): reading stops, and sinks deliver for shutdown_timeout; once more to stop at once")
            shutdown.asked.ask()
        } else if !shutdown.hurried.isAsked {
            log(.warning, "\(signal) again: sinks stop at once; what they have not delivered stays queued")
            shutdown.hurried.ask()
        } else {
            ending.endNow()
        }
    }

    // MARK: - The end

    private func finish(_ pipeline: Pipeline, _ outcome: PipelineOutcome) {
        for line in pipeline.monitor.summary { log(.info, line) }
        // What was refused is not delivered: with an input that has an end, somebody waits for that answer.
        let refusals = options.once ? pipeline.monitor.refusals : []
        for line in refusals { log(.error, line) }
        for (sink, events) in outcome.queued {
            log(
                .warning,
                "sink \(sink): \(events) events stay queued; they are safe and go out after the next start")
        }
        status.withLock { status in
            if outcome.hasFailed {
                status = .failed
            } else if outcome.problems.contains(.inputLate) {
                status = .eventsQueued
            } else if !refusals.isEmpty {
                status = .failed
            } else if !outcome.queued.isEmpty {
                status = .eventsQueued
            }
        }
    }
}
