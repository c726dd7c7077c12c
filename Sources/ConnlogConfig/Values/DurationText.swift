/// Durations as they stand in a configuration: `500ms 10s 5m 2h 7d`.
enum DurationText {
    private static let units: [(name: String, milliseconds: Int64)] = [
        ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1),
    ]

    static func parse(_ text: String, _ range: ClosedRange<Duration>) throws(ValueProblem) -> Duration {
        let digits = text.utf8.prefix(while: isDigit)
        let unit = text[digits.endIndex...]
        let number = digits.isEmpty ? nil : Int64(String(text[..<digits.endIndex]))
        let example = example(String(text[..<digits.endIndex]), like: unit)
        if unit.isEmpty, !digits.isEmpty {
            throw ValueProblem("has no unit; write a number with ms, s, m, h or d", example: example)
        }
        guard !digits.isEmpty, let scale = units.first(where: { $0.name == unit })?.milliseconds else {
            throw ValueProblem("is not a duration; write a number with ms, s, m, h or d", example: example)
        }
        // Far beyond every range, so that what cannot be counted is out of range too.
        let limit = Int64.max / 1_000_000
        let product = (number ?? limit).multipliedReportingOverflow(by: scale)
        let milliseconds = product.overflow ? limit : min(product.partialValue, limit)
        let duration = Duration.milliseconds(milliseconds)
        if duration < range.lowerBound { throw ValueProblem("is too short; write \(bounds(range, text(of:)))") }
        if duration > range.upperBound { throw ValueProblem("is too long; write \(bounds(range, text(of:)))") }
        return duration
    }

    /// A right way to write it, with the unit that was probably meant.
    private static func example(_ number: String, like unit: Substring) -> String {
        if unit.hasPrefix(".") { return "1500ms" }
        let number = number.isEmpty || number.count > 6 ? "5" : number
        let meant = unit.drop(while: isBlank).lowercased()
        let near = units.first { $0.name == meant } ?? units.first { meant.hasPrefix($0.name) }
        return number + (near?.name ?? "s")
    }

    /// In the largest unit that needs no fraction.
    static func text(of duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let milliseconds = seconds * 1000 + attoseconds / 1_000_000_000_000_000
        if milliseconds == 0 { return "0s" }
        for unit in units where milliseconds % unit.milliseconds == 0 {
            return "\(milliseconds / unit.milliseconds)\(unit.name)"
        }
        return "\(milliseconds)ms"
    }
}
