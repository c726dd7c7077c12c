package import ConnlogSystem

/// How long something lasts, in queries: `1h`, `>1h`, `<=90s`, `5m-2h`; units `s m h d w`.
package enum DurationRange {
    /// `nil` for anything else, and for what no number of nanoseconds can tell.
    static func parse(_ text: String) -> ClosedRange<Nanoseconds>? {
        let longest = Nanoseconds.max
        if text.hasPrefix(">=") { return length(text.dropFirst(2)).map { $0...longest } }
        if text.hasPrefix("<=") { return length(text.dropFirst(2)).map { 0...$0 } }
        // Lengths are whole seconds, so one nanosecond more is a number still.
        if text.hasPrefix(">") { return length(text.dropFirst()).map { $0 + 1...longest } }
        // Nothing is shorter than nothing, so `<0s` would be empty.
        if text.hasPrefix("<") { return length(text.dropFirst()).flatMap { $0 > 0 ? 0...$0 - 1 : nil } }
        let parts = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false).map { length($0) }
        guard let low = parts.first ?? nil else { return nil }
        // `1h` alone: as long, in whole seconds, as people read it.
        guard parts.count == 2 else {
            let (high, overflows) = low.addingReportingOverflow(999_999_999)
            return low...(overflows ? longest : high)
        }
        guard let high = parts[1], low <= high else { return nil }
        return low...high
    }

    private static let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800]

    /// `24h`, `7d`: digits and a unit.
    /// - Returns: `nil` for anything else, and for more than 9,223,372,036 seconds, some 292 years.
    package static func length(_ text: Substring) -> Nanoseconds? {
        guard let unit = text.last, let seconds = units[unit] else { return nil }
        let digits = text.dropLast()
        // `Int64` would take a sign too.
        guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let count = Int64(digits) else { return nil }
        let (length, overflows) = count.multipliedReportingOverflow(by: seconds * 1_000_000_000)
        return overflows ? nil : length
    }
}
