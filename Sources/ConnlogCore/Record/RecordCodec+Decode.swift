internal import ConnlogSystem

/// From a payload back to the line.
extension RecordCodec {
    /// Appends the line of a compact payload and finds its fields on the way.
    /// - Parameter index: an empty one.
    /// - Returns: `false`, and nothing appended, if no version so far has written the payload.
    func decode(_ payload: Span<UInt8>, _ index: inout EventIndex, into lines: inout ByteBuffer) -> Bool {
        let lengthPlace = RecordCodec.lengthPlace(payload)
        let length = Int(payload.uint32(at: lengthPlace))
        let number = payload[1]
        // Nothing grows more than this, so that a wrong length cannot ask for memory.
        guard length <= payload.count * RecordCodec.growthMax, Int(number) < known.orders.count else { return false }
        let start = lines.count
        var isWhole = false
        lines.withWriter(reserving: length + RecordCodec.slack) { writer in
            if number != 0 {
                isWhole = line(payload, known.orders[Int(number)], lengthPlace + 4, length, &index, &writer)
            } else if let order = writtenOrder(payload) {
                isWhole = line(payload, order, lengthPlace + 4, length, &index, &writer)
            }
        }
        if isWhole, lines.count - start == length { return true }
        lines.truncate(to: start)
        return false
    }

    /// A key, its opener and quotes, and a value that is no literal: what one step may write beside literals.
    static let slack = RecordKeys.keyBytesMax + RecordKeys.wordBytesMax + 16
    private static let growthMax = RecordKeys.keyBytesMax + RecordKeys.wordBytesMax

    private func writtenOrder(_ payload: Span<UInt8>) -> [UInt8]? {
        let count = Int(payload[2])
        guard count > 0, 3 + count + 4 <= payload.count else { return nil }
        let order = (0..<count).map { payload[3 + $0] }
        return order.allSatisfy { Int($0) < known.keys.count } ? order : nil
    }

    /// Writes the line. Each step begins with `slack` bytes of room: the guard at its head sees to that.
    private func line(
        _ payload: Span<UInt8>, _ order: [UInt8], _ first: Int, _ length: Int, _ index: inout EventIndex,
        _ writer: inout ByteWriter
    ) -> Bool {
        var at = first
        var opener = UInt8(ascii: "{")
        var fieldsStart = 0
        for place in order.indices {
            guard writer.count <= length else { return false }
            let number = order[place]
            if number == RecordKeys.close {
                writer.append(UInt8(ascii: "}"))
                let range = FieldRange(start: fieldsStart, length: writer.count &- fieldsStart, kind: .object)
                index[.fields] = range
                opener = UInt8(ascii: ",")
                continue
            }
            let key = Int(number)
            writer.append(known.keys[key].pattern, opener, length: known.keys[key].length)
            opener = UInt8(ascii: ",")
            if number == RecordKeys.fields {
                fieldsStart = writer.count
                opener = UInt8(ascii: "{")
            } else {
                guard let next = value(payload, at, known.keys[key].slot, length, &index, &writer) else { return false }
                at = next
            }
        }
        guard writer.count < length else { return false }
        writer.append(UInt8(ascii: "}"))
        return at == payload.count
    }

    /// Writes one value and files it.
    /// - Returns: where the next one begins; `nil` if it is not one, or if it makes the line too long.
    @inline(__always)
    private func value(
        _ payload: Span<UInt8>, _ at: Int, _ slot: UInt8, _ length: Int, _ index: inout EventIndex,
        _ writer: inout ByteWriter
    ) -> Int? {
        guard at < payload.count else { return nil }
        let tag = payload[at]
        let body = at &+ 1
        switch tag {
        case Tag.string...:
            return text(payload, body, Int(tag & 0x7f), .string, slot, length, &index, &writer)
        case Tag.uuid:
            guard body &+ ByteWriter.packedUUIDBytes <= payload.count else { return nil }
            writer.append(UInt8(ascii: "\""))
            index.set(slot, FieldRange(start: writer.count, length: ByteWriter.uuidBytes, kind: .string))
            writer.appendUUID(packed: payload, at: body)
            writer.append(UInt8(ascii: "\""))
            return body &+ ByteWriter.packedUUIDBytes
        case Tag.word..<Tag.string: return word(Int(tag - Tag.word), slot, &index, &writer) ? body : nil
        case Tag.null:
            index.set(slot, FieldRange(start: writer.count, length: 4, kind: .null))
            writer.append("null")
            return body
        case Tag.empty:
            index.set(slot, FieldRange(start: writer.count &+ 1, length: 0, kind: .string))
            writer.append("\"\"")
            return body
        case Tag.time...(Tag.time + 9):
            guard body &+ ByteWriter.packedTimeBytes <= payload.count else { return nil }
            writer.append(UInt8(ascii: "\""))
            let start = writer.count
            writer.appendTime(packed: payload, at: body, digits: Int(tag - Tag.time))
            index.set(slot, FieldRange(start: start, length: writer.count &- start, kind: .string))
            writer.append(UInt8(ascii: "\""))
            return body &+ ByteWriter.packedTimeBytes
        default: return literal(payload, tag, body, slot, length, &index, &writer)
        }
    }

    private func literal(
        _ payload: Span<UInt8>, _ tag: UInt8, _ at: Int, _ slot: UInt8, _ length: Int, _ index: inout EventIndex,
        _ writer: inout ByteWriter
    ) -> Int? {
        guard at + 4 <= payload.count || (at < payload.count && (tag == Tag.escaped || tag == Tag.other)) else {
            return nil
        }
        switch tag {
        case Tag.escaped:
            return text(payload, at + 1, Int(payload[at]), .escapedString, slot, length, &index, &writer)
        case Tag.other:
            return other(payload, at + 1, Int(payload[at]), slot, length, &index, &writer)
        case Tag.longString:
            return text(payload, at + 4, Int(payload.uint32(at: at)), .string, slot, length, &index, &writer)
        case Tag.longEscaped:
            return text(payload, at + 4, Int(payload.uint32(at: at)), .escapedString, slot, length, &index, &writer)
        case Tag.longOther:
            return other(payload, at + 4, Int(payload.uint32(at: at)), slot, length, &index, &writer)
        default: return nil
        }
    }

    /// The inside of a string, copied.
    @inline(__always)
    private func text(
        _ payload: Span<UInt8>, _ at: Int, _ count: Int, _ kind: FieldRange.Kind, _ slot: UInt8, _ length: Int,
        _ index: inout EventIndex, _ writer: inout ByteWriter
    ) -> Int? {
        guard at &+ count <= payload.count, writer.count &+ count <= length else { return nil }
        writer.append(UInt8(ascii: "\""))
        index.set(slot, FieldRange(start: writer.count, length: count, kind: kind))
        writer.append(payload.extracting(at..<at &+ count))
        writer.append(UInt8(ascii: "\""))
        return at &+ count
    }

    private func other(
        _ payload: Span<UInt8>, _ at: Int, _ count: Int, _ slot: UInt8, _ length: Int, _ index: inout EventIndex,
        _ writer: inout ByteWriter
    ) -> Int? {
        guard count > 0, at + count <= payload.count, writer.count + count <= length else { return nil }
        let kind = RecordCodec.kind(ofOther: payload[at])
        index.set(slot, FieldRange(start: writer.count, length: count, kind: kind))
        writer.append(payload.extracting(at..<at + count))
        return at + count
    }

    @inline(__always)
    private func word(_ number: Int, _ slot: UInt8, _ index: inout EventIndex, _ writer: inout ByteWriter) -> Bool {
        guard number < known.wordCount else { return false }
        let range = known.wordRange(number)
        let isString = known.wordBytes[range.lowerBound] != UInt8(ascii: "[")
        if isString { writer.append(UInt8(ascii: "\"")) }
        index.set(slot, FieldRange(start: writer.count, length: range.count, kind: isString ? .string : .array))
        writer.append(known.wordBytes.span.extracting(range))
        if isString { writer.append(UInt8(ascii: "\"")) }
        return true
    }
}
