#if Server
import ConnlogCore

/// The schema of the status, with the figures that there are.
extension OpenAPI {
    static func status(_ overview: Overview, _ own: Metrics.Own) -> String {
        let text = #"{"type":"string"}"#
        let mayBeNull = #"{"type":["string","null"]}"#
        let part = [("name", text), ("type", text)]
        let stuck = [("stuck", mayBeNull)]
        let sinkWords = [("state", text), ("last_error", mayBeNull), ("last_error_time", mayBeNull)]
        let own = object([], own.figures)
        let source = object(part + stuck, overview.sources.flatMap(\.figures))
        let figures = #"{"type":"array","description":"What the sink counts itself.","items":{"type":"object"}}"#
        let sink = object(
            part + sinkWords + stuck + [("figures", figures)], overview.sinks.flatMap(\.figures))
        let members = [
            ("version", text), ("started", #"{"type":"string","format":"date-time"}"#),
            ("queue", object([("state", text), ("words", text)], overview.queue.figures)),
            ("sources", #"{"type":"array","items":\#(source)}"#), ("sinks", #"{"type":"array","items":\#(sink)}"#),
            ("server", server(overview.server)), ("http", own),
            (
                "stuck",
                #"{"type":"array","items":{"type":"string"},"description":"What does not get on, a sentence each."}"#
            ),
        ]
        return
            #""Status":\#(object(members, overview.figures, required: ["version", "started", "queue", "sources", "sinks"]))"#
    }

    private static func server(_ server: Overview.ServerPart?) -> String {
        let text = #"{"type":"string"}"#
        return object([("state", text), ("words", text)], server?.figures ?? [], type: #"["object","null"]"#)
    }

    /// An object with these members and, after them, these figures, each once.
    private static func object(
        _ members: [(String, String)], _ figures: [Figure], required: [String] = [], type: String = #""object""#
    ) -> String {
        var seen = Set(members.map(\.0))
        var all = members.map { #""\#($0.0)":\#($0.1)"# }
        for figure in figures where seen.insert(figure.key).inserted {
            let description = JSONValue.string(figure.help).line
            let type = figure.labels.isEmpty ? #"["number","null"]"# : #""object""#
            let values = figure.labels.isEmpty ? "" : #","additionalProperties":{"type":"number"}"#
            all.append(#""\#(figure.key)":{"type":\#(type),"description":\#(description)\#(values)}"#)
        }
        let needed = required.isEmpty ? "" : #","required":[\#(required.map { "\"\($0)\"" }.joined(separator: ","))]"#
        return #"{"type":\#(type)\#(needed),"properties":{\#(all.joined(separator: ",\n"))}}"#
    }
}
#endif
