#if Server
import ConnlogCore

/// `GET /metrics`: the overview in Prometheus' text format.
struct Metrics {
    private var families: [String] = []
    private var lines: [String: (type: String, help: String, lines: [String])] = [:]
    /// Name and labels of each line: a second one would make Prometheus refuse all of them.
    private var series: Set<String> = []

    /// What the server knows of itself.
    struct Own {
        var http = HTTPCounts.Snapshot()
        var connections = 0
        var questions = 0
        var streams = 0
        /// When the certificate ends that new connections get, in seconds since 1970; `nil` without TLS.
        var certificateEnd: Int?
    }

    static func text(_ overview: Overview, _ own: Own) -> String {
        var metrics = Metrics()
        metrics.add(overview.figures, "connlog_")
        metrics.add(overview.queue.figures, "connlog_queue_")
        if let server = overview.server { metrics.add(server.figures, "connlog_server_") }
        for source in overview.sources {
            metrics.add(source.figures, "connlog_source_", [.init("source", source.name)])
        }
        for sink in overview.sinks {
            metrics.add(sink.figures + sink.ownFigures, "connlog_sink_", [.init("sink", sink.name)])
        }
        metrics.add(own.figures, "connlog_http_")
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

    private mutating func add(_ figures: [Figure], _ prefix: String, _ labels: [Figure.Label] = []) {
        for figure in figures { add(figure, prefix, labels) }
    }

    private mutating func add(_ figure: Figure, _ prefix: String, _ labels: [Figure.Label]) {
        let name = prefix + figure.name + (figure.kind == .counter ? "_total" : "")
        let family = figure.kind == .histogram ? Metrics.distribution(name) : name
        let type = figure.kind == .state ? "gauge" : figure.kind.rawValue
        if lines[family] == nil {
            families.append(family)
            lines[family] = (type, Metrics.escaped(figure.help), [])
        }
        guard let value = figure.value, lines[family]?.type == type else { return }
        let words = (labels + figure.labels).map { "\($0.name)=\"\(Metrics.escaped($0.value))\"" }
        let series = name + (words.isEmpty ? "" : "{\(words.joined(separator: ","))}")
        guard self.series.insert(series).inserted else { return }
        lines[family]?.lines.append("\(series) \(Metrics.number(value))\n")
    }

    /// `name_bucket`, `name_sum` and `name_count` are one family.
    private static func distribution(_ name: String) -> String {
        for ending in ["_bucket", "_sum", "_count"] where name.hasSuffix(ending) {
            return String(name.dropLast(ending.count))
        }
        return name
    }

    private static func escaped(_ text: String) -> String {
        // By scalars: a mark after a quote makes one character of both.
        text.unicodeScalars.map { scalar in
            switch scalar {
            case "\\": "\\\\"
            case "\"": "\\\""
            case "\n": "\\n"
            default: String(scalar)
            }
        }.joined()
    }
}

extension Metrics.Own {
    var figures: [Figure] {
        var figures: [Figure] = []
        for (place, count) in http.requests.sorted(by: { ($0.key.route, $0.key.status) < ($1.key.route, $1.key.status) }
        ) {
            figures.append(
                Figure(
                    .counter, "requests", "Requests answered, by route and status.",
                    by: [.init("route", place.route), .init("status", String(place.status))], count))
        }
        for (route, seconds) in http.seconds.sorted(by: { $0.key < $1.key }) {
            figures.append(
                Figure(
                    .counter, "request_seconds", unit: .seconds, "Time until the answer began, by route.",
                    by: [.init("route", route)], seconds))
        }
        figures += [
            Figure(.gauge, "requests_open", "Requests under way.", http.open),
            Figure(.gauge, "connections_open", "Connections of clients.", connections),
            Figure(.gauge, "questions_open", "Questions to the store under way.", questions),
            Figure(.gauge, "streams_open", "Answers and bodies under way that go on.", streams),
            Figure(
                .counter, "connections_refused", "Connections closed at once: their address had too many.",
                http.connectionsRefused),
        ]
        figures += Figure.each(
            .counter, "connections_cut", "Connections closed while something was under way, by reason.", by: "reason",
            http.connectionsCut)
        for (what, count) in http.signIns.sorted(by: { ($0.key.type, $0.key.outcome) < ($1.key.type, $1.key.outcome) })
        {
            figures.append(
                Figure(
                    .counter, "sign_ins",
                    "Tokens and people of Coder, an issuer or a proxy that came, by type of [access] and outcome.",
                    by: [.init("type", what.type), .init("outcome", what.outcome)], count))
        }
        if let end = certificateEnd {
            figures.append(
                Figure(
                    .gauge, "certificate_expiry_timestamp_seconds", unit: .time,
                    "When the server's certificate ends, in seconds since 1970.", end))
        }
        return figures
    }
}
#endif
