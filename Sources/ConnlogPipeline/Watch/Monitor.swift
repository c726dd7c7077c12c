package import ConnlogCore
import ConnlogDelivery
package import ConnlogQueue
import ConnlogSystem
import Synchronization

/// Looks at everything once in a while: says in the log when the queue's state changes, and draws the progress line.
package final class Monitor: Sendable {
    private let queue: Queue
    private let directory: String
    private let sources: SourceSet
    private let sinks: SinkSet
    private let log: LogFunction
    private let draw: (@Sendable (String) -> Void)?
    private let looksMade = Atomic<UInt64>(0)
    private let hasEnded = Atomic(false)
    private let lastState = Mutex(QueueStatus.State.ok)
    /// What more than one look tells.
    let trends = Trends()

    init(
        queue: Queue, in directory: String, sources: SourceSet, sinks: SinkSet,
        log: @escaping LogFunction, draw: (@Sendable (String) -> Void)?
    ) {
        self.queue = queue
        self.directory = directory
        self.sources = sources
        self.sinks = sinks
        self.log = log
        self.draw = draw
    }

    /// Looks until the task is cancelled.
    func run() async {
        trends.begin(queue.beginnings, end: queue.end, now: (SystemWallTime().now(), Monitor.uptime))
        while !Task.isCancelled {
            look()
            try? await Task.sleep(for: .milliseconds(draw == nil ? 1000 : 200))
        }
        hasEnded.store(true, ordering: .relaxed)
        look()
    }

    /// How often it has looked, for the watchdog.
    var looks: UInt64 { looksMade.load(ordering: .relaxed) }
    var isOver: Bool { hasEnded.load(ordering: .relaxed) }

    private static var uptime: Duration { .nanoseconds(SystemWallTime().uptime()) }

    private func look() {
        defer { looksMade.add(1, ordering: .relaxed) }
        queue.checkPlace()
        let status = queue.status
        let changed = lastState.withLock { last in
            defer { last = status.state }
            return last != status.state
        }
        for notice in queue.takeNotices() {
            let (level, text) = notice.line
            log(level, text)
        }
        let shown = PipelineStatus(queue: status, sources: sources.shown, sinks: sinks.shown)
        let floor = shown.sinks.map(\.done).min() ?? status.end
        trends.look(at: Monitor.uptime, end: status.end, floor: floor, shown.counts)
        if changed, let (level, text) = words(for: status) { log(level, "queue: \(text)") }
        draw?(progress)
    }

    package func words(for status: QueueStatus) -> (LogLevel, String)? {
        switch status.state {
        case .ok: (.info, "sources go on reading")
        case .full(let sink): (.warning, fullQueue(heldBy: sink, status))
        case .sinkFull(let sink):
            (.warning, "sink '\(sink)' lags by its queue_size, so sources wait for it; nothing is lost")
        case .diskFull:
            (.error, "the disk under \(directory) is full, so sources wait; sinks go on, nothing is lost; make room")
        case .diskLow(let bytes):
            (
                .error,
                "the disk under \(directory) has hardly more than min_free (\(bytes >> 20) MiB) left, so sources wait; "
                    + "sinks go on, nothing is lost; make room, or lower min_free"
            )
        case .failed(let why):
            (.error, "\(directory) cannot be written, so sources wait, and it is tried again: \(why)")
        case .closed: nil
        }
    }

    /// The sinks that have not committed everything, with the number of events. Never waits for a disk.
    package var queued: [(sink: String, events: UInt64)] {
        let end = queue.end
        return sinks.shown.filter { $0.committed < end }.map { ($0.name, end - $0.committed) }
    }

    private var progress: String {
        let counts = sources.shown.map(\.counts)
        let lines = counts.reduce(0) { $0 + $1.lines }
        let events = counts.reduce(0) { $0 + $1.events }
        let parts = sinks.shown.map { "\($0.name) \($0.status.delivered)" }
        return "\(lines) lines, \(events) events → " + parts.joined(separator: ", ")
    }

    /// What every source read and every sink delivered, a line each and one for each malformed line that is shown.
    package var summary: [String] {
        sources.shown.flatMap { source in
            let counts = source.counts
            return ["source \(source.name): \(Monitor.words(for: counts))"]
                + counts.samples.map {
                    "source \(source.name): \($0.place) at byte \($0.offset): \($0.reason): \($0.text)"
                }
        }
            + sinks.shown.flatMap { sink in
                let figures = Figure.words(sink.ownFigures.filter(Monitor.isWorthTelling))
                return ["sink \(sink.name): \(Monitor.words(for: sink.status))"]
                    + (figures.isEmpty ? [] : ["sink \(sink.name): \(figures)"])
            }
    }

    /// The events that receivers have refused for good, a line for each sink that had some.
    package var refusals: [String] {
        sinks.shown.compactMap { sink in
            let count = sink.status.deadLetters.values.reduce(0, +)
            guard count > 0 else { return nil }
            let named = sink.status.refused.map { "event \($0.offset) (\($0.reason))" }.joined(separator: ", ")
            let more = count - min(count, sink.status.refused.count)
            return "sink \(sink.name): \(Quantity.count(count, "event")) refused and put aside: \(named)"
                + (more > 0 ? " and \(more) more" : "") + "; see 'connlog dead-letter list --sink \(sink.name)'"
        }
    }

    /// How things are is over with the run, and the parts of a distribution are for programs.
    private static func isWorthTelling(_ figure: Figure) -> Bool {
        figure.kind == .counter || figure.kind == .histogram && figure.name.hasSuffix("_sum")
    }

    private static func words(for counts: SourceCounts) -> String {
        var parts = ["\(counts.lines) lines", "\(counts.events) events"]
        if !counts.skipped.isEmpty { parts.append("skipped \(list(counts.skipped))") }
        if !counts.malformed.isEmpty { parts.append("malformed \(list(counts.malformed))") }
        if counts.cut > 0 { parts.append("\(counts.cut) with values cut") }
        if counts.duplicates > 0 { parts.append("\(counts.duplicates) seen before") }
        return parts.joined(separator: ", ")
    }

    private static func words(for status: DeliveryStatus) -> String {
        var parts = ["\(status.delivered) delivered"]
        if status.filtered > 0 { parts.append("\(status.filtered) filtered out") }
        if status.skipped > 0 { parts.append("\(status.skipped) passed over") }
        if !status.retries.isEmpty { parts.append("retries \(list(status.retries))") }
        if status.possibleRepeats > 0 { parts.append("\(status.possibleRepeats) possibly sent twice") }
        if !status.deadLetters.isEmpty { parts.append("refused \(list(status.deadLetters))") }
        return parts.joined(separator: ", ")
    }

    private static func list(_ counts: [String: Int]) -> String {
        counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
    }
}
