import ConnlogCore
import ConnlogDelivery
import ConnlogPipeline
import ConnlogQueue

/// What the service manager is told of the sources and sinks, in one line.
struct ServiceReport: Sendable {
    /// How a sink is.
    struct SinkPart {
        let name: String
        let state: DeliveryStatus.State
        /// Events that wait for it.
        let lag: UInt64
        /// It does not get on, in words.
        var stuck: String?
    }

    /// So many sinks with trouble have a name in the line.
    private static let namedMax = 3

    private let manager: ServiceManager
    private let pipeline: Pipeline

    init(_ manager: ServiceManager, _ pipeline: Pipeline) {
        self.manager = manager
        self.pipeline = pipeline
    }

    func ready() { manager.ready(words) }

    func reloaded(isInForce: Bool) { manager.reloaded(isInForce: isInForce, words) }

    /// The watchdog has looked at everything. Waits for nothing.
    func look(isStuck: Bool) {
        manager.sendOwed()
        manager.beat(isStuck: isStuck)
        manager.status(words)
    }

    private var words: String {
        let end = pipeline.queue.vitals.end
        let parts = pipeline.sinks.shown.map { sink in
            SinkPart(
                name: sink.name, state: sink.status.state, lag: end - min(end, sink.done), stuck: sink.stuck)
        }
        return ServiceReport.words(sources: pipeline.sources.shown.count, parts)
    }

    /// Such as `2 sources, 3 sinks; nothing waits`, or `1 source, 2 sinks; splunk holds (http_401), 1204 events wait`.
    static func words(sources: Int, _ sinks: [SinkPart]) -> String {
        var parts = ["\(Quantity.count(sources, "source")), \(Quantity.count(sinks.count, "sink"))"]
        let troubled = sinks.compactMap { sink in trouble(sink).map { "\(sink.name) \($0), \(waiting(sink.lag))" } }
        parts += troubled.prefix(namedMax)
        if troubled.count > namedMax { parts.append("\(troubled.count - namedMax) more sinks like that") }
        let lag = sinks.map(\.lag).max() ?? 0
        if troubled.isEmpty { parts.append(waiting(lag)) }
        return parts.joined(separator: "; ")
    }

    private static func waiting(_ lag: UInt64) -> String {
        lag == 0 ? "nothing waits" : lag == 1 ? "1 event waits" : "\(lag) events wait"
    }

    /// By the reasons' labels alone: their texts hold words of receivers.
    private static func trouble(_ sink: SinkPart) -> String? {
        if let stuck = sink.stuck { return "is stuck (\(stuck))" }
        switch sink.state {
        case .holding(let reason): return "holds (\(reason.label))"
        case .retrying(let reason): return "tries again (\(reason.label))"
        case .starting, .working, .stopped: return nil
        }
    }
}

extension Watchdog.Limits {
    /// It looks often enough for a manager that wants to hear soon.
    init(_ manager: ServiceManager?) {
        self.init()
        if let pause = manager?.beatPause { interval = min(interval, pause / 2) }
    }
}
