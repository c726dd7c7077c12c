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
/// Asked to stop (SIGTERM, SIGINT), it stops reading at once, goes on delivering for `shutdown_timeout`, and leaves the
/// rest in the queue. SIGHUP lets sinks open their files anew and read credentials again.
public final class Daemon: Service {
    /// How to run, beside the configuration.
    public struct Options: Sendable {
        /// Read the inputs to their end, deliver everything, stop.
        public var once: Bool
        public var version: String
        /// Draws the progress line; `nil` where nobody looks.
        public var progress: (@Sendable (String) -> Void)?

        public init(once: Bool, version: String, progress: (@Sendable (String) -> Void)? = nil) {
            self.once = once
            self.version = version
            self.progress = progress
        }
    }

    private let settings: Settings
    private let options: Options
    private let log: LogFunction
    private let sources: [RunningSource]
    private let sinks: [ConfiguredSink]
    private let stopper = Stopper()
    private let status = Mutex(ExitStatus.done)

    /// Makes all sources and sinks, but touches nothing outside yet.
    /// - Parameter configuration: one in which `Plan.checked` found nothing wrong.
    public init(_ configuration: Configuration, _ options: Options, log: @escaping LogFunction) {
        self.options = options
        self.log = log
        let plan = Plan(configuration, options, log: log)
        settings = plan.settings
        sources = plan.sources
        sinks = plan.sinks
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
        let queue: Queue
        let deliveries: [RunningSink]
        do throws(QueueError) {
            queue = try Queue.open(settings.dataDirectory + "/queue", settings.queue)
            deliveries = try start(queue)
        } catch {
            log(.error, "the queue in \(settings.dataDirectory)/queue cannot be used: \(error)")
            return status.withLock { $0 = .failed }
        }
        for (level, line) in queue.report.lines(sinks: sinks.map(\.name)) { log(level, line) }
        for sink in queue.status.sinks where sink.registered && sink.lag > 0 {
            log(.info, "sink \(sink.name): \(sink.lag) events wait in the queue from before")
        }
        let monitor = Monitor(
            queue: queue, in: settings.dataDirectory, sources: sources, deliveries: deliveries, log: log,
            draw: options.progress)
        let watching = Task { await monitor.run() }
        let hangups = Task { await reopenOnHangup(deliveries) }
        await runSources(queue)
        await drain(deliveries, queue)
        hangups.cancel()
        watching.cancel()
        await watching.value
        await queue.close()
        finish(deliveries, monitor)
    }

    private func start(_ queue: Queue) throws(QueueError) -> [RunningSink] {
        var positions: [SinkPosition] = []
        for sink in sinks { positions.append(try sink.register(queue)) }
        return zip(sinks, positions).map { $0.start(queue, from: $1, settings, log) }
    }

    /// Returns when every source has come to its end, or was told to stop, and what they read is on disk.
    private func runSources(_ queue: Queue) async {
        // Kept until the end, since a task does not keep its executor.
        let threads = sources.map { ThreadExecutor("source \($0.name)") }
        let reading = Task {
            await withTaskGroup(of: Void.self) { group in
                for (source, thread) in zip(sources, threads) {
                    group.addTask(executorPreference: thread) { await self.run(source, queue) }
                }
            }
        }
        let stopping = Task {
            await stopper.wait()
            reading.cancel()
        }
        await reading.value
        stopping.cancel()
        try? await queue.flush()
    }

    private func run(_ source: RunningSource, _ queue: Queue) async {
        do throws(SourceError) {
            try await source.source.run(into: QueueOutput(queue: queue, source: source.name))
        } catch {
            guard !stopper.isAsked else { return }
            log(.error, "source \(source.name) has stopped: \(error); the others go on")
            status.withLock { $0 = .failed }
        }
    }

    /// Everything is delivered, or, once asked to stop, as much as `shutdown_timeout` allows.
    private func drain(_ deliveries: [RunningSink], _ queue: Queue) async {
        for delivery in deliveries { delivery.delivery.drain() }
        let deadline = Task {
            await stopper.wait()
            guard !Task.isCancelled else { return }
            try await Task.sleep(for: settings.shutdownTimeout)
            for delivery in deliveries { delivery.delivery.stop() }
            // A send that hangs is given up.
            try await Task.sleep(for: .seconds(1))
            for delivery in deliveries { delivery.task.cancel() }
            try await Task.sleep(for: .seconds(5))
            // Whatever hangs now hangs for good. Ending here is safe: it is no more than a crash, and those lose nothing.
            log(.error, "a sink does not stop; connlog ends without it, and its events stay queued")
            Machine.exit(ExitStatus.eventsQueued.rawValue)
        }
        for delivery in deliveries { await delivery.task.value }
        deadline.cancel()
    }

    private func reopenOnHangup(_ deliveries: [RunningSink]) async {
        for await _ in await UnixSignalsSequence(trapping: .sighup) {
            log(.info, "SIGHUP: sinks open their files anew and read their credentials again")
            for delivery in deliveries { await delivery.delivery.reopen() }
        }
    }

    private func finish(_ deliveries: [RunningSink], _ monitor: Monitor) {
        for line in monitor.summary { log(.info, line) }
        let queued = deliveries.map { (name: $0.name, count: monitor.lag(of: $0)) }.filter { $0.count > 0 }
        for sink in queued {
            log(
                .warning,
                "sink \(sink.name): \(sink.count) events stay queued; they are safe and go out after the next start")
        }
        if !queued.isEmpty { status.withLock { if $0 == .done { $0 = .eventsQueued } } }
    }
}
