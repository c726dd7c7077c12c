internal import ConnlogSystem

/// From a line to a payload.
extension RecordCodec {
    /// Appends the payload of one line.
    /// - Parameter index: what the scanner has found in it.
    mutating func encode(_ line: Span<UInt8>, _ index: EventIndex, into payload: inout ByteBuffer) {
        if compact(line, index, into: &payload) { return }
        if let found = orderOf(line, index), found != order {
            order = found
            orderNumber = UInt8(known.orders.firstIndex(of: found) ?? 0)
            if compact(line, index, into: &payload) { return }
        }
        RecordCodec.appendAsItIs(line, to: &payload)
    }

    /// No event begins with one of our marks, but whatever is put in must come out.
    static func appendAsItIs(_ line: Span<UInt8>, to payload: inout ByteBuffer) {
        if line.count > 0, line[0] == version || line[0] == verbatim { payload.append(verbatim) }
        payload.append(line)
    }

    private func compact(_ line: Span<UInt8>, _ index: EventIndex, into payload: inout ByteBuffer) -> Bool {
        let start = payload.count
        var isCompact = false
        // A value takes its bytes and at most five more; packing may write a little past what it keeps.
        payload.withWriter(reserving: line.count + 6 * order.count + 64) { writer in
            writer.append(RecordCodec.version)
            writer.append(orderNumber)
            if orderNumber == 0 {
                writer.append(UInt8(order.count))
                writer.append(order.span)
            }
            writer.append(littleEndian: UInt32(line.count))
            isCompact = values(line, index, &writer)
        }
        // What is no smaller is not worth the way back.
        if !isCompact || payload.count - start >= line.count {
            payload.truncate(to: start)
            return false
        }
        return true
    }

    /// Goes over the line, key by key.
    private func values(_ line: Span<UInt8>, _ index: EventIndex, _ writer: inout ByteWriter) -> Bool {
        var at = 0
        var opener = UInt8(ascii: "{")
        for place in order.indices {
            let number = order[place]
            if number == RecordKeys.close {
                guard at < line.count, line[at] == UInt8(ascii: "}") else { return false }
                at &+= 1
                guard index[.fields].range.upperBound == at else { return false }
                opener = UInt8(ascii: ",")
                continue
            }
            // The key is looked at where it lies: it is too large to be copied for each value.
            let place = Int(number)
            guard stands(place, opener, line, at) else { return false }
            at &+= known.keys[place].length
            opener = UInt8(ascii: ",")
            let range = index.range(known.keys[place].slot)
            if number == RecordKeys.fields {
                guard range.kind == .object, range.range.lowerBound == at else { return false }
                opener = UInt8(ascii: "{")
            } else {
                guard let end = value(range, place, line, at, &writer) else { return false }
                at = end
            }
        }
        return at + 1 == line.count && line[at] == UInt8(ascii: "}")
    }

    /// Whether the opener and then the key with number `key` stand at `at`.
    @inline(__always)
    private func stands(_ key: Int, _ opener: UInt8, _ line: Span<UInt8>, _ at: Int) -> Bool {
        guard at &+ RecordKeys.keyBytesMax <= line.count else {
            return RecordCodec.standsAtEnd(known.keys[key], opener, line, at)
        }
        return line.matches(known.keys[key].pattern, opener, at: at)
    }

    private static func standsAtEnd(_ key: RecordKeys.Key, _ opener: UInt8, _ line: Span<UInt8>, _ at: Int) -> Bool {
        guard at + key.length <= line.count, line[at] == opener else { return false }
        for place in 1..<key.length where line[at + place] != key.byte(place) { return false }
        return true
    }

    /// Appends one value.
    /// - Returns: where it ends; `nil` if it is not where the index says.
    @inline(__always)
    private func value(
        _ found: FieldRange, _ key: Int, _ line: Span<UInt8>, _ at: Int, _ writer: inout ByteWriter
    ) -> Int? {
        let range = found.range
        switch found.kind {
        case .string:
            guard isQuoted(range, line, at) else { return nil }
            string(range, key, line, &writer)
            return range.upperBound &+ 1
        case .null:
            guard range.lowerBound == at, equal(line, range, "null") else { return nil }
            writer.append(Tag.null)
            return range.upperBound
        case .escapedString:
            guard isQuoted(range, line, at) else { return nil }
            literal(range, Tag.escaped, Tag.longEscaped, line, &writer)
            return range.upperBound &+ 1
        case .number, .bool, .array, .object:
            guard range.lowerBound == at, range.upperBound <= line.count else { return nil }
            if RecordCodec.kind(ofOther: line[at]) != found.kind { return nil }
            if let word = word(range, key, line) {
                writer.append(Tag.word + UInt8(word))
            } else {
                literal(range, Tag.other, Tag.longOther, line, &writer)
            }
            return range.upperBound
        case .absent: return nil
        }
    }

    @inline(__always)
    private func isQuoted(_ range: Range<Int>, _ line: Span<UInt8>, _ at: Int) -> Bool {
        range.lowerBound == at &+ 1 && range.upperBound < line.count && line[at] == UInt8(ascii: "\"")
            && line[range.upperBound] == UInt8(ascii: "\"")
    }

    @inline(__always)
    private func string(_ range: Range<Int>, _ key: Int, _ line: Span<UInt8>, _ writer: inout ByteWriter) {
        let length = range.count
        if length == ByteWriter.uuidBytes {
            let start = writer.count
            writer.append(Tag.uuid)
            if writer.appendPackedUUID(line, at: range.lowerBound) { return }
            writer.truncate(to: start)
        }
        if length == 0 { return writer.append(Tag.empty) }
        if let word = word(range, key, line) { return writer.append(Tag.word + UInt8(word)) }
        if 20...30 ~= length, line[range.upperBound - 1] == UInt8(ascii: "Z"), time(range, line, &writer) { return }
        guard length < 128 else {
            writer.append(Tag.longString)
            writer.append(littleEndian: UInt32(length))
            return writer.append(line.extracting(range))
        }
        writer.append(Tag.string + UInt8(length))
        writer.append(line.extracting(range))
    }

    private func time(_ range: Range<Int>, _ line: Span<UInt8>, _ writer: inout ByteWriter) -> Bool {
        let start = writer.count
        writer.append(Tag.time)
        guard let digits = writer.appendPackedTime(line, range) else {
            writer.truncate(to: start)
            return false
        }
        writer.replace(at: start, with: Tag.time + UInt8(digits))
        return true
    }

    private func literal(
        _ range: Range<Int>, _ short: UInt8, _ long: UInt8, _ line: Span<UInt8>, _ writer: inout ByteWriter
    ) {
        if range.count < 256 {
            writer.append(short)
            writer.append(UInt8(range.count))
        } else {
            writer.append(long)
            writer.append(littleEndian: UInt32(range.count))
        }
        writer.append(line.extracting(range))
    }

    /// The number of the frequent value that the text is.
    @inline(__always)
    private func word(_ range: Range<Int>, _ key: Int, _ line: Span<UInt8>) -> Int? {
        for number in known.keys[key].candidates {
            let word = known.wordRange(number)
            guard word.count == range.count else { continue }
            if line.matches(known.wordBytes.span, at: word.lowerBound, length: word.count, at: range.lowerBound) {
                return number
            }
        }
        return nil
    }

    /// What a JSON value other than a string or null is, by its first byte.
    @inline(__always)
    static func kind(ofOther first: UInt8) -> FieldRange.Kind {
        switch first {
        case UInt8(ascii: "{"): .object
        case UInt8(ascii: "["): .array
        case UInt8(ascii: "t"), UInt8(ascii: "f"): .bool
        default: .number
        }
    }

    // MARK: Another order of keys

    /// The order of a line's keys; `nil` if one of them is not known or something else is between the tokens.
    private func orderOf(_ line: Span<UInt8>, _ index: EventIndex) -> [UInt8]? {
        var order: [UInt8] = []
        var at = 0
        var opener = UInt8(ascii: "{")
        var isInFields = false
        while order.count < 64 {
            guard let number = keyNumber(line, at, opener, isInFields) else { return nil }
            let key = known.keys[number]
            order.append(UInt8(number))
            at += key.length
            opener = UInt8(ascii: ",")
            if number == Int(RecordKeys.fields) {
                opener = UInt8(ascii: "{")
                isInFields = true
                continue
            }
            let found = index.range(key.slot)
            guard found.kind != .absent else { return nil }
            at = found.range.upperBound + (found.kind == .string || found.kind == .escapedString ? 1 : 0)
            if isInFields, at < line.count, line[at] == UInt8(ascii: "}") {
                order.append(RecordKeys.close)
                isInFields = false
                at += 1
            }
            if at + 1 == line.count { return order }
        }
        return nil
    }

    private func keyNumber(_ line: Span<UInt8>, _ at: Int, _ opener: UInt8, _ isInFields: Bool) -> Int? {
        guard at < line.count else { return nil }
        for number in 1..<known.keys.count where known.keys[number].isInFields == isInFields {
            if stands(number, opener, line, at) { return number }
        }
        return nil
    }
}
