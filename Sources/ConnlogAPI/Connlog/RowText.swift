#if Server
import ConnlogCore
import ConnlogStore

/// A connection or an event in one line for a terminal.
enum RowText {
    static func line(_ row: ConnectionRow, _ json: RowJSON) -> String {
        var end = ""
        if let disconnect = row.session.disconnect { end = length(disconnect.since(row.session.connect)) }
        let state = json.bounds.state(row)
        if let state, state != .completed { end = state == .startUnknown ? "start unknown" : state.rawValue }
        var outcome: [String] = []
        if let code = row.session.code { outcome.append(row.type.isWeb ? "\(code.value)" : "exit \(code.value)") }
        if let reason = row.session.reason { outcome.append(reason.value) }
        if let slug = row.slugOrPort { outcome.insert(slug, at: 0) }
        return joined(
            time: row.session.connect.nanoseconds, word: end, type: row.appName ?? RowJSON.typeWord(row),
            who: PersonText(names: json.names).short(row.person),
            owner: row.workspaceOwnerID.map { name($0, json.names) },
            workspace: row.workspaceName, agent: row.agentName, ip: row.ip, outcome)
    }

    static func line(_ event: ConnectionEvent, _ person: Person?, _ names: any Names) -> String {
        var outcome: [String] = []
        if let slug = event.slugOrPort { outcome.append(slug) }
        if let code = event.code { outcome.append(event.isWeb ? "\(code)" : "exit \(code)") }
        if let reason = event.disconnectReason { outcome.append(reason) }
        return joined(
            time: event.time ?? 0, word: event.status?.rawValue ?? "", type: event.appName ?? event.type.rawValue,
            who: PersonText(names: names).short(person), owner: event.workspaceOwnerID.map { name($0, names) },
            workspace: event.workspaceName, agent: event.agentName, ip: event.ip, outcome)
    }

    private static func name(_ id: String, _ names: any Names) -> String {
        names.user(id)?.username ?? String(id.prefix(8))
    }

    private static func joined(
        time: Int64, word: String, type: String, who: String, owner: String?, workspace: String?, agent: String?,
        ip: String?, _ outcome: [String]
    ) -> String {
        let place = "\(owner ?? "?")/\(workspace ?? "?")" + (agent.map { $0.isEmpty ? "" : ".\($0)" } ?? "")
        let seconds = String(EventTime.text(time).prefix(19)) + "Z"
        let cells = [
            seconds, padded(word, 13), padded(type, 16), padded(who.isEmpty ? "-" : who, 12), padded(place, 32),
            padded(ip ?? "-", 15), outcome.joined(separator: ", "),
        ]
        return plain(cells.joined(separator: "  "))
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    private static func length(_ microseconds: Int64) -> String {
        let seconds = microseconds / 1_000_000
        switch seconds {
        case ..<60: return "\(seconds)s"
        case ..<3600: return "\(seconds / 60)m\(seconds % 60)s"
        case ..<86_400: return "\(seconds / 3600)h\(seconds / 60 % 60)m"
        default: return "\(seconds / 86_400)d\(seconds / 3600 % 24)h"
        }
    }

    /// Whoever can name a workspace must not move the cursor of whoever looks.
    private static func plain(_ text: String) -> String {
        var plain = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            let isPlain = ![.control, .format, .lineSeparator, .paragraphSeparator].contains(
                scalar.properties.generalCategory)
            plain.append(isPlain ? scalar : "\u{fffd}")
        }
        while plain.last == " " { plain.removeLast() }
        return String(plain)
    }
}
#endif
