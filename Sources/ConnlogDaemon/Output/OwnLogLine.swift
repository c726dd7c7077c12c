import ConnlogCore
public import ConnlogSystem

/// One line of connlog's own log: `2026-03-03 07:00:00.000 [info] text`, or a JSON object with `ts`, `level` and `msg`.
///
/// Names of files and words of receivers stand in it, which others choose: whatever they hold, it is one line, it does
/// nothing to a terminal, and it is not longer than its bound.
public enum OwnLogLine {
    /// Bytes of a message; what is longer is cut, and says so.
    public static let messageBytesMax = 8192

    public static func text(_ now: Nanoseconds, _ level: String, _ message: String, isJSON: Bool) -> String {
        let time = EventTime.text(now, .digits(3))
        let cut = TerminalText.cut(message, bytesMax: messageBytesMax)
        guard isJSON else { return "\(time) [\(level)] \(TerminalText.line(cut))\n" }
        // What JSON lets through and a terminal does not is escaped as JSON has it.
        return "{\"ts\":\"\(time)\",\"level\":\"\(level)\",\"msg\":\(TerminalText.line(JSONText.quoted(cut)))}\n"
    }
}
