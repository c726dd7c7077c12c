import ConnlogSystem

/// How long something lasts, in queries: `1h`, `>1h`, `<=90s`, `5m-2h`; units `s m h d w`.
enum DurationRange {
    /// `nil` for anything else, and for more than 10,000 of a unit.
    static func parse(_ text: String) -> ClosedRange<Nanoseconds>? {
        let longest = Nanoseconds.max
        if text.hasPrefix(">=") { return length(text.dropFirst(2)).map { $0...longest } }
        if text.hasPrefix("<=") { return length(text.dropFirst(2)).map { 0...$0 } }
        if text.hasPrefix(">") { return length(text.dropFirst()).map { $0 + 1...longest } }
        // Nothing is shorter than nothing, so `<0s` would be empty.
        if text.hasPrefix("<") { return length(text.dropFirst()).flatMap { $0 > 0 ? 0...$0 - 1 : nil } }
        let parts = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false).map { length($0) }
        guard let low = parts.first ?? nil else { return nil }
        // `1h` alone: as long, in whole seconds, as people read it.
        guard parts.count == 2 else { return low...low + 999_999_999 }
        guard let high = parts[1], low <= high else { return nil }
        return low...high
    }

    /// `24h`, `7d`.
    static func length(_ text: Substring) -> Nanoseconds? {
        let seconds: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604_800]
        guard let unit = text.last.flatMap({ seconds[$0] }) else { return nil }
        guard let count = Int64(text.dropLast()), (0...10_000).contains(count) else { return nil }
        return count * unit * 1_000_000_000
    }
}
