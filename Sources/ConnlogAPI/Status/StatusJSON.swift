#if Server
import ConnlogCore

/// `GET /api/v2/connectionlog/status`: the overview as JSON.
enum StatusJSON {
    static func value(_ overview: Overview) -> JSONValue {
        if overview.isLimited { return states(overview) }
        return [
            "version": .string(overview.version), "started": .string(EventTime.text(overview.started)),
            "queue": queue(overview.queue), "sources": .array(overview.sources.map(source)),
            "sinks": .array(overview.sinks.map(sink)), "server": overview.server.map(server) ?? .null,
            "stuck": .array(overview.stuck.map { .string($0) }),
            "spinning_threads": JSONValue(overview.spinningThreads),
        ]
    }

    private static func server(_ server: Overview.ServerPart) -> JSONValue {
        [
            "state": .string(server.state), "words": .string(server.words), "restarts": JSONValue(server.restarts),
        ]
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
        [
            "state": .string(queue.state), "words": .string(queue.words), "bytes": JSONValue(queue.bytes),
            "bytes_max": JSONValue(queue.bytesMax), "events": JSONValue(queue.events),
            "waiting": JSONValue(queue.waiting), "end": JSONValue(queue.end), "segments": JSONValue(queue.segments),
            "syncs": JSONValue(queue.syncs),
            "sync_failures": JSONValue(queue.syncFailures), "damaged_places": JSONValue(queue.damagedPlaces),
            "damaged_events": JSONValue(queue.damagedEvents),
        ]
    }

    private static func source(_ source: Overview.SourcePart) -> JSONValue {
        [
            "name": .string(source.name), "type": .string(source.type), "lines": JSONValue(source.lines),
            "bytes": JSONValue(source.bytes), "events": JSONValue(source.events),
            "duplicates": JSONValue(source.duplicates), "cut": JSONValue(source.cut), "skipped": counts(source.skipped),
            "malformed": counts(source.malformed), "files": JSONValue(source.files),
            "rotations": JSONValue(source.rotations), "truncations": JSONValue(source.truncations),
            "stuck": JSONValue(source.stuck),
        ]
    }

    private static func sink(_ sink: Overview.SinkPart) -> JSONValue {
        [
            "name": .string(sink.name), "type": .string(sink.type), "state": .string(sink.state),
            "lag": JSONValue(sink.lag), "uncommitted": JSONValue(sink.uncommitted),
            "delivered": JSONValue(sink.delivered), "unproven": JSONValue(sink.unproven),
            "filtered": JSONValue(sink.filtered), "skipped": JSONValue(sink.skipped),
            "dropped": counts(sink.dropped.mapValues { Int(clamping: $0) }), "retries": counts(sink.retries),
            "possible_repeats": JSONValue(sink.possibleRepeats), "dead_letters": counts(sink.deadLetters),
            "last_error": JSONValue(sink.lastError),
            "last_error_time": JSONValue(sink.lastErrorTime.map { EventTime.text($0) }),
            "figures": .array(sink.figures.map(figure)), "stuck": JSONValue(sink.stuck),
        ]
    }

    private static func figure(_ figure: SinkFigure) -> JSONValue {
        [
            "name": .string(figure.name),
            "labels": .object(figure.labels.map { .init(key: $0.name, value: .string($0.value)) }),
            "value": .raw(Metrics.number(figure.value)),
        ]
    }

    private static func counts(_ counts: [String: Int]) -> JSONValue {
        .object(counts.sorted { $0.key < $1.key }.map { .init(key: $0.key, value: JSONValue($0.value)) })
    }
}
#endif
