public import ConnlogConfig
public import ConnlogCore
import ConnlogDelivery
import ConnlogQueue
import ConnlogSinks
import ConnlogSources
import ConnlogSystem
public import ServiceLifecycle
import Synchronization
import UnixSignals

/// The whole of connlog at work: sources → queue → a delivery per sink.
///
/// What signals do stands at `DaemonSignals`, how it ends in time at `Ending`, what SIGHUP changes at `Reload`.
public final class Daemon: Service {
    /// How to run, beside the configuration.
    public struct Options: Sendable {
        /// Read the inputs to their end, deliver everything, stop.
        public var once: Bool
        public var version: String
        /// Draws the progress line; `nil` where nobody looks.
        public var progress: (@Sendable (String) -> Void)?
        /// The file that SIGHUP reads again; without it, SIGHUP only lets sinks open files and read credentials anew.
        public var configuration: String?
        /// Gets `[connlog]` when a reload has changed it: for whoever writes the log.
        public var adopt: (@Sendable (Section) -> Void)?
        /// Without them, only its service group can end it.
        public var signals: DaemonSignals?

        public init(once: Bool, version: String, progress: (@Sendable (String) -> Void)? = nil) {
            self.once = once
            self.version = version
            self.progress = progress
        }
    }

    private let settings: Settings
    private let section: Section
    private let options: Options
    private let log: LogFunction
    private let sources: [ConfiguredSource]
    private let sinks: [ConfiguredSink]
    private let names: NameDirectory
    private let written = WrittenFiles()
    #if Server
    private let server: ServerPlan
    #endif
    private let stopper = Stopper()
    private let hurry = Stopper()
    private let overdue = Stopper()
    private let status = Mutex(ExitStatus.done)

    /// Makes all sources and sinks, but touches nothing outside yet.
    /// - Parameter configuration: one in which `Plan.checked` found nothing wrong.
    public init(_ configuration: Configuration, _ options: Options, log: @escaping LogFunction) {
        self.options = options
        self.log = log
        names = NameDirectory([], log: log)
        // Before anybody asks how many there are.
        Machine.raiseDescriptorLimit()
        let plan = Plan(configuration, options, names: names, written: written, log: log)
        names.use(plan.directories)
        written.use(plan.writtenFiles)
        settings = plan.settings
        section = configuration.connlog
        sources = plan.sources
        sinks = plan.sinks
        #if Server
        server = plan.server
        #endif
    }

    /// How it ended; asked after `run`.
    public var exitStatus: ExitStatus { status.withLock { $0 } }

    public func run() async throws {
        await withGracefulShutdownHandler {
            await work()
        } onGracefulShutdown: {
            self.stopper.ask()
        }
    }

    private func work() async {
        // A receiver that goes away is an error of the call, not the end of the process.
        Machine.ignoreBrokenPipes()
        let manager = ServiceManager(log: log)
        let start = manager.map { SlowStart($0) }
        defer { start?.isOver() }
        guard let queue = openQueue() else { return }
        let keeper = NamesKeeper(names, log: log)
        await keeper.start()
        let sinks = SinkSet(queue, settings, log: log)
        let sources = SourceSet(queue, log: log)
        let monitor = Monitor(
            queue: queue, in: settings.dataDirectory, sources: sources, sinks: sinks, log: log,
            draw: options.progress)
        let report = manager.map { ServiceReport($0, queue: queue, sources: sources, sinks: sinks) }
        let watchdog = Watchdog(
            queue: queue, sources: sources, sinks: sinks, monitor: monitor, limits: .init(manager),
            log: log, looked: { report?.look(isStuck: $0) })
        let timeout = ShutdownTimeout(settings.shutdownTimeout)
        var reload = Reload(
            options: options, started: section, sources: sources, sinks: sinks, names: names, written: written,
            shutdownTimeout: timeout, log: log)
        #if Server
        let overviews = OverviewMaker(
            queue: queue, sources: sources, sinks: sinks, monitor: monitor, watchdog: watchdog,
            version: options.version, started: SystemWallTime().now(), startedUptime: SystemWallTime().uptime(),
            bytesMax: settings.queue.queueBytesMax)
        let server = ServerRun(
            self.server, section, version: options.version, overview: { overviews.overview }, log: log)
        overviews.server.set(server)
        reload.server = server
        #endif
        let ending = Ending(
            stopper: stopper, hurry: hurry, overdue: overdue, shutdownTimeout: timeout, sources: sources, sinks: sinks,
            manager: manager, log: log, exitStatus: { monitor.queued.isEmpty ? self.exitStatus : .eventsQueued })
        // Several SIGHUPs while a reload is under way make one more.
        let (hangups, hangup) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        // Threads of their own, for what may wait for a disk.
        let threads = [ThreadExecutor("monitor"), ThreadExecutor("reload")]
        watchdog.start()
        let inTime = Task { await ending.run() }
        let watching = Task(executorPreference: threads[0]) { await monitor.run() }
        let listening = Task { await listen(ending) { hangup.yield() } }
        await sinks.apply(self.sinks, settings)
        #if Server
        // Whatever becomes of it, events are forwarded.
        if !options.once { server.start() }
        #endif
        await sources.apply(self.sources)
        start?.isOver()
        sayRunning()
        report?.ready()
        let reloading = Task(executorPreference: threads[1]) { [reload] in
            for await _ in hangups {
                manager?.reloading()
                let isInForce = await reload.run()
                report?.reloaded(isInForce: isInForce)
            }
        }
        await sources.waitUntilOver()
        #if Server
        // Inputs that have an end leave something to ask about.
        if !options.once, server.isWanted { await stopper.wait() }
        #endif
        if await sources.hasFailed { fail() }
        await flush(queue, isLossless: await sources.canReadAgain)
        await sinks.drain()
        await sinks.waitUntilOver()
        if await sinks.hasFailed { fail() }
        #if Server
        await server.stop()
        #endif
        keeper.stop()
        watchdog.stop()
        for task in [listening, reloading, watching] { task.cancel() }
        await watching.value
        await queue.close()
        inTime.cancel()
        finish(monitor)
    }

    /// The one line by which a person, or a test, knows that everything has been started.
    private func sayRunning() {
        let parts = "\(Quantity.count(sources.count, "source")), \(Quantity.count(sinks.count, "sink"))"
        log(.info, "connlog \(options.version) runs: \(parts), queue in \(settings.dataDirectory)")
    }

    private func fail() { status.withLock { $0 = .failed } }

    private func openQueue() -> Queue? {
        do throws(QueueError) {
            let queue = try Queue.open(settings.dataDirectory + "/queue", settings.queue)
            let directory = settings.dataDirectory
            if let warning = GroundTrial.volatility(of: directory, directory) { log(.warning, "data_dir: \(warning)") }
            for (level, line) in queue.report.lines(sinks: sinks.map(\.name)) { log(level, line) }
            let names = Set(sinks.map(\.name))
            for sink in queue.status.sinks where names.contains(sink.name) && sink.lag > 0 {
                log(.info, "sink \(sink.name): \(sink.lag) events wait in the queue from before")
            }
            return queue
        } catch {
            log(.error, "the queue in \(settings.dataDirectory)/queue cannot be used: \(error)")
            fail()
            return nil
        }
    }

    /// Returns when everything that was read is on disk, or when the time for that is over.
    private func flush(_ queue: Queue, isLossless: Bool) async {
        let overdue = overdue
        let isDone = await withTaskGroup(of: Bool.self) { group in
            group.addTask { (try? await queue.flush()) != nil }
            group.addTask {
                await overdue.wait()
                return false
            }
            defer { group.cancelAll() }
            return await group.next() ?? false
        }
        if isDone { return }
        let words = "what was read last could not be written to \(settings.dataDirectory)"
        guard isLossless else {
            log(.error, "\(words), so what came from standard input is lost")
            return fail()
        }
        log(.error, "\(words); it is read again after the next start")
        status.withLock { if $0 == .done { $0 = .eventsQueued } }
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
        if !stopper.isAsked {
            log(.info, "\(signal): reading stops, and sinks deliver for shutdown_timeout; once more to stop at once")
            stopper.ask()
        } else if !hurry.isAsked {
            log(.warning, "\(signal) again: sinks stop at once; what they have not delivered stays queued")
            hurry.ask()
        } else {
            ending.endNow()
        }
    }

    // MARK: - The end

    private func finish(_ monitor: Monitor) {
        for line in monitor.summary { log(.info, line) }
        // What was refused is not delivered: with an input that has an end, somebody waits for that answer.
        for line in options.once ? monitor.refusals : [] {
            log(.error, line)
            status.withLock { if $0 == .done { $0 = .failed } }
        }
        let queued = monitor.queued
        for sink in queued {
            log(
                .warning,
                "sink \(sink.name): \(sink.count) events stay queued; they are safe and go out after the next start")
        }
        if !queued.isEmpty { status.withLock { if $0 == .done { $0 = .eventsQueued } } }
    }
}
