#if Server
import ConnlogCore
import ConnlogSystem

/// The overview for people: `connlog status`.
enum StatusText {
    static func text(_ overview: Overview) -> String {
        let seconds = overview.uptimeSeconds
        var text =
            "connlog \(overview.version), up \(seconds / 86_400)d \(seconds / 3600 % 24)h \(seconds / 60 % 60)m\n\n"
        let queue = overview.queue
        if overview.isLimited { return text + states(overview) }
        text += "queue    \(queue.state): \(queue.words)\n"
        text += "         \(queue.waiting) events wait for sinks; \(queue.events) are kept, in \(queue.bytes >> 20) of "
        text += "\(queue.bytesMax >> 20) MiB\n"
        if queue.damagedEvents > 0 { text += "         \(queue.damagedEvents) events lost to damage\n" }
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
        return text
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
            ("SOURCE", .left), ("TYPE", .left), ("EVENTS", .right), ("LINES", .right), ("MALFORMED", .right),
            ("FILES", .right))
        for source in sources {
            table.add(
                source.name, source.type, String(source.events), String(source.lines),
                String(source.malformed.values.reduce(0, +)), String(source.files))
        }
        return table.text
    }

    private static func sinks(_ sinks: [Overview.SinkPart]) -> String {
        var table = Table(
            ("SINK", .left), ("TYPE", .left), ("STATE", .left), ("LAG", .right), ("DELIVERED", .right),
            ("RETRIES", .right), ("REFUSED", .right), ("DROPPED", .right))
        for sink in sinks {
            table.add(
                sink.name, sink.type, sink.state, String(sink.lag), String(sink.delivered),
                String(sink.retries.values.reduce(0, +)), String(sink.deadLetters.values.reduce(0, +)),
                String(sink.dropped.values.reduce(0, +)))
        }
        return table.text
    }
}
#endif
