internal import ConnlogSystem

/// A connection event of slog's human sink, turned into the line that the JSON sink would have written.
///
///     2025-07-03 06:57:16.157 [info]  coderd: connection_log  ID=f024...  Code=200  UserID=<nil> ...
///         DisconnectReason= first line
///                           second line
///
/// Fields keep their order; a value of several lines comes last, as it stands. What cannot be told from the text is
/// absent: the caller, and whether an unknown field was a number.
struct HumanEntry {
    /// Four blanks begin each line of an entry but its first.
    static let indentation = 4

    private let header: HumanHeader
    private var plain = ByteBuffer()
    private var hasFields = false
    /// Which of the event's own fields there were.
    private var written: UInt32 = 0

    init(_ header: HumanHeader) { self.header = header }

    /// Appends the JSON line.
    ///
    /// - Parameter text: the entry's lines with line feeds between them, without colours and without what a tool has put in
    ///   front of each.
    /// - Returns: what is wrong with it; `out` then holds a part of it.
    mutating func convert(_ text: Span<UInt8>, into out: inout ByteBuffer) -> LineFault? {
        writeHead(text, into: &out)
        let firstEnd = firstIndex(of: 0x0a, in: text, 0..<text.count) ?? text.count
        let isOpen = HumanEntry.isOpen(text, 0..<firstEnd)
        var place = header.fields
        let end = isOpen ? firstEnd - 4 : firstEnd
        while let next = skipBlanks(text, place, end) {
            guard let field = HumanField(text, next, end) else { return LineFault(.badHumanLine, at: next) }
            guard write(field, text, into: &out) else { return LineFault(.badHumanLine, at: next) }
            place = field.end
        }
        if isOpen, firstEnd < text.count {
            guard writeBlock(text, firstEnd + 1, into: &out) else { return LineFault(.badHumanLine, at: firstEnd) }
        }
        out.append(hasFields ? "}}" : ",\"fields\":{}}")
        return nil
    }

    /// Whether a first line says that a value of several lines follows.
    static func isOpen(_ bytes: Span<UInt8>, _ line: Range<Int>) -> Bool {
        line.count >= 4 && equal(bytes, (line.upperBound - 4)..<line.upperBound, " ...")
    }

    private mutating func writeHead(_ text: Span<UInt8>, into out: inout ByteBuffer) {
        let time = header.time
        let level = header.level
        out.withWriter(reserving: 96) { writer in
            writer.append("{\"ts\":\"")
            EventTime.write(time, into: &writer)
            writer.append("\",\"level\":\"")
            writer.append(level)
            writer.append("\",\"msg\":\"connection_log\"")
        }
        if !header.names.isEmpty { writeNames(text, into: &out) }
    }

    private mutating func writeNames(_ text: Span<UInt8>, into out: inout ByteBuffer) {
        let names = header.names
        plain.removeAll()
        let inside = names.lowerBound + 1..<max(names.lowerBound + 1, names.upperBound - 1)
        let isQuoted =
            text[names.lowerBound] == UInt8(ascii: "\"")
            && GoQuoted.end(text, names.lowerBound, names.upperBound) == inside.upperBound
        if !isQuoted || !GoQuoted.unquote(text, inside, into: &plain) {
            plain.removeAll()
            plain.append(text.extracting(names))
        }
        out.append(",\"logger_names\":[\"")
        var start = 0
        for place in 0..<plain.count where plain[place] == UInt8(ascii: ".") {
            JSONText.escape(plain.span, start..<place, into: &out)
            out.append("\",\"")
            start = place + 1
        }
        JSONText.escape(plain.span, start..<plain.count, into: &out)
        out.append("\"]")
    }

    private func skipBlanks(_ text: Span<UInt8>, _ place: Int, _ end: Int) -> Int? {
        var place = place
        while place < end, text[place] == UInt8(ascii: " ") || text[place] == 0x0d { place += 1 }
        return place < end ? place : nil
    }

    /// A field of the first line.
    private mutating func write(_ field: HumanField, _ text: Span<UInt8>, into out: inout ByteBuffer) -> Bool {
        guard isNew(field, text), writeKey(field, text, into: &out) else { return false }
        let value = field.value
        guard field.isQuoted else {
            writeRaw(field, text, into: &out)
            return true
        }
        plain.removeAll()
        guard GoQuoted.unquote(text, value, into: &plain) else { return false }
        out.append("\"")
        if equal(text, field.key, "Time"), let time = EventTime.parse(plain.span, 0..<plain.count) {
            out.withWriter(reserving: EventTime.textMax) { EventTime.write(time, into: &$0) }
        } else {
            JSONText.escape(plain.span, 0..<plain.count, into: &out)
        }
        out.append("\"")
        return true
    }

    /// An event has each of its fields once. One that has a field twice is two that ran together, and text that stood in the
    /// quotes of the one may stand outside of those of the other.
    private mutating func isNew(_ field: HumanField, _ text: Span<UInt8>) -> Bool {
        guard let number = HumanEntry.number(text, field.key) else { return true }
        let bit: UInt32 = 1 << number
        defer { written |= bit }
        return written & bit == 0
    }

    private static func number(_ text: Span<UInt8>, _ key: Range<Int>) -> UInt32? {
        switch key.count {
        case 2: equal(text, key, "ID") ? 0 : equal(text, key, "Ip") || equal(text, key, "IP") ? 1 : nil
        case 4: equal(text, key, "Type") ? 2 : equal(text, key, "Code") ? 3 : equal(text, key, "Time") ? 4 : nil
        case 6: equal(text, key, "UserID") ? 5 : nil
        case 9: equal(text, key, "UserAgent") ? 6 : equal(text, key, "AgentName") ? 7 : nil
        case 10: equal(text, key, "SlugOrPort") ? 8 : nil
        case 11: equal(text, key, "WorkspaceID") ? 9 : nil
        case 12: equal(text, key, "ConnectionID") ? 10 : nil
        case 13: equal(text, key, "WorkspaceName") ? 11 : nil
        case 14: equal(text, key, "OrganizationID") ? 12 : nil
        case 16:
            equal(text, key, "WorkspaceOwnerID")
                ? 13 : equal(text, key, "DisconnectReason") ? 14 : equal(text, key, "ConnectionStatus") ? 15 : nil
        default: nil
        }
    }

    private mutating func writeKey(_ field: HumanField, _ text: Span<UInt8>, into out: inout ByteBuffer) -> Bool {
        // With a span active its two ids come before all fields, and the JSON sink has them outside of `fields`.
        let isOfEntry = !hasFields && (equal(text, field.key, "trace") || equal(text, field.key, "span"))
        if isOfEntry || hasFields {
            out.append(",\"")
        } else {
            out.append(",\"fields\":{\"")
            hasFields = true
        }
        if field.keyIsQuoted {
            plain.removeAll()
            guard GoQuoted.unquote(text, field.key, into: &plain) else { return false }
            JSONText.escape(plain.span, 0..<plain.count, into: &out)
        } else {
            JSONText.escape(text, field.key, into: &out)
        }
        out.append("\":")
        return true
    }

    /// A value without quotes: a number or null where the field is one, else text.
    private func writeRaw(_ field: HumanField, _ text: Span<UInt8>, into out: inout ByteBuffer) {
        let isCode = equal(text, field.key, "Code")
        let isNullable = isCode || equal(text, field.key, "UserID") || equal(text, field.key, "ConnectionID")
        if isNullable, equal(text, field.value, "<nil>") {
            out.append("null")
        } else if isCode, isWholeNumber(text, field.value) {
            out.append(text.extracting(field.value))
        } else {
            out.append("\"")
            JSONText.escape(text, field.value, into: &out)
            out.append("\"")
        }
    }

    /// Whether it is a number in JSON too: no leading zeros.
    private func isWholeNumber(_ text: Span<UInt8>, _ range: Range<Int>) -> Bool {
        var place = range.lowerBound
        if place < range.upperBound, text[place] == UInt8(ascii: "-") { place += 1 }
        let count = range.upperBound - place
        guard count > 0, count < 19, count == 1 || text[place] != UInt8(ascii: "0") else { return false }
        for digit in place..<range.upperBound where text[digit] &- 0x30 > 9 { return false }
        return true
    }

    /// The field of several lines: `key= first`, and the others under it.
    private mutating func writeBlock(_ text: Span<UInt8>, _ start: Int, into out: inout ByteBuffer) -> Bool {
        guard let margin = HumanEntry.margin(text, start, text.count) else { return false }
        var place = start + margin
        let keyStart = place
        let isQuoted = hasPrefix(text, at: place, "\"")
        if isQuoted {
            let lineEnd = firstIndex(of: 0x0a, in: text, place..<text.count) ?? text.count
            guard let quote = GoQuoted.end(text, place, lineEnd) else { return false }
            place = quote + 1
        } else {
            while place < text.count, text[place] != UInt8(ascii: "="), text[place] != 0x0a { place += 1 }
        }
        guard place > keyStart, hasPrefix(text, at: place, "=") else { return false }
        let column = place - keyStart + 2
        let key = HumanField(key: isQuoted ? keyStart + 1..<place - 1 : keyStart..<place, isQuoted: isQuoted)
        guard writeKey(key, text, into: &out) else { return false }
        out.append("\"")
        place += hasPrefix(text, at: place, "= ") ? 2 : 1
        var lineEnd = firstIndex(of: 0x0a, in: text, place..<text.count) ?? text.count
        JSONText.escape(text, place..<lineEnd, into: &out)
        let last = HumanEntry.endOfText(text)
        while lineEnd < last {
            let next = lineEnd + 1
            lineEnd = firstIndex(of: 0x0a, in: text, next..<text.count) ?? text.count
            out.append("\\n")
            JSONText.escape(text, unindented(text, next, lineEnd, column)..<lineEnd, into: &out)
        }
        out.append("\"")
        return true
    }

    /// Where a further line of the value begins, after what aligns it.
    private func unindented(_ text: Span<UInt8>, _ start: Int, _ end: Int, _ column: Int) -> Int {
        guard let margin = HumanEntry.margin(text, start, end) else { return start }
        var place = start + margin
        let bound = min(end, place + column)
        while place < bound, text[place] == UInt8(ascii: " ") { place += 1 }
        return place
    }

    /// The end without the blank lines at the end.
    private static func endOfText(_ text: Span<UInt8>) -> Int {
        var end = text.count
        while end > 0, text[end - 1] == 0x0a { end -= 1 }
        return end
    }

    /// How many bytes in front of a continuation line are not its own. `nil` if the line does not continue an entry.
    static func margin(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> Int? {
        isIndented(bytes, start, end) ? indentation : nil
    }

    static func isIndented(_ bytes: Span<UInt8>, _ place: Int, _ end: Int) -> Bool {
        place + indentation <= end && hasPrefix(bytes, at: place, "    ")
    }
}

/// `key=value` in a human line.
struct HumanField {
    /// Without quotes.
    let key: Range<Int>
    let keyIsQuoted: Bool
    /// Without quotes.
    let value: Range<Int>
    let isQuoted: Bool
    /// After the value.
    let end: Int

    init(key: Range<Int>, isQuoted keyIsQuoted: Bool) {
        self.key = key
        self.keyIsQuoted = keyIsQuoted
        value = key.upperBound..<key.upperBound
        isQuoted = false
        end = key.upperBound
    }

    /// `nil` if no field begins at `start`.
    init?(_ text: Span<UInt8>, _ start: Int, _ end: Int) {
        var place = start
        keyIsQuoted = text[start] == UInt8(ascii: "\"")
        if keyIsQuoted {
            guard let quote = GoQuoted.end(text, start, end) else { return nil }
            key = (start + 1)..<quote
            place = quote + 1
        } else {
            while place < end, text[place] != UInt8(ascii: "="), text[place] != UInt8(ascii: " ") { place += 1 }
            key = start..<place
        }
        guard place < end, text[place] == UInt8(ascii: "=") else { return nil }
        place += 1
        isQuoted = place < end && text[place] == UInt8(ascii: "\"")
        if isQuoted {
            guard let quote = GoQuoted.end(text, place, end) else { return nil }
            guard quote + 1 >= end || text[quote + 1] == UInt8(ascii: " ") || text[quote + 1] == 0x0d else {
                return nil
            }
            value = (place + 1)..<quote
            self.end = quote + 1
        } else {
            let valueEnd = HumanField.rawEnd(text, place, end)
            value = place..<valueEnd
            self.end = valueEnd
        }
    }

    /// A raw value goes to the next blank; a struct or map may hold blanks between its brackets.
    private static func rawEnd(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Int {
        if start < end, text[start] == UInt8(ascii: "{") || text[start] == UInt8(ascii: "["),
            let close = closingBracket(text, start, end)
        {
            return close + 1
        }
        var place = start
        while place < end, text[place] != UInt8(ascii: " "), text[place] != 0x0d { place += 1 }
        return place
    }

    /// Whether a raw value is read to its end and no further, whatever follows it.
    static func endsWhereItEnds(_ text: Span<UInt8>, _ value: Range<Int>) -> Bool {
        guard !value.isEmpty else { return true }
        let first = text[value.lowerBound]
        guard first == UInt8(ascii: "{") || first == UInt8(ascii: "[") else { return true }
        return closingBracket(text, value.lowerBound, value.upperBound) == value.upperBound - 1
    }

    private static func closingBracket(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Int? {
        var depth = 0
        var place = start
        while place < end {
            switch text[place] {
            case UInt8(ascii: "\""):
                guard let quote = GoQuoted.end(text, place, end) else { return nil }
                place = quote
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                if depth == 0 { return place }
            default: break
            }
            place += 1
        }
        return nil
    }
}
