public import ConnlogSystem

/// Writes events as the lines of slog's human sink, byte for byte.
///
///     2026-03-03 05:12:02.500 [info]  coderd: connection_log  request_id=...  ID=...  Code=500  DisconnectReason="a b"
///
/// The time is `ts` in UTC, milliseconds cut off. Fields keep the record's order, two blanks before each, those of a
/// span first. Null is `<nil>`; a string stands plainly unless it is empty, has white space, or has something that Go's
/// `strconv.Quote` would escape. The first string of several lines leaves the line for a block below it:
///
///     ...  ConnectionStatus=disconnected ...
///         DisconnectReason= ssh: handshake failed
///                           read tcp: reset
public struct HumanEncoder: EventEncoder, Sendable {
    /// How slog writes the field `Time`, which depends on its version.
    public enum TimeStyle: Sendable {
        /// From slog 3.0.0 on: `"2025-07-03 06:57:16.144719 +0000 UTC"`.
        case goString
        /// Before: `"2025-07-03T06:57:16.144719Z"`.
        case rfc3339
    }

    private let timeStyle: TimeStyle
    private var scanner = EventScanner()
    private var scratch = ByteBuffer()

    /// - Parameter timeStyle: how times are written.
    public init(_ timeStyle: TimeStyle = .goString) {
        self.timeStyle = timeStyle
    }

    /// Appends the record, encoded, without a line end: see `EventEncoder`.
    /// - Returns: `false`, and nothing is appended, for a record that is no connection event.
    public mutating func append(_ record: Span<UInt8>, to output: inout ByteBuffer) -> Bool {
        var fields = EventFields()
        guard scanner.takes(record, into: &fields) else { return false }
        return append(record, fields.index, to: &output)
    }

    /// The same for a record whose fields are known already.
    public mutating func append(_ record: Span<UInt8>, _ index: EventIndex, to output: inout ByteBuffer) -> Bool {
        let fields = index[.fields].range
        let block = firstOfSeveralLines(record, fields)
        // An empty key with a null takes 8 bytes in the record and, as `  ""=<nil>`, 10 in the line.
        let room = 256 + record.count * (GoText.growthMax + 2)
        output.withWriter(reserving: room) { writer in
            heading(index, record, &writer)
            if index[.trace].kind != .absent { field("trace", index[.trace], record, &writer) }
            if index[.span].kind != .absent { field("span", index[.span], record, &writer) }
            var members = JSONMembers(record, fields)
            while let member = members.next() {
                if member.value.start != block?.value.start { field(member, record, &writer) }
            }
        }
        if let block { append(block, record, &output) }
        return true
    }

    // MARK: Before the fields

    private mutating func heading(_ index: EventIndex, _ record: Span<UInt8>, _ writer: inout ByteWriter) {
        if let time = index.entryTime(in: record) ?? index.time(in: record) {
            EventTime.writeHuman(time, into: &writer)
        } else {
            writer.append("0001-01-01 00:00:00.000")
        }
        writer.append(" [")
        writer.append(level(index, record))
        writer.append("]  ")
        loggerNames(index, record, &writer)
        writer.append("connection_log")
    }

    private func level(_ index: EventIndex, _ record: Span<UInt8>) -> StaticString {
        let range = index[.level].range
        if equal(record, range, "INFO") { return "info" }
        if equal(record, range, "DEBUG") { return "debu" }
        if equal(record, range, "WARN") { return "warn" }
        if equal(record, range, "ERROR") { return "erro" }
        if equal(record, range, "CRITICAL") { return "crit" }
        return equal(record, range, "FATAL") ? "fata" : "unkn"
    }

    /// `a.b: ` of `["a","b"]`.
    private mutating func loggerNames(_ index: EventIndex, _ record: Span<UInt8>, _ writer: inout ByteWriter) {
        guard index[.loggerNames].kind == .array else { return }
        let array = index[.loggerNames].range
        scratch.removeAll()
        var isFirst = true
        var place = array.lowerBound
        while let opening = firstIndex(of: UInt8(ascii: "\""), in: record, place..<array.upperBound) {
            let end = closingQuote(record, opening + 1, array.upperBound)
            if !isFirst { scratch.append(UInt8(ascii: ".")) }
            isFirst = false
            JSONText.unescape(record, (opening + 1)..<end, into: &scratch)
            place = min(end + 1, array.upperBound)
        }
        if isFirst { return }
        writeScratchAsKey(&writer)
        writer.append(": ")
    }

    private func closingQuote(_ record: Span<UInt8>, _ start: Int, _ end: Int) -> Int {
        var place = start
        while place < end, record[place] != UInt8(ascii: "\"") {
            place += record[place] == UInt8(ascii: "\\") ? 2 : 1
        }
        return min(place, end)
    }

    // MARK: Fields

    private mutating func field(
        _ name: StaticString, _ value: FieldRange, _ record: Span<UInt8>, _ writer: inout ByteWriter
    ) {
        writer.append("  ")
        writer.append(name)
        writer.append(UInt8(ascii: "="))
        self.value(value, record, &writer)
    }

    private mutating func field(_ member: JSONMembers.Member, _ record: Span<UInt8>, _ writer: inout ByteWriter) {
        writer.append("  ")
        key(member, record, &writer)
        writer.append(UInt8(ascii: "="))
        if equal(record, member.key, "Time"), timeField(member.value, record, &writer) { return }
        value(member.value, record, &writer)
    }

    private mutating func key(_ member: JSONMembers.Member, _ record: Span<UInt8>, _ writer: inout ByteWriter) {
        scratch.removeAll()
        JSONText.unescape(record, member.key, into: &scratch)
        writeScratchAsKey(&writer)
    }

    /// Blanks become `_`. A key with `=` in it is quoted, which slog does not do: nobody could read its line again.
    private mutating func writeScratchAsKey(_ writer: inout ByteWriter) {
        if firstIndex(of: UInt8(ascii: " "), in: scratch.span, 0..<scratch.count) != nil {
            scratch = ByteBuffer(scratch.array.map { $0 == UInt8(ascii: " ") ? UInt8(ascii: "_") : $0 })
        }
        if firstIndex(of: UInt8(ascii: "="), in: scratch.span, 0..<scratch.count) != nil {
            GoText.quote(scratch.span, 0..<scratch.count, into: &writer)
        } else {
            GoText.write(scratch.span, 0..<scratch.count, into: &writer)
        }
    }

    private mutating func value(_ value: FieldRange, _ record: Span<UInt8>, _ writer: inout ByteWriter) {
        switch value.kind {
        case .absent, .null: writer.append("<nil>")
        case .number, .bool: GoText.copy(record, value.range, into: &writer)
        case .string: text(record, value.range, &writer)
        case .escapedString:
            scratch.removeAll()
            JSONText.unescape(record, value.range, into: &scratch)
            text(scratch.span, 0..<scratch.count, &writer)
        case .object, .array:
            // Blanks between JSON's tokens may be line breaks; inside strings there are none.
            for place in value.range { writer.append(record[place] < 0x20 ? UInt8(ascii: " ") : record[place]) }
        }
    }

    /// A bracket that nothing closes is quoted, which slog does not do: a reader would look for its end after the value.
    private func text(_ bytes: Span<UInt8>, _ range: Range<Int>, _ writer: inout ByteWriter) {
        if HumanField.endsWhereItEnds(bytes, range) {
            GoText.write(bytes, range, into: &writer)
        } else {
            GoText.quote(bytes, range, into: &writer)
        }
    }

    private mutating func timeField(
        _ value: FieldRange, _ record: Span<UInt8>, _ writer: inout ByteWriter
    ) -> Bool {
        switch value.kind {
        case .string: return time(value.range, record, &writer)
        case .escapedString:
            scratch.removeAll()
            JSONText.unescape(record, value.range, into: &scratch)
            return time(0..<scratch.count, scratch.span, &writer)
        default: return false
        }
    }

    /// Writes an RFC 3339 time in the chosen style; says whether it is one.
    private func time(_ range: Range<Int>, _ record: Span<UInt8>, _ writer: inout ByteWriter) -> Bool {
        let start = range.lowerBound
        guard range.count >= 20, record[start + 4] == UInt8(ascii: "-"), record[start + 10] == UInt8(ascii: "T"),
            record[start + 13] == UInt8(ascii: ":"), record[start + 16] == UInt8(ascii: ":")
        else { return false }
        let isUTC = record[range.upperBound - 1] == UInt8(ascii: "Z")
        let zone = range.upperBound - (isUTC ? 1 : 6)
        guard zone >= start + 19, isUTC || record[zone + 3] == UInt8(ascii: ":") else { return false }
        guard isDigits(record, start..<range.upperBound - (isUTC ? 1 : 0), zone) else { return false }
        writer.append(UInt8(ascii: "\""))
        if timeStyle == .rfc3339 {
            GoText.copy(record, range, into: &writer)
        } else {
            goTime(start, zone, isUTC, record, &writer)
        }
        writer.append(UInt8(ascii: "\""))
        return true
    }

    /// Whether there are digits everywhere but at the separators, of which those before the fraction were looked at.
    private func isDigits(_ record: Span<UInt8>, _ range: Range<Int>, _ zone: Int) -> Bool {
        let start = range.lowerBound
        for place in range where record[place] &- UInt8(ascii: "0") > 9 {
            switch place - start {
            case 4, 7, 10, 13, 16: continue
            case 19 where place < zone && record[place] == UInt8(ascii: "."): continue
            default: if place != zone, place != zone + 3 { return false }
            }
        }
        return record[start + 7] == UInt8(ascii: "-")
    }

    private func goTime(
        _ start: Int, _ zone: Int, _ isUTC: Bool, _ record: Span<UInt8>, _ writer: inout ByteWriter
    ) {
        GoText.copy(record, start..<(start + 10), into: &writer)
        writer.append(UInt8(ascii: " "))
        var end = zone
        if end > start + 19 {
            while record[end - 1] == UInt8(ascii: "0") { end -= 1 }
            if record[end - 1] == UInt8(ascii: ".") { end -= 1 }
        }
        GoText.copy(record, (start + 11)..<end, into: &writer)
        if isUTC { return writer.append(" +0000 UTC") }
        for _ in 0..<2 {
            writer.append(UInt8(ascii: " "))
            GoText.copy(record, zone..<(zone + 3), into: &writer)
            GoText.copy(record, (zone + 4)..<(zone + 6), into: &writer)
        }
    }

    // MARK: The block below the line

    /// The first string with a line break in it, white space around it left aside.
    private mutating func firstOfSeveralLines(_ record: Span<UInt8>, _ fields: Range<Int>) -> JSONMembers.Member? {
        var members = JSONMembers(record, fields)
        while let member = members.next() {
            guard member.value.kind == .escapedString else { continue }
            scratch.removeAll()
            JSONText.unescape(record, member.value.range, into: &scratch)
            let lines = trimmed(scratch)
            if firstIndex(of: UInt8(ascii: "\n"), in: scratch.span, lines) != nil { return member }
        }
        return nil
    }

    private mutating func append(_ block: JSONMembers.Member, _ record: Span<UInt8>, _ output: inout ByteBuffer) {
        output.append(" ...\n    ")
        let keyStart = output.count
        output.withWriter(reserving: 2 + block.key.count * GoText.growthMax) { key(block, record, &$0) }
        let indent = 4 + (output.count - keyStart) + 2
        output.append("= ")
        scratch.removeAll()
        JSONText.unescape(record, block.value.range, into: &scratch)
        let lines = trimmed(scratch)
        var place = lines.lowerBound
        while true {
            let end = firstIndex(of: UInt8(ascii: "\n"), in: scratch.span, place..<lines.upperBound) ?? lines.upperBound
            output.append(scratch.span(place..<end))
            if end == lines.upperBound { return }
            place = end + 1
            let isEmpty = place == lines.upperBound || scratch[place] == UInt8(ascii: "\n")
            output.append("\n")
            for _ in 0..<(isEmpty ? 4 : indent) { output.append(UInt8(ascii: " ")) }
        }
    }

    /// Without white space at either end.
    private func trimmed(_ text: borrowing ByteBuffer) -> Range<Int> {
        var start = 0
        var end = text.count
        while start < end, let length = blankLength(text, at: start, end) { start += length }
        while start < end {
            var last = end - 1
            while last > start, text[last] & 0xc0 == 0x80 { last -= 1 }
            guard blankLength(text, at: last, end) == end - last else { break }
            end = last
        }
        return start..<end
    }

    private func blankLength(_ text: borrowing ByteBuffer, at place: Int, _ end: Int) -> Int? {
        let length = UTF8Text.characterLength(text.span, place, end)
        guard length > 0, let scalar = Unicode.Scalar(UTF8Text.scalar(text.span, place, length)) else { return nil }
        return scalar.properties.isWhitespace ? length : nil
    }
}
