package import ConnlogSystem

/// One line of connlog's own log: `2026-03-03T07:00:00.000Z [info] text`, a JSON object with `ts`, `level` and `msg`, or
/// for systemd's journal, which keeps the time itself, `<6>text`.
///
/// Names of files and words of receivers stand in it, which others choose: whatever they hold, it is one line, it does
/// nothing to a terminal, and it is not longer than its bound.
package enum LogLine {
    /// Bytes of a message; what is longer is cut, and says so.
    package static let messageBytesMax = 8192

    package static func text(_ now: Nanoseconds, _ level: String, _ message: String, isJSON: Bool) -> String {
        let time = EventTime.text(now, .digits(3))
        let cut = shortened(message)
        guard isJSON else { return "\(time) [\(level)] \(TerminalText.line(cut))\n" }
        // What JSON lets through and a terminal does not is escaped as JSON has it.
        return "{\"ts\":\"\(time)\",\"level\":\"\(level)\",\"msg\":\(TerminalText.line(JSONText.quoted(cut)))}\n"
    }
    /// For the journal.
    package static func journal(_ level: String, _ message: String) -> String {
        "\(priority(level))\(TerminalText.line(shortened(message)))\n"
    }

    /// Each line of a text, for the journal.
    package static func journalLines(_ level: String, _ text: String) -> String {
        text.split(separator: "\n").map { "\(priority(level))\(TerminalText.line(String($0)))\n" }.joined()
    }

    /// As `sd-daemon(3)` has it: syslog's severity in angle brackets.
    private static func priority(_ level: String) -> String {
        switch level {
        case "critical", "error": "<3>"
        case "warning": "<4>"
        case "notice": "<5>"
        case "debug", "trace": "<7>"
        default: "<6>"
        }
    }

    private static func shortened(_ message: String) -> String { TerminalText.cut(message, bytesMax: messageBytesMax) }
}
