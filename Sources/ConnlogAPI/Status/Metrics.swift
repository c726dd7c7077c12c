#if Server
import ConnlogCore

/// `GET /metrics`: the overview in Prometheus' text format.
struct Metrics {
    private var families: [String] = []
    private var lines: [String: (type: String, help: String, lines: [String])] = [:]

    /// What the server knows of itself.
    struct Own {
        var http = HTTPCounts.Snapshot()
        var connections = 0
        var questions = 0
        var streams = 0
    }

    static func text(_ overview: Overview, _ own: Own) -> String {
        var metrics = Metrics()
        metrics.add(overview)
        for source in overview.sources { metrics.add(source) }
        for sink in overview.sinks { metrics.add(sink) }
        metrics.add(own)
        return metrics.text
    }

    /// Without a fraction where there is none.
    static func number(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : String(value)
    }

    private var text: String {
        families.compactMap { name in
            lines[name].map { "# HELP \(name) \($0.help)\n# TYPE \(name) \($0.type)\n" + $0.lines.joined() }
        }.joined()
    }

    private mutating func add(
        _ name: String, _ type: String, _ help: String, _ labels: [(String, String)], _ value: Double,
        family: String? = nil
    ) {
        let family = family ?? name
        if lines[family] == nil {
            families.append(family)
            lines[family] = (type, help, [])
        }
        let words = labels.map { "\($0.0)=\"\(Metrics.escaped($0.1))\"" }.joined(separator: ",")
        lines[family]?.lines.append(name + (words.isEmpty ? "" : "{\(words)}") + " \(Metrics.number(value))\n")
    }

    private static func escaped(_ text: String) -> String {
        text.map { character in
            switch character {
            case "\\": "\\\\"
            case "\"": "\\\""
            case "\n": "\\n"
            default: String(character)
            }
        }.joined()
    }

    private mutating func counter(_ name: String, _ help: String, _ labels: [(String, String)], _ value: Int) {
        add("connlog_\(name)", "counter", help, labels, Double(value))
    }

    private mutating func gauge(_ name: String, _ help: String, _ labels: [(String, String)], _ value: Double) {
        add("connlog_\(name)", "gauge", help, labels, value)
    }

    // MARK: - Parts

    private mutating func add(_ overview: Overview) {
        gauge("info", "1, with the version.", [("version", overview.version)], 1)
        gauge("start_time_seconds", "When it started, in seconds since 1970.", [], Double(overview.started) / 1e9)
        let queue = overview.queue
        gauge("queue_ok", "1 while the queue takes events, 0 while sources wait.", [], queue.state == "ok" ? 1 : 0)
        gauge("queue_state", "1 for the state that the queue is in.", [("state", queue.state)], 1)
        gauge("queue_bytes", "Bytes of the queue on the disk.", [], Double(queue.bytes))
        gauge("queue_bytes_max", "Bytes that it may take.", [], Double(queue.bytesMax))
        gauge("queue_events", "Events kept in the queue.", [], Double(queue.events))
        gauge("queue_waiting_events", "Events that some sink has not got yet.", [], Double(queue.waiting))
        gauge("queue_segments", "Files of the queue.", [], Double(queue.segments))
        counter("queue_events_total", "Events ever taken into this queue.", [], Int(clamping: queue.end))
        if let server = overview.server {
            gauge("server_listening", "1 while the server takes connections.", [], server.state == "listening" ? 1 : 0)
            counter(
                "server_restarts_total", "How often the server's process has ended and was started again.", [],
                server.restarts)
        }
        counter("queue_syncs_total", "Successful fdatasync calls.", [], Int(clamping: queue.syncs))
        counter("queue_sync_failures_total", "Failed ones.", [], Int(clamping: queue.syncFailures))
        counter("queue_damaged_places_total", "Places that could not be read.", [], Int(clamping: queue.damagedPlaces))
        counter("queue_damaged_events_total", "Events lost to damage.", [], Int(clamping: queue.damagedEvents))
        gauge(
            "thread_spinning", "Threads that keep a processor busy and get nothing done.", [],
            Double(overview.spinningThreads))
        gauge(
            "stuck_parts", "Parts of connlog that do not get on; the status names them.", [],
            Double(overview.stuck.count))
    }

    private mutating func add(_ source: Overview.SourcePart) {
        let label = [("source", source.name)]
        counter("source_lines_total", "Lines read.", label, source.lines)
        counter("source_bytes_total", "Bytes taken in.", label, source.bytes)
        counter("source_events_total", "Events taken in.", label, source.events)
        counter("source_duplicates_total", "Events that had come before.", label, source.duplicates)
        counter("source_cut_events_total", "Events of too long lines, with values cut.", label, source.cut)
        for (kind, count) in source.skipped.sorted(by: { $0.key < $1.key }) {
            counter("source_skipped_lines_total", "Lines that are no events, by kind.", label + [("kind", kind)], count)
        }
        for (reason, count) in source.malformed.sorted(by: { $0.key < $1.key }) {
            counter(
                "source_malformed_lines_total", "Lines that cannot be read, by reason.", label + [("reason", reason)],
                count)
        }
        gauge("source_files", "Files that are followed.", label, Double(source.files))
        counter("source_rotations_total", "Files renamed or removed while they were followed.", label, source.rotations)
        counter("source_truncations_total", "Files that became shorter.", label, source.truncations)
        gauge("source_stuck", "1 while the source does not get on.", label, source.stuck == nil ? 0 : 1)
    }

    private mutating func add(_ sink: Overview.SinkPart) {
        let label = [("sink", sink.name)]
        gauge("sink_state", "1 for the state that the sink is in.", label + [("state", sink.state)], 1)
        gauge("sink_stuck", "1 while the sink has events and does not get on.", label, sink.stuck == nil ? 0 : 1)
        gauge("sink_lag_events", "Events in the queue that the sink is not done with.", label, Double(sink.lag))
        gauge(
            "sink_uncommitted_events", "Events that the sink is done with and whose place is not stored yet.", label,
            Double(sink.uncommitted))
        counter("sink_delivered_events_total", "Events that the receiver has.", label, sink.delivered)
        gauge("sink_unproven_events", "Events accepted and not yet proven to be there.", label, Double(sink.unproven))
        counter("sink_filtered_events_total", "Events that the sink's filter did not want.", label, sink.filtered)
        counter("sink_skipped_events_total", "Events that the queue could not give.", label, sink.skipped)
        counter("sink_possible_repeats_total", "Events that may have been sent twice.", label, sink.possibleRepeats)
        for (reason, count) in sink.dropped.sorted(by: { $0.key < $1.key }) {
            counter(
                "sink_dropped_events_total", "Events given up by on_full, by reason.", label + [("reason", reason)],
                Int(clamping: count))
        }
        for (reason, count) in sink.retries.sorted(by: { $0.key < $1.key }) {
            counter("sink_retries_total", "Batches sent again, by reason.", label + [("reason", reason)], count)
        }
        for (reason, count) in sink.deadLetters.sorted(by: { $0.key < $1.key }) {
            counter(
                "sink_dead_letters_total", "Events written to the dead letters, by reason.",
                label + [("reason", reason)],
                count)
        }
        let histograms = Set(sink.figures.compactMap { Metrics.prefix($0.name, before: "_bucket") })
        for figure in sink.figures { add(figure, label, histograms) }
    }

    /// A distribution comes as `name_bucket`, `name_sum` and `name_count`, which are one family.
    private mutating func add(_ figure: SinkFigure, _ label: [(String, String)], _ histograms: Set<String>) {
        let help = "See the sink's documentation."
        let labels = label + figure.labels.map { ($0.name, $0.value) }
        let name = "connlog_sink_\(figure.name)"
        for ending in ["_bucket", "_sum", "_count"] {
            guard let base = Metrics.prefix(figure.name, before: ending), histograms.contains(base) else { continue }
            return add(name, "histogram", help, labels, figure.value, family: "connlog_sink_\(base)")
        }
        let isCounter = figure.kind == .counter
        add(name + (isCounter ? "_total" : ""), isCounter ? "counter" : "gauge", help, labels, figure.value)
    }

    private static func prefix(_ name: String, before ending: String) -> String? {
        name.hasSuffix(ending) ? String(name.dropLast(ending.count)) : nil
    }

    private mutating func add(_ own: Own) {
        let http = own.http
        for (place, count) in http.requests.sorted(by: { ($0.key.route, $0.key.status) < ($1.key.route, $1.key.status) }
        ) {
            counter(
                "http_requests_total", "Requests answered, by route and status.",
                [("route", place.route), ("status", String(place.status))], count)
        }
        for (route, seconds) in http.seconds.sorted(by: { $0.key < $1.key }) {
            add(
                "connlog_http_request_seconds_total", "counter", "Time until the answer began, by route.",
                [("route", route)], seconds)
        }
        gauge("http_requests_open", "Requests under way.", [], Double(http.open))
        gauge("http_connections_open", "Connections of clients.", [], Double(own.connections))
        gauge("http_questions_open", "Questions to the store under way.", [], Double(own.questions))
        gauge("http_streams_open", "Answers and bodies under way that go on.", [], Double(own.streams))
        counter(
            "http_connections_refused_total", "Connections closed at once: their address had too many.", [],
            http.connectionsRefused)
        for (reason, count) in http.connectionsCut.sorted(by: { $0.key < $1.key }) {
            counter(
                "http_connections_cut_total", "Connections closed while something was under way, by reason.",
                [("reason", reason)], count)
        }
    }
}
#endif
