#if Server
import ConnlogCore
import ConnlogSystem

/// The overview for people: `connlog status`.
enum StatusText {
    /// - Parameter figures: with each figure there is, a line each.
    static func text(_ overview: Overview, _ own: Metrics.Own, figures: Bool = false) -> String {
        let seconds = overview.uptimeSeconds
        var text =
            "connlog \(overview.version), up \(seconds / 86_400)d \(seconds / 3600 % 24)h \(seconds / 60 % 60)m\n\n"
        let queue = overview.queue
        if overview.isLimited { return text + states(overview) }
        text += "queue    \(queue.state): \(queue.words)\n"
        text +=
            "         \(queue.figures.sum("waiting")) events wait for sinks; \(queue.figures.sum("events")) are kept, in "
        text += "\(queue.figures.sum("bytes") >> 20) of \(queue.figures.sum("bytes_max") >> 20) MiB\n"
        text += "         \(rate(queue.figures.value("events_per_second"))) events per second come in"
        let newest = overview.figures.value("newest_event_age_seconds")
        text += newest == nil ? "\n" : "; the newest came \(age(newest)) ago\n"
        let damaged = queue.figures.sum("damaged_events")
        if damaged > 0 { text += "         \(damaged) events lost to damage\n" }
        text += store(overview.sinks)
        if let server = overview.server {
            text += "server   \(server.state): \(server.words)"
            text += server.restarts > 0 ? "; \(server.restarts) times started again\n" : "\n"
        }
        text += "\n" + sources(overview.sources) + "\n" + sinks(overview.sinks)
        for sentence in overview.stuck { text += "\nSTUCK: \(sentence)\n" }
        for sink in overview.sinks where sink.lastError != nil {
            let time = sink.lastErrorTime.map { EventTime.text($0).prefix(19) + "Z" } ?? ""
            text += "\nsink \(sink.name), \(time): \(sink.lastError ?? "")\n"
        }
        return figures ? text + "\n" + all(overview, own) : text
    }

    /// What the store takes on the disk; nothing where there is none.
    private static func store(_ sinks: [Overview.SinkPart]) -> String {
        let stores = sinks.filter { $0.ownFigures.value("content_bytes") != nil }
        return stores.map { sink in
            let (content, files) = (sink.ownFigures.value("content_bytes"), sink.ownFigures.value("file_bytes"))
            return "store    \(size(content)) of connections, \(size(files)) on the disk\n"
        }.joined()
    }

    private static func states(_ overview: Overview) -> String {
        var sources = Table(("SOURCE", .left), ("TYPE", .left))
        for source in overview.sources { sources.add(source.name, source.type) }
        var sinks = Table(("SINK", .left), ("TYPE", .left), ("STATE", .left))
        for sink in overview.sinks { sinks.add(sink.name, sink.type, sink.state) }
        return "queue    \(overview.queue.state)\n\n\(sources.text)\n\(sinks.text)"
    }

    private static func sources(_ sources: [Overview.SourcePart]) -> String {
        var table = Table(
            ("SOURCE", .left), ("TYPE", .left), ("EVENTS", .right), ("PER SECOND", .right), ("LAST", .right),
            ("LINES", .right), ("MALFORMED", .right), ("FILES", .right), ("UNREAD", .right))
        for source in sources {
            let figures = source.figures
            table.add(
                source.name, source.type, String(figures.sum("events")), rate(figures.value("events_per_second")),
                age(figures.value("last_event_age_seconds")), String(figures.sum("lines")),
                String(figures.sum("malformed")), String(figures.sum("files")), size(figures.value("unread_bytes")))
        }
        return table.text
    }

    private static func sinks(_ sinks: [Overview.SinkPart]) -> String {
        var table = Table(
            ("SINK", .left), ("TYPE", .left), ("STATE", .left), ("LAG", .right), ("OLDEST", .right),
            ("DELIVERED", .right), ("PER SECOND", .right), ("CAUGHT UP IN", .right), ("RETRIES", .right),
            ("REFUSED", .right), ("DROPPED", .right))
        for sink in sinks {
            let figures = sink.figures
            table.add(
                sink.name, sink.type, sink.state, String(figures.sum("lag")),
                figures.sum("lag") > 0 ? age(figures.value("oldest_event_age_seconds")) : "-",
                String(figures.sum("delivered")), rate(figures.value("delivered_per_second")), catchUp(figures),
                String(figures.sum("retries")), String(figures.sum("dead_letters")), String(figures.sum("dropped")))
        }
        return table.text
    }

    // MARK: - Every figure

    private static func all(_ overview: Overview, _ own: Metrics.Own) -> String {
        var table = Table(("PART", .left), ("FIGURE", .left), ("VALUE", .right), ("WHAT IT IS", .left))
        func add(_ part: String, _ figures: [Figure]) {
            for figure in figures {
                let labels = figure.labels.map(\.value).filter { !$0.isEmpty }.joined(separator: ", ")
                let value = figure.value == nil ? "-" : figure.number
                table.add(part, figure.name + (labels.isEmpty ? "" : " (\(labels))"), value, figure.help)
            }
        }
        add("connlog", overview.figures)
        add("queue", overview.queue.figures)
        add("server", overview.server?.figures ?? [])
        add("http", own.figures)
        for source in overview.sources { add("source \(source.name)", source.figures) }
        for sink in overview.sinks { add("sink \(sink.name)", sink.figures + sink.ownFigures) }
        return table.text
    }

    // MARK: - Words

    private static func catchUp(_ figures: [Figure]) -> String {
        if figures.sum("lag") == 0 { return "-" }
        return figures.value("catch_up_seconds").map { age($0) } ?? "never"
    }

    private static func rate(_ value: Double?) -> String {
        guard let value else { return "-" }
        return value >= 10 || value == 0 ? String(Int(value.rounded())) : String((value * 10).rounded() / 10)
    }

    /// `7 s`, `12 min`, `3 h`, `4 d`.
    static func age(_ seconds: Double?) -> String {
        guard let seconds = seconds.flatMap({ Int(exactly: $0.rounded(.down)) }) else { return "-" }
        switch seconds {
        case ..<120: return "\(seconds) s"
        case ..<7200: return "\(seconds / 60) min"
        case ..<172_800: return "\(seconds / 3600) h"
        default: return "\(seconds / 86_400) d"
        }
    }

    private static func size(_ bytes: Double?) -> String {
        guard let bytes = bytes.flatMap({ Int(exactly: $0) }) else { return "-" }
        switch bytes {
        case ..<10_240: return "\(bytes) B"
        case ..<10_485_760: return "\(bytes >> 10) KiB"
        default: return "\(bytes >> 20) MiB"
        }
    }
}
#endif
