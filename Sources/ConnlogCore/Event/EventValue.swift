package import ConnlogSystem

/// Where the text of a value lies in its record.
package struct TextRange: Sendable, Equatable {
    /// The inside of a JSON string, still escaped, or the digits of a number.
    package var range: Range<Int>
    /// There may be a backslash in it, so `JSONText.unescape` must be used for anything but another JSON string.
    package var hasEscapes: Bool

    package init(_ range: Range<Int>, hasEscapes: Bool = false) {
        self.range = range
        self.hasEscapes = hasEscapes
    }
}

extension EventIndex {
    /// The text of a field as it is meant, whatever build of Coder wrote it; nothing is allocated.
    ///
    /// Absent (`nil`) are a missing key, null, the empty string, and what builds write instead of null: `<nil>` and the
    /// nil UUID in addresses and ids, `{... Valid:false}` and `{"Valid": false}`. An address has no mask, and an
    /// IPv4 address inside IPv6 is the IPv4 address. Of `loggerNames` and `fields` it is the whole JSON value.
    @inline(__always)
    package func value(_ field: Field, in record: Span<UInt8>) -> TextRange? {
        let found = self[field]
        switch found.kind {
        case .absent, .null: return nil
        case .number, .bool: return TextRange(found.range)
        case .string, .escapedString:
            guard EventValue.isOrdinary(found.range, isAddress: field == .ip, record) else {
                return oddValue(field, in: record)
            }
            return TextRange(found.range, hasEscapes: found.kind == .escapedString)
        case .array, .object: return oddValue(field, in: record)
        }
    }

    /// The same without the short cut: what builds write for a missing value, or around it.
    @inline(never)
    func oddValue(_ field: Field, in record: Span<UInt8>) -> TextRange? {
        guard let text = reduced(self[field], record) else { return nil }
        switch field {
        case .ip: return EventValue.address(text, record)
        case .code: return EventValue.isNil(text, record) ? nil : text
        case .id, .organizationID, .workspaceOwnerID, .workspaceID, .userID, .connectionID, .requestID:
            return EventValue.isNil(text, record) || EventValue.isNilUUID(text, record) ? nil : text
        default: return text
        }
    }

    /// The value with the wrapping of Go's nullable types taken off.
    private func reduced(_ found: FieldRange, _ record: Span<UInt8>) -> TextRange? {
        switch found.kind {
        case .absent, .null: return nil
        case .string, .escapedString:
            let text = TextRange(found.range, hasEscapes: found.kind == .escapedString)
            return text.range.isEmpty ? nil : EventValue.unwrapped(text, record)
        case .number, .bool, .array: return TextRange(found.range)
        case .object:
            if found == self[.fields] { return TextRange(found.range) }
            return EventValue.inside(found.range, record, depth: 0)
        }
    }

    /// The exit code or HTTP status. `nil` also for what is not a whole number.
    package func code(in record: Span<UInt8>) -> Int? {
        guard let text = value(.code, in: record) else { return nil }
        return EventValue.integer(record, text.range)
    }

    /// When it happened, by the clock of whoever reported it.
    package func time(in record: Span<UInt8>) -> Nanoseconds? { time(.time, record) }

    /// When coderd wrote the line.
    package func entryTime(in record: Span<UInt8>) -> Nanoseconds? { time(.ts, record) }

    private func time(_ field: Field, _ record: Span<UInt8>) -> Nanoseconds? {
        guard let text = value(field, in: record) else { return nil }
        guard text.hasEscapes else { return EventTime.parse(record, text.range) }
        let plain = JSONText.unescaped(record, text.range)
        return EventTime.parse(plain.span, 0..<plain.count)
    }

    package func status(in record: Span<UInt8>) -> ConnectionStatus? {
        guard let text = value(.connectionStatus, in: record) else { return nil }
        if equal(record, text.range, "connected") { return .connected }
        return equal(record, text.range, "disconnected") ? .disconnected : nil
    }

    /// The type, or the one that follows from method and app; an IDE's own name counts as its family.
    package func connectionType(in record: Span<UInt8>) -> ConnectionType {
        if let type = value(.type, in: record) { return ConnectionType(record, type.range) }
        guard let method = value(.connectionMethod, in: record) else { return .other }
        return ConnectionType(method: method.range, app: value(.appNameOrPort, in: record)?.range, in: record)
    }

    package func connectionMethod(in record: Span<UInt8>) -> ConnectionMethod {
        ConnectionMethod(connectionType(in: record))
    }

    /// The type as the event writes it, else the method.
    package func typeText(in record: Span<UInt8>) -> TextRange? {
        value(.type, in: record) ?? value(.connectionMethod, in: record)
    }

    /// What was opened: an app's slug or a port. Absent for connections that an agent reports.
    package func slugOrPort(in record: Span<UInt8>) -> TextRange? {
        slugOrPort(connectionType(in: record), in: record)
    }

    /// The same, for whoever has found the type already.
    package func slugOrPort(_ type: ConnectionType, in record: Span<UInt8>) -> TextRange? {
        value(.slugOrPort, in: record) ?? (type.isWeb ? value(.appNameOrPort, in: record) : nil)
    }

    /// The app's slug, `terminal` for a terminal.
    package func slug(in record: Span<UInt8>) -> TextRange? {
        let type = connectionType(in: record)
        return type == .portForwarding ? nil : slugOrPort(type, in: record)
    }

    /// The forwarded port.
    package func port(in record: Span<UInt8>) -> TextRange? {
        let type = connectionType(in: record)
        return type == .portForwarding ? slugOrPort(type, in: record) : nil
    }

    /// The client's app (`vscode`, `cursor`), of SSH and terminal connections only.
    ///
    /// In older builds the type is the app where it is not one of the plain methods.
    package func app(in record: Span<UInt8>) -> TextRange? {
        guard let type = value(.type, in: record) else {
            return connectionType(in: record).isWeb ? nil : value(.appNameOrPort, in: record)
        }
        switch ConnectionType.known(record, type.range) {
        case .vscode, .jetbrains, nil: return type
        default: return nil
        }
    }
}

/// The ways in which builds of Coder have written a value or its absence.
enum EventValue {
    /// Whether the text of a string means itself: most do, and one look at its first byte tells, so that the encoders
    /// need not compare each of an event's twenty values with all the ways in which builds write none.
    ///
    /// What stands for no value begins with `{`, `<`, a backslash or two zeros; only an address has more: a mask, or a colon
    /// first.
    @inline(__always)
    static func isOrdinary(_ range: Range<Int>, isAddress: Bool, _ record: Span<UInt8>) -> Bool {
        guard !range.isEmpty else { return false }
        switch record[range.lowerBound] {
        case UInt8(ascii: "{"), UInt8(ascii: "<"), UInt8(ascii: "\\"): return false
        case UInt8(ascii: "0") where range.count > 1 && record[range.lowerBound + 1] == UInt8(ascii: "0"): return false
        case UInt8(ascii: ":"): return !isAddress
        default: break
        }
        guard isAddress else { return true }
        // `/32` and `/128` are the masks that are taken off.
        let end = range.upperBound
        if range.count >= 3, record[end - 3] == UInt8(ascii: "/") { return false }
        return range.count < 4 || record[end - 4] != UInt8(ascii: "/")
    }

    /// `{String:x Valid:true}` and its like as `x`; other text as it is. `nil` for `Valid:false`.
    static func unwrapped(_ text: TextRange, _ record: Span<UInt8>) -> TextRange? {
        let range = text.range
        guard range.count > 12, record[range.lowerBound] == UInt8(ascii: "{") else { return text }
        if hasSuffix(record, range, " Valid:false}") { return isStruct(record, range) ? nil : text }
        guard hasSuffix(record, range, " Valid:true}"), isStruct(record, range) else { return text }
        var start = range.lowerBound
        while record[start] != UInt8(ascii: ":") { start += 1 }
        var inner = (start + 1)..<max(start + 1, range.upperBound - " Valid:true}".utf8.count)
        if ConnlogCore.hasPrefix(record, at: inner.lowerBound, "{IP:") {
            var end = inner.lowerBound + 4
            while end < inner.upperBound, record[end] != UInt8(ascii: " ") { end += 1 }
            inner = (inner.lowerBound + 4)..<end
        }
        return inner.isEmpty ? nil : TextRange(inner, hasEscapes: text.hasEscapes)
    }

    /// Whether the text begins as Go prints a nullable value.
    private static func isStruct(_ record: Span<UInt8>, _ range: Range<Int>) -> Bool {
        let place = range.lowerBound
        return ConnlogCore.hasPrefix(record, at: place, "{String:")
            || ConnlogCore.hasPrefix(record, at: place, "{Int32:")
            || ConnlogCore.hasPrefix(record, at: place, "{Int64:")
            || ConnlogCore.hasPrefix(record, at: place, "{UUID:")
            || ConnlogCore.hasPrefix(record, at: place, "{IPNet:")
            || ConnlogCore.hasPrefix(record, at: place, "{Time:")
    }

    /// The value inside `{"String": "x", "Valid": true}` and its like; `nil` when it is not valid or not such.
    static func inside(_ object: Range<Int>, _ record: Span<UInt8>, depth: Int) -> TextRange? {
        var members = JSONMembers(record, object)
        var found: FieldRange?
        while let member = members.next() {
            if equal(record, member.key, "Valid") {
                if equal(record, member.value.range, "false") { return nil }
            } else if found == nil, !equal(record, member.key, "Mask") {
                found = member.value
            }
        }
        guard let found else { return nil }
        switch found.kind {
        case .string, .escapedString:
            return found.range.isEmpty ? nil : TextRange(found.range, hasEscapes: found.kind == .escapedString)
        case .number, .bool: return TextRange(found.range)
        case .object: return depth == 0 ? inside(found.range, record, depth: 1) : nil
        default: return nil
        }
    }

    /// `<nil>`, plain or as a JSON encoder escapes it.
    static func isNil(_ text: TextRange, _ record: Span<UInt8>) -> Bool {
        if equal(record, text.range, "<nil>") || equal(record, text.range, "\\u003cnil\\u003e") { return true }
        return equal(record, text.range, "\\u003Cnil\\u003E")
    }

    static func isNilUUID(_ text: TextRange, _ record: Span<UInt8>) -> Bool {
        equal(record, text.range, "00000000-0000-0000-0000-000000000000")
    }

    /// An address without mask; IPv4 inside IPv6 as IPv4. What is no address stays as it is.
    static func address(_ text: TextRange, _ record: Span<UInt8>) -> TextRange? {
        if isNil(text, record) { return nil }
        var range = text.range
        if hasSuffix(record, range, "/128") {
            range = range.lowerBound..<(range.upperBound - 4)
        } else if hasSuffix(record, range, "/32"), !contains(record, range, UInt8(ascii: ":")) {
            range = range.lowerBound..<(range.upperBound - 3)
        }
        let isMapped = range.count > 7 && equal(record, range.lowerBound..<(range.lowerBound + 2), "::")
        if isMapped, isMappedPrefix(record, range.lowerBound + 2), contains(record, range, UInt8(ascii: ".")) {
            range = (range.lowerBound + 7)..<range.upperBound
            // The mask of a mapped address counts from the IPv6 address or from the IPv4 address.
            if hasSuffix(record, range, "/32") { range = range.lowerBound..<(range.upperBound - 3) }
        }
        return range.isEmpty ? nil : TextRange(range, hasEscapes: text.hasEscapes)
    }

    private static func isMappedPrefix(_ record: Span<UInt8>, _ start: Int) -> Bool {
        for place in start..<(start + 4) where record[place] | 0x20 != UInt8(ascii: "f") { return false }
        return record[start + 4] == UInt8(ascii: ":")
    }

    /// A whole number of at most 18 digits; also one with a fraction of zeros.
    static func integer(_ record: Span<UInt8>, _ range: Range<Int>) -> Int? {
        var place = range.lowerBound
        let isNegative = place < range.upperBound && record[place] == UInt8(ascii: "-")
        if isNegative { place += 1 }
        let first = place
        var value = 0
        while place < range.upperBound, record[place] &- 0x30 < 10, place - first < 18 {
            value = value * 10 + Int(record[place] &- 0x30)
            place += 1
        }
        guard place > first else { return nil }
        if place + 1 < range.upperBound, record[place] == UInt8(ascii: ".") {
            place += 1
            while place < range.upperBound, record[place] == UInt8(ascii: "0") { place += 1 }
        }
        guard place == range.upperBound else { return nil }
        return isNegative ? -value : value
    }

    private static func hasSuffix(_ record: Span<UInt8>, _ range: Range<Int>, _ text: StaticString) -> Bool {
        let length = text.utf8CodeUnitCount
        return range.count >= length && equal(record, (range.upperBound - length)..<range.upperBound, text)
    }

    private static func contains(_ record: Span<UInt8>, _ range: Range<Int>, _ byte: UInt8) -> Bool {
        for place in range where record[place] == byte { return true }
        return false
    }
}
