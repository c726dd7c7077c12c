internal import CConnlog

/// The keys of a line of JSON in their order, and the way over such a line: see `record.h`.
///
/// An index is 32 numbers: for each slot where its value lies (the start in bits 0 to 31, without quotes; what it is in
/// 32 to 34; the length in 36 to 63).
package struct RecordOrder: Sendable {
    package typealias Index = InlineArray<32, UInt64>

    package enum Key: Sendable {
        /// `text` is what stands before the value, such as `,"ts":`, at most 24 bytes; `words` are its frequent values.
        case value(_ text: [UInt8], slot: UInt8, words: Range<Int>)
        /// Opens the object that is the value of `slot`; the next key begins with a brace.
        case fields(_ text: [UInt8], slot: UInt8)
        /// Closes it.
        case closing(slot: UInt8)
    }

    // One: an array, so that it has an address and is not copied to be looked at.
    private var orders: [connlog_order]

    /// - Parameters:
    ///   - words: at most 64, of at most 96 bytes each and 1024 bytes together; those that begin with `[` are no strings.
    ///   - keys: at most `keysMax`.
    package init(_ keys: [Key], words: [[UInt8]]) {
        var order = connlog_order()
        for word in words {
            let isThere = unsafe word.withUnsafeBufferPointer { bytes in
                guard let base = bytes.baseAddress else { return false }
                return unsafe connlog_order_add_word(&order, base, bytes.count) != 0
            }
            precondition(isThere, "words of records")
        }
        for key in keys { RecordOrder.add(key, to: &order) }
        unsafe connlog_order_find_run(&order)
        orders = [order]
    }

    private static func add(_ key: Key, to order: inout connlog_order) {
        let added: Bool
        switch key {
        case .value(let text, let slot, let words):
            added = add(text, connlog_key_of_value, slot, UInt8(words.lowerBound), UInt8(words.count), to: &order)
        case .fields(let text, let slot): added = add(text, connlog_key_of_fields, slot, 0, 0, to: &order)
        case .closing(let slot): added = add([UInt8(ascii: "}")], connlog_key_closing, slot, 0, 0, to: &order)
        }
        precondition(added, "keys of records")
    }

    private static func add(
        _ text: [UInt8], _ kind: Int, _ slot: UInt8, _ firstWord: UInt8, _ wordCount: UInt8,
        to order: inout connlog_order
    ) -> Bool {
        unsafe text.withUnsafeBufferPointer { bytes in
            guard let base = bytes.baseAddress else { return false }
            return unsafe connlog_order_add_key(&order, base, bytes.count, Int32(kind), slot, firstWord, wordCount) != 0
        }
    }

    /// What a line is.
    package enum Scan: Sendable {
        /// An event with exactly these keys.
        case event
        /// Valid JSON with another message, which is no audit log's.
        case other
        /// Not for this to say.
        case unknown
    }

    /// Checks a line strictly (RFC 8259). An event has exactly these keys, values that are strings, whole numbers or null,
    /// and no blank between tokens.
    ///
    /// - Parameters:
    ///   - message: the slot and the word that make it an event.
    ///   - index: whatever was in it is gone. Useless if the answer is not `event`.
    package func scan(_ line: Span<UInt8>, message: (slot: UInt8, word: Int), into index: inout Index) -> Scan {
        let found = unsafe line.withUnsafeBufferPointer { bytes in
            guard let base = bytes.baseAddress else { return 0 }
            return unsafe orders.withUnsafeBufferPointer { orders in
                guard let order = orders.baseAddress else { return 0 }
                var span = index.mutableSpan
                return unsafe span.withUnsafeMutableBufferPointer { index in
                    guard let numbers = index.baseAddress else { return 0 }
                    return unsafe Int(
                        connlog_scan_record(
                            order, base, bytes.count, message.slot, UInt8(message.word), numbers))
                }
            }
        }
        switch found {
        case connlog_line_is_event: return .event
        case connlog_line_is_other: return .other
        default: return .unknown
        }
    }

    /// Appends the values of a line, packed: each of its bytes is compared with the keys, or copied.
    ///
    /// - Parameters:
    ///   - index: where the values lie.
    ///   - writer: with room for `line.count + packSlack`.
    /// - Returns: `false`, and nothing appended, if the line is not of this order.
    package func pack(_ line: Span<UInt8>, _ index: Span<UInt64>, into writer: inout ByteWriter) -> Bool {
        precondition(index.count == RecordBatch.noteWords)
        assert(writer.count + line.count + RecordOrder.packSlack <= writer.limit)
        let written = unsafe line.withUnsafeBufferPointer { bytes in
            guard let base = bytes.baseAddress else { return 0 }
            let target = unsafe (writer.base + writer.count).assumingMemoryBound(to: UInt8.self)
            return unsafe orders.withUnsafeBufferPointer { orders in
                guard let order = orders.baseAddress else { return 0 }
                return unsafe index.withUnsafeBufferPointer { index in
                    guard let numbers = index.baseAddress else { return 0 }
                    return unsafe connlog_pack_record(order, base, bytes.count, numbers, target)
                }
            }
        }
        writer.advance(by: written)
        return written > 0
    }

    /// Appends the line of `length` bytes that has these values.
    ///
    /// - Parameters:
    ///   - index: whatever was in it is gone. Useless if the answer is `false`.
    ///   - writer: with room for `length + unpackSlack`.
    /// - Returns: `false`, and nothing appended, if they are not the values of such a line.
    package func unpack(_ values: Span<UInt8>, length: Int, into index: inout Index, _ writer: inout ByteWriter) -> Bool
    {
        assert(length >= 0 && writer.count + length + RecordOrder.unpackSlack <= writer.limit)
        let isWhole = unsafe values.withUnsafeBufferPointer { bytes in
            guard let base = bytes.baseAddress else { return false }
            let target = unsafe (writer.base + writer.count).assumingMemoryBound(to: UInt8.self)
            return unsafe orders.withUnsafeBufferPointer { orders in
                guard let order = orders.baseAddress else { return false }
                var span = index.mutableSpan
                return unsafe span.withUnsafeMutableBufferPointer { index in
                    guard let numbers = index.baseAddress else { return false }
                    return unsafe connlog_unpack_record(order, base, bytes.count, length, numbers, target) != 0
                }
            }
        }
        if isWhole { writer.advance(by: length) }
        return isWhole
    }

    /// How many keys an order may have.
    package static var keysMax: Int { connlog_order_keys_max }
    /// What packing needs beyond the line's bytes.
    package static var packSlack: Int { connlog_pack_slack }
    /// What unpacking needs beyond the line's bytes.
    package static var unpackSlack: Int { connlog_unpack_slack }
}
