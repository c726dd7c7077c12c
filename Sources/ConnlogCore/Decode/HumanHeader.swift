internal import ConnlogSystem

/// The beginning of an entry of slog's human sink: `2025-07-03 06:57:16.157 [info]  coderd: connection_log`.
struct HumanHeader {
    enum Message { case connectionLog, auditLog }

    /// By the entry's timestamp, which is UTC with milliseconds.
    let time: Nanoseconds
    /// As the JSON sink spells it.
    let level: StaticString
    /// The logger's names joined by dots, in quotes where they must be; may be empty.
    let names: Range<Int>
    let message: Message
    /// Where the fields begin.
    let fields: Int

    private static let timestampLength = 23

    /// `nil` if no entry begins at `start`, or one with another message.
    ///
    /// - Parameter bytes: one line, without colours.
    init?(_ bytes: Span<UInt8>, at start: Int) {
        guard HumanHeader.isEntry(bytes, start), let time = HumanHeader.time(bytes, start) else { return nil }
        self.time = time
        var place = start + HumanHeader.timestampLength + 1
        guard let level = HumanHeader.level(bytes, place) else { return nil }
        self.level = level
        place += 6
        while place < bytes.count, bytes[place] == UInt8(ascii: " ") { place += 1 }
        guard let message = HumanHeader.message(bytes, place..<bytes.count) else { return nil }
        self.message = message.message
        names = message.names
        fields = message.end
    }

    /// Whether an entry begins at `place`, whatever its message: `dddd-dd-dd dd:dd:dd.ddd [level]`.
    static func isEntry(_ bytes: Span<UInt8>, _ place: Int) -> Bool {
        guard place + timestampLength + 7 <= bytes.count else { return false }
        return bytes[place + 4] == UInt8(ascii: "-") && bytes[place + 7] == UInt8(ascii: "-")
            && bytes[place + 10] == UInt8(ascii: " ") && bytes[place + 19] == UInt8(ascii: ".")
            && bytes[place + 23] == UInt8(ascii: " ") && bytes[place + 24] == UInt8(ascii: "[")
            && time(bytes, place) != nil && level(bytes, place + timestampLength + 1) != nil
    }

    private static func time(_ bytes: Span<UInt8>, _ place: Int) -> Nanoseconds? {
        EventTime.parseLocal(bytes, place..<(place + timestampLength))
    }

    private static func level(_ bytes: Span<UInt8>, _ place: Int) -> StaticString? {
        if hasPrefix(bytes, at: place, "[info]") { return "INFO" }
        if hasPrefix(bytes, at: place, "[debu]") { return "DEBUG" }
        if hasPrefix(bytes, at: place, "[warn]") { return "WARN" }
        if hasPrefix(bytes, at: place, "[erro]") { return "ERROR" }
        if hasPrefix(bytes, at: place, "[crit]") { return "CRITICAL" }
        if hasPrefix(bytes, at: place, "[fata]") { return "FATAL" }
        return hasPrefix(bytes, at: place, "[unkn]") ? "UNKNOWN" : nil
    }

    /// Names, message and the place after it.
    private static func message(
        _ bytes: Span<UInt8>, _ rest: Range<Int>
    ) -> (names: Range<Int>, message: Message, end: Int)? {
        if let found = message(bytes, at: rest.lowerBound, rest.upperBound) {
            return (rest.lowerBound..<rest.lowerBound, found.message, found.end)
        }
        var place = rest.lowerBound
        // Names that no plain word can hold stand in quotes, with blanks in them perhaps.
        if hasPrefix(bytes, at: place, "\""), let quote = GoQuoted.end(bytes, place, rest.upperBound) {
            place = quote + 1
        }
        while place < rest.upperBound, bytes[place] != UInt8(ascii: " ") { place += 1 }
        guard place > rest.lowerBound, bytes[place - 1] == UInt8(ascii: ":") else { return nil }
        guard let found = message(bytes, at: place + 1, rest.upperBound) else { return nil }
        return (rest.lowerBound..<(place - 1), found.message, found.end)
    }

    private static func message(_ bytes: Span<UInt8>, at place: Int, _ end: Int) -> (message: Message, end: Int)? {
        if place + 14 <= end, hasPrefix(bytes, at: place, "connection_log"), isAlone(bytes, place + 14, end) {
            return (.connectionLog, place + 14)
        }
        if place + 9 <= end, hasPrefix(bytes, at: place, "audit_log"), isAlone(bytes, place + 9, end) {
            return (.auditLog, place + 9)
        }
        return nil
    }

    /// Whether what follows is nothing, the mark of a multi-line value, or a field, and not more of the message.
    private static func isAlone(_ bytes: Span<UInt8>, _ place: Int, _ end: Int) -> Bool {
        var place = place
        guard place < end else { return true }
        guard bytes[place] == UInt8(ascii: " ") else { return false }
        while place < end, bytes[place] == UInt8(ascii: " ") { place += 1 }
        if place == end || (end - place == 3 && equal(bytes, place..<end, "...")) { return true }
        if bytes[place] == UInt8(ascii: "\"") { return true }
        while place < end, bytes[place] != UInt8(ascii: " ") {
            if bytes[place] == UInt8(ascii: "=") { return true }
            place += 1
        }
        return false
    }
}
