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

    var overview: Overview {
        // One look at the queue by which all sinks are reckoned: what a sink is done with and what it lags make up all
        // there is.
        let now = pipeline.status
        let status = now.queue
        var overview = Overview()
        overview.version = version
        overview.started = started
        overview.uptimeSeconds = (SystemWallTime().uptime() - startedUptime) / 1_000_000_000
        overview.queue = part(status)
        overview.sources = now.sources.map(OverviewMaker.part)
        overview.sinks = now.sinks.map { part($0, status) }
        let ahead = status.sinks.filter { sink in !now.sinks.contains { $0.name == sink.name } }.map(\.lag)
        overview.queue.waiting = (overview.sinks.map(\.lag) + ahead).max() ?? status.events
        overview.stuck = pipeline.watchdog.board.sentences
        overview.spinningThreads = pipeline.watchdog.board.spinning
        overview.server = server.run?.shown
        return overview
    }

    private func part(_ status: QueueStatus) -> Overview.QueuePart {
        var part = Overview.QueuePart()
        part.state = status.state.word
        part.words = pipeline.monitor.words(for: status)?.1 ?? ""
        part.bytes = status.bytesOnDisk
        part.bytesMax = bytesMax
        part.events = status.events
        part.end = status.end
        part.segments = status.segments
        part.syncs = status.syncs
        part.syncFailures = status.syncFailures
        part.damagedPlaces = status.damagedPlaces
        part.damagedEvents = status.damagedEvents
        return part
    }

    private static func part(_ source: PipelineStatus.Source) -> Overview.SourcePart {
        var part = Overview.SourcePart()
        part.name = source.name
        part.type = source.type
        part.lines = source.counts.lines
        part.bytes = source.counts.bytes
        part.events = source.counts.events
        part.duplicates = source.counts.duplicates
        part.cut = source.counts.cut
        part.skipped = source.counts.skipped
        part.malformed = source.counts.malformed
        part.rotations = source.counts.rotations
        part.truncations = source.counts.truncations
        part.files = source.counts.files
        part.stuck = source.stuck
        return part
    }

    private func part(_ sink: PipelineStatus.Sink, _ queue: QueueStatus) -> Overview.SinkPart {
        var part = Overview.SinkPart()
        part.name = sink.name
        part.type = sink.type
        part.state = OverviewMaker.word(sink.status.state)
        let known = queue.sinks.first { $0.name == sink.name }
        part.lag = sink.lag(queue)
        part.uncommitted = sink.done - min(sink.done, sink.committed)
        part.dropped = Dictionary(
            (known?.drops ?? [:]).map { ($0.key.rawValue, $0.value) }, uniquingKeysWith: { first, _ in first })
        part.delivered = sink.status.delivered
        part.unproven = sink.status.unproven
        part.filtered = sink.status.filtered
        part.skipped = sink.status.skipped
        part.retries = sink.status.retries
        part.possibleRepeats = sink.status.possibleRepeats
        part.deadLetters = sink.status.deadLetters
        part.lastError = sink.status.lastError?.text
        part.lastErrorTime = sink.status.lastErrorTime
        part.figures = sink.figures
        part.stuck = sink.stuck
        return part
    }

    private static func word(_ state: DeliveryStatus.State) -> String {
        switch state {
        case .starting: "starting"
        case .working: "working"
        case .retrying: "retrying"
        case .holding: "holding"
        case .stopped: "stopped"
        }
    }
}

/// The server, which needs the overview that shows it.
final class ServerSlot: Sendable {
    private let value = Mutex<ServerRun?>(nil)

    var run: ServerRun? { value.withLock { $0 } }
    func set(_ run: ServerRun) { value.withLock { $0 = run } }
}
#endif
