#if Server
import ConnlogAPI
import ConnlogCore
import ConnlogDelivery
import ConnlogPipeline
import ConnlogQueue
import ConnlogSystem
import Synchronization

/// How everything is now, for whoever asks. Never waits for a disk.
struct OverviewMaker: Sendable {
    let pipeline: Pipeline
    let version: String
    let started: Nanoseconds
    /// `started`, by the clock that nobody sets.
    let startedUptime: Nanoseconds
    let bytesMax: Int
    let server = ServerSlot()
    /// What else is known of the store than its sink knows.
    let storeFigures: @Sendable () -> [Figure]

    var overview: Overview {
        // One look at the queue by which all sinks are reckoned: what a sink is done with and what it lags make up all
        // there is.
        let now = pipeline.status
        let status = now.queue
        var overview = Overview()
        overview.version = version
        overview.started = started
        overview.uptimeSeconds = (SystemWallTime().uptime() - startedUptime) / 1_000_000_000
        overview.sources = now.sources.map(OverviewMaker.part)
        overview.sinks = now.sinks.map { OverviewMaker.part($0, status, incoming: now.eventsPerSecond) }
        if let store = overview.sinks.firstIndex(where: { $0.name == StoreSection.sinkName }) {
            overview.sinks[store].ownFigures += storeFigures()
        }
        let lags = now.sinks.map { $0.lag(status) }
        let ahead = status.sinks.filter { sink in !now.sinks.contains { $0.name == sink.name } }.map(\.lag)
        overview.queue.state = status.state.word
        overview.queue.words = pipeline.monitor.words(for: status)?.1 ?? ""
        overview.queue.figures = now.queueFigures(
            waiting: (lags + ahead).max() ?? status.events, bytesMax: bytesMax)
        overview.stuck = pipeline.watchdog.board.sentences
        overview.spinningThreads = pipeline.watchdog.board.spinning
        overview.server = server.run?.shown
        return overview
    }

    private static func part(_ source: PipelineStatus.Source) -> Overview.SourcePart {
        var part = Overview.SourcePart()
        part.name = source.name
        part.type = source.type
        part.figures = source.figures
        part.stuck = source.stuck
        return part
    }

    /// - Parameter incoming: events in a second that the queue takes in.
    private static func part(
        _ sink: PipelineStatus.Sink, _ queue: QueueStatus, incoming: Double
    ) -> Overview.SinkPart {
        var part = Overview.SinkPart()
        part.name = sink.name
        part.type = sink.type
        part.state = sink.status.state.word
        part.figures = sink.figures(queue, incoming: incoming)
        part.ownFigures = sink.ownFigures
        part.lastError = sink.status.lastError?.text
        part.lastErrorTime = sink.status.lastErrorTime
        part.stuck = sink.stuck
        return part
    }
}

/// The server, which needs the overview that shows it.
final class ServerSlot: Sendable {
    private let value = Mutex<ServerRun?>(nil)

    var run: ServerRun? { value.withLock { $0 } }
    func set(_ run: ServerRun) { value.withLock { $0 = run } }
}
#endif
