import ConnlogCore

/// Connections as a table for people, out of the JSON Lines that the server sends.
///
///     TIME (UTC)            PERSON  WHAT       WORKSPACE   FROM        DURATION  OUTCOME
///     2026-03-03 07:00:00Z  ≈alice  ssh        alice/dev   10.20.0.7     1h5m    exit 0
///     2026-03-03 06:58:12Z  bob     port 8080  alice/prod  10.20.0.9             403
///
/// The first rows say how wide the columns are; on a terminal they are made to fit its width, and no line is longer. Whoever
/// names a workspace, an app or a reason must not move the cursor, colour text or begin a line: see `TerminalText`.
package struct EventTable: Sendable {
    /// How it looks.
    package struct Style: Sendable {
        /// What a line may take; `nil`: anything.
        package var columns: Int?
        package var isColoured = false
        package var time = ShownTime.utc

        package init() {}
    }

    /// So many rows are looked at before the first is shown.
    static let sampleMax = 500
    /// One long name does not put blanks after all others.
    static let widthMax = 64

    private let style: Style
    private var stream = ServerSentEvents()
    private var waiting: [EventCells] = []
    private var widths: [Int]?

    package init(_ style: Style) { self.style = style }

    /// Takes a piece of the answer, cut anywhere.
    /// - Returns: the lines that can be shown now.
    package mutating func take(_ bytes: [UInt8]) -> String {
        waiting += stream.take(bytes).filter { !$0.isEmpty }.map { EventCells($0, style.time) }
        return widths != nil || waiting.count >= EventTable.sampleMax ? flush() : ""
    }

    /// The rest; nothing for an answer without rows.
    package mutating func finish() -> String { waiting.isEmpty ? "" : flush() }

    private mutating func flush() -> String {
        var text = ""
        let widths: [Int]
        if let known = self.widths {
            widths = known
        } else {
            let headings = EventCells.headings(style.time)
            let rows = [headings] + waiting.map(\.texts)
            widths = EventTable.fitted(
                headings.indices.map { column in
                    min(EventTable.widthMax, rows.map { DisplayWidth.of($0[column]) }.max() ?? 0)
                }, style.columns)
            self.widths = widths
            text = coloured(line(headings, widths), "1") + "\n"
        }
        for row in waiting { text += coloured(line(row.texts, widths), row.tone.code) + "\n" }
        waiting = []
        return text
    }

    private func coloured(_ line: String, _ code: String) -> String {
        style.isColoured && !code.isEmpty ? "\u{1b}[\(code)m\(line)\u{1b}[0m" : line
    }

    private func line(_ cells: [String], _ widths: [Int]) -> String {
        var line = ""
        for (column, cell) in cells.enumerated() {
            // Where nothing limits a line, a later cell that is wider than its column is shown all the same.
            let shown = style.columns == nil ? cell : DisplayWidth.cut(cell, to: widths[column])
            let gap = column > 0 ? "  " : ""
            line += gap + DisplayWidth.padded(shown, to: widths[column], onLeft: column == EventCells.durationColumn)
        }
        while line.hasSuffix(" ") { line.removeLast() }
        return style.columns.map { DisplayWidth.cut(line, to: $0) } ?? line
    }

    /// What the columns take when a line may take so much: the widest gives first, none below what it needs to say anything.
    static func fitted(_ widths: [Int], _ columns: Int?) -> [Int] {
        guard let columns else { return widths }
        var fitted = widths
        var excess = fitted.reduce(0, +) + 2 * (fitted.count - 1) - columns
        while excess > 0 {
            let giving = fitted.indices.filter { fitted[$0] > EventCells.widthsMin[$0] }
            guard let widest = giving.max(by: { fitted[$0] < fitted[$1] }) else { break }
            fitted[widest] -= 1
            excess -= 1
        }
        return fitted
    }
}

/// One connection as the cells of a row.
struct EventCells: Sendable {
    /// What somebody should notice.
    enum Tone: Sendable {
        case plain, open, refused, failed

        /// Of ECMA-48's select graphic rendition.
        var code: String {
            switch self {
            case .plain: ""
            case .open: "32"
            case .refused: "33"
            case .failed: "31"
            }
        }
    }

    static let durationColumn = 5
    /// Below this a column says nothing any more; a time is never cut.
    static let widthsMin = [Int.max, 6, 6, 10, 7, 8, 5]

    static func headings(_ time: ShownTime) -> [String] {
        ["TIME (\(TerminalText.line(time.name)))", "PERSON", "WHAT", "WORKSPACE", "FROM", "DURATION", "OUTCOME"]
    }

    private(set) var texts: [String]
    private(set) var tone = Tone.plain

    /// - Parameter line: a row of the API in JSON; anything else stands there as it is.
    init(_ line: String, _ time: ShownTime) {
        guard let row = try? JSONValue(reading: Array(line.utf8)), let start = row["connect_time"]?.string else {
            texts = [line, "", "", "", "", "", ""].map(TerminalText.line)
            return
        }
        let web = row["web_info"]
        let own = row["connlog"]
        let code = (web?["status_code"] ?? row["ssh_info"]?["exit_code"])?.integer
        let owner =
            row["workspace_owner_username"]?.filled ?? row["workspace_owner_id"]?.filled.map { String($0.prefix(8)) }
        texts = [
            EventTime.parse(start).map(time.text) ?? start,
            EventCells.person(row, web, own),
            EventCells.what(row, web),
            "\(owner ?? "?")/\(row["workspace_name"]?.filled ?? "?")",
            row["ip"]?.filled ?? "-",
            EventCells.duration(own),
            EventCells.outcome(row, web, own, code),
        ].map(TerminalText.line)
        if web != nil, let code {
            tone = code >= 500 ? .failed : code >= 400 ? .refused : .plain
        } else if ["ongoing", "open"].contains(own?["status"]?.string) {
            tone = .open
        }
    }

    /// Who it was; with `≈` where the server has inferred it.
    private static func person(_ row: JSONValue, _ web: JSONValue?, _ own: JSONValue?) -> String {
        let user = web?["user"]
        if let name = user?["username"]?.filled ?? user?["id"]?.filled.map({ String($0.prefix(8)) }) { return name }
        guard let person = own?["person"] else { return "-" }
        guard let name = person.filled ?? person["username"]?.filled else { return "-" }
        let isCertain = ["recorded", "session"].contains(own?["person_basis"]?.string)
        return isCertain ? name : "≈\(name)"
    }

    private static func what(_ row: JSONValue, _ web: JSONValue?) -> String {
        let type = row["type"]?.filled ?? "?"
        if let slug = web?["slug_or_port"]?.filled {
            return type == "port_forwarding"
                ? "port \(slug)" : type == "workspace_app" ? "app \(slug)" : "\(type) \(slug)"
        }
        guard let app = row["app_name"]?.filled, app != type else { return type }
        return type == "ssh" ? app : "\(type) \(app)"
    }

    private static func duration(_ own: JSONValue?) -> String {
        // Where only the end was seen nobody knows how long it was.
        if own?["status"]?.string == "start_unknown" { return "?" }
        guard let milliseconds = own?["duration_ms"]?.integer else { return "" }
        return length(seconds: milliseconds / 1000)
    }

    static func length(seconds: Int64) -> String {
        switch seconds {
        case ..<60: "\(seconds)s"
        case ..<3600: "\(seconds / 60)m\(seconds % 60)s"
        case ..<86_400: "\(seconds / 3600)h\(seconds / 60 % 60)m"
        default: "\(seconds / 86_400)d\(seconds / 3600 % 24)h"
        }
    }

    private static func outcome(_ row: JSONValue, _ web: JSONValue?, _ own: JSONValue?, _ code: Int64?) -> String {
        var words: [String] = []
        if let status = own?["status"]?.filled, !["none", "completed"].contains(status) {
            words.append(status.replacing("_", with: " "))
        }
        if let code { words.append(web == nil ? "exit \(code)" : String(code)) }
        if let reason = row["ssh_info"]?["disconnect_reason"]?.filled { words.append(reason) }
        return words.joined(separator: ", ")
    }
}

extension JSONValue {
    /// A text that is not empty and stands for something.
    fileprivate var filled: String? {
        guard let string, !string.isEmpty, string != "00000000-0000-0000-0000-000000000000" else { return nil }
        return string
    }
}
