#if Server
import ConnlogCore

/// `GET /api/v2/connectionlog/status`: the overview as JSON. A figure is a member of its part by its key, and one with
/// labels an object by the labels' values; what a sink counts itself is in a list of its own.
enum StatusJSON {
    static func value(_ overview: Overview, _ own: Metrics.Own) -> JSONValue {
        if overview.isLimited { return states(overview) }
        var members: Members = [
            ("version", .string(overview.version)), ("started", .string(EventTime.text(overview.started))),
            ("queue", queue(overview.queue)), ("sources", .array(overview.sources.map(source))),
            ("sinks", .array(overview.sinks.map(sink))), ("server", overview.server.map(server) ?? .null),
            ("stuck", .array(overview.stuck.map { .string($0) })),
        ]
        add(overview.figures, to: &members)
        var http: Members = []
        add(own.figures, to: &http)
        members.append(("http", object(http)))
        return object(members)
    }

    private typealias Members = [(key: String, value: JSONValue)]

    private static func object(_ members: Members) -> JSONValue {
        .object(members.map { .init(key: $0.key, value: $0.value) })
    }

    private static func server(_ server: Overview.ServerPart) -> JSONValue {
        var members: Members = [("state", .string(server.state)), ("words", .string(server.words))]
        add(server.figures, to: &members)
        return object(members)
    }

    /// Without figures, for whoever may see some organizations only.
    private static func states(_ overview: Overview) -> JSONValue {
        [
            "version": .string(overview.version), "started": .string(EventTime.text(overview.started)),
            "queue": ["state": .string(overview.queue.state)],
            "sources": .array(overview.sources.map { ["name": .string($0.name), "type": .string($0.type)] }),
            "sinks": .array(
                overview.sinks.map { ["name": .string($0.name), "type": .string($0.type), "state": .string($0.state)] }),
        ]
    }

    private static func queue(_ queue: Overview.QueuePart) -> JSONValue {
        var members: Members = [("state", .string(queue.state)), ("words", .string(queue.words))]
        add(queue.figures, to: &members)
        return object(members)
    }

    private static func source(_ source: Overview.SourcePart) -> JSONValue {
        var members: Members = [
            ("name", .string(source.name)), ("type", .string(source.type)), ("stuck", JSONValue(source.stuck)),
        ]
        add(source.figures, to: &members)
        return object(members)
    }

    private static func sink(_ sink: Overview.SinkPart) -> JSONValue {
        var members: Members = [
            ("name", .string(sink.name)), ("type", .string(sink.type)), ("state", .string(sink.state)),
            ("last_error", JSONValue(sink.lastError)),
            ("last_error_time", JSONValue(sink.lastErrorTime.map { EventTime.text($0) })),
            ("stuck", JSONValue(sink.stuck)),
        ]
        add(sink.figures, to: &members)
        members.append(("figures", .array(sink.ownFigures.filter { $0.value != nil }.map(figure))))
        return object(members)
    }

    /// Adds each that is not a member already, as the words above are.
    private static func add(_ figures: [Figure], to members: inout Members) {
        var labelled: [String: Int] = [:]
        for figure in figures {
            let label = figure.labels.map(\.value).joined(separator: " ")
            if figure.labels.isEmpty {
                if !members.contains(where: { $0.key == figure.key }) { members.append((figure.key, number(figure))) }
                continue
            }
            if labelled[figure.key] == nil {
                if members.contains(where: { $0.key == figure.key }) { continue }
                labelled[figure.key] = members.count
                members.append((figure.key, .object([])))
            }
            guard figure.value != nil, let index = labelled[figure.key], case .object(var values) = members[index].value
            else { continue }
            values.append(.init(key: label, value: number(figure)))
            members[index].value = .object(values)
        }
    }

    private static func number(_ figure: Figure) -> JSONValue {
        figure.value.map { .raw(Metrics.number($0)) } ?? .null
    }

    private static func figure(_ figure: Figure) -> JSONValue {
        [
            "name": .string(figure.name), "help": .string(figure.help), "unit": .string(figure.unit.rawValue),
            "labels": .object(figure.labels.map { .init(key: $0.name, value: .string($0.value)) }),
            "value": number(figure),
        ]
    }
}
#endif
