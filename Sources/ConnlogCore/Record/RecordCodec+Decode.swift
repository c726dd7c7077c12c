internal import ConnlogSystem

/// From a payload back to the line.
extension RecordCodec {
    /// Appends the line of a compact payload and finds its fields on the way.
    /// - Parameter index: whatever was in it is gone.
    /// - Returns: `false`, and nothing appended, if no version so far has written the payload.
    func decode(_ payload: Span<UInt8>, _ index: inout EventFields, into lines: inout ByteBuffer) -> Bool {
        let lengthPlace = RecordCodec.lengthPlace(payload)
        let length = Int(payload.uint32(at: lengthPlace))
        let values = payload.extracting((lengthPlace + 4)..<payload.count)
        let number = Int(payload[1])
        // Nothing grows more than this, so that a wrong length cannot ask for memory.
        guard length <= payload.count * RecordCodec.growthMax, number < known.orders.count else { return false }
        if number != 0 { return unpack(values, known.layouts[number], length, &index, &lines) }
        guard let order = writtenOrder(payload) else { return false }
        return unpack(values, known.layout(order), length, &index, &lines)
    }

    private static let growthMax = RecordKeys.keyBytesMax + RecordKeys.wordBytesMax

    private func unpack(
        _ values: Span<UInt8>, _ layout: RecordOrder, _ length: Int, _ index: inout EventFields,
        _ lines: inout ByteBuffer
    ) -> Bool {
        var isWhole = false
        lines.withWriter(reserving: length + RecordOrder.unpackSlack) { writer in
            isWhole = layout.unpack(values, length: length, into: &index.ranges, &writer)
        }
        return isWhole
    }

    private func writtenOrder(_ payload: Span<UInt8>) -> [UInt8]? {
        let count = Int(payload[2])
        guard 1...RecordOrder.keysMax ~= count, 3 + count + 4 <= payload.count else { return nil }
        let order = (0..<count).map { payload[3 + $0] }
        return order.allSatisfy { Int($0) < known.keys.count } ? order : nil
    }
}
