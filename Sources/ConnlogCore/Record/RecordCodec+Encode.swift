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
            layout = orderNumber == 0 ? known.layout(found) : known.layouts[Int(orderNumber)]
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
        payload.withWriter(reserving: line.count + order.count + 7 + RecordOrder.packSlack) { writer in
            writer.append(RecordCodec.version)
            writer.append(orderNumber)
            if orderNumber == 0 {
                writer.append(UInt8(order.count))
                writer.append(order.span)
            }
            writer.append(littleEndian: UInt32(line.count))
            isCompact = layout.pack(line, index.ranges, into: &writer)
        }
        // What is no smaller is not worth the way back.
        if !isCompact || payload.count - start >= line.count {
            payload.truncate(to: start)
            return false
        }
        return true
    }

    // MARK: Another order of keys

    /// The order of a line's keys; `nil` if one of them is not known or something else is between the tokens.
    private func orderOf(_ line: Span<UInt8>, _ index: EventIndex) -> [UInt8]? {
        var order: [UInt8] = []
        var at = 0
        var opener = UInt8(ascii: "{")
        var isInFields = false
        while order.count + 1 < RecordOrder.keysMax {
            guard let number = keyNumber(line, at, opener, isInFields) else { return nil }
            let key = known.keys[number]
            order.append(UInt8(number))
            at += key.text.count
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
            if stands(known.keys[number].text, opener, line, at) { return number }
        }
        return nil
    }

    private func stands(_ text: [UInt8], _ opener: UInt8, _ line: Span<UInt8>, _ at: Int) -> Bool {
        guard at + text.count <= line.count, line[at] == opener else { return false }
        return text.indices.dropFirst().allSatisfy { line[at + $0] == text[$0] }
    }
}
