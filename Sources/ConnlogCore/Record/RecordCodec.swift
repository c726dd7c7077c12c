import ConnlogSystem

/// Events as they lie in the queue: a third of the line's bytes, and the same line again, bit for bit.
///
/// The disk, not the processor, bounds how many events per second can be synced, and coderd's lines are 870 bytes of
/// which 250 say something. Whoever reads the queue's records reads them through `decode`; whoever does not need an
/// event to be small may put the line itself into the queue, as older versions did.
///
/// # Payload
///
///     '{' ...   the line
///     02 ...    a line that begins with 01 or 02, which no event does
///     01        a compact record:
///       order   u8     which keys there are and in what order (`RecordKeys.orders`);
///                      0: u8 count and that many numbers of keys follow
///       length  u32    bytes of the line
///       values         one for each key of the order but `fields` and its end
///
/// A value begins with a byte that says what it is:
///
///     00        null
///     01        ""
///     02        a UUID in lower case, 16 bytes
///     03 - 0c   a time like 2025-07-03T05:09:41.929840747Z with 0 to 9 digits after the point: 12 bytes of two digits
///     0d 0e 0f  a string; one that has escapes, as it is; any other JSON value: u32 length, bytes
///     10 11     a string that has escapes, any other JSON value: u8 length, bytes
///     40 - 7f   value 0 to 63 of `RecordKeys.words`, a string unless it begins with a bracket
///     80 - ff   a string of 0 to 127 bytes
///
/// Numbers are little-endian. Bytes that are not here are not given out; a change of meaning needs another first byte.
///
/// # Why it cannot lie
///
/// `encode` goes over the line from its first byte to its last (`connlog_pack_record`). Each byte is compared with the key that the order has
/// there, or copied, or packed by a function that takes only what its counterpart gives back. A line with anything else
/// in it (another key, a blank between tokens, a key twice) is kept as it is.
package struct RecordCodec: Sendable {
    static let version: UInt8 = 1
    static let verbatim: UInt8 = 2

    let known = RecordKeys.known
    /// The order of the record before, which the next one most likely has too.
    var order: [UInt8]
    var orderNumber: UInt8 = 1
    var layout: RecordOrder

    package init() {
        order = RecordKeys.known.orders[1]
        layout = RecordKeys.known.layouts[1]
    }

    /// Whether a payload is a compact record and not the line itself.
    @inline(__always)
    static func isCompact(_ payload: Span<UInt8>) -> Bool { payload.count > 6 && payload[0] == version }

    /// How many bytes before a line that is kept as it is are ours.
    @inline(__always)
    static func markBytes(_ payload: Span<UInt8>) -> Int { payload.count > 0 && payload[0] == verbatim ? 1 : 0 }

    /// How long the line of a payload is.
    @inline(__always)
    package static func lineBytes(_ payload: Span<UInt8>) -> Int {
        guard isCompact(payload) else { return payload.count - markBytes(payload) }
        return Int(payload.uint32(at: lengthPlace(payload)))
    }

    @inline(__always)
    static func lengthPlace(_ payload: Span<UInt8>) -> Int {
        guard payload[1] == 0 else { return 2 }
        // An order that is written out; a count that leads past the end is found out by whoever decodes.
        return min(3 + Int(payload[2]), payload.count - 4)
    }

    // MARK: Batches

    /// Appends the records of `lines` to `payloads`, each as small as it can be.
    package mutating func encode(_ lines: borrowing EventBatch, into payloads: inout EventBatch) {
        var scanner = EventScanner()
        var fields = EventFields()
        for index in 0..<lines.count {
            let line = lines.record(index)
            let start = payloads.bytes.count
            if lines.hasNote(index) {
                encode(line, EventIndex(lines.note(index)), into: &payloads.bytes)
            } else {
                encode(line, &scanner, &fields, into: &payloads.bytes)
            }
            payloads.addRecord(start..<payloads.bytes.count)
        }
    }

    /// A line of which nothing is known.
    private mutating func encode(
        _ line: Span<UInt8>, _ scanner: inout EventScanner, _ fields: inout EventFields, into payloads: inout ByteBuffer
    ) {
        if scanner.takes(line, into: &fields) {
            encode(line, fields.index, into: &payloads)
        } else {
            RecordCodec.appendAsItIs(line, to: &payloads)
        }
    }

    /// Appends the lines of `payloads` to `lines`, each with a line feed after it and what is known of its fields.
    /// - Returns: the numbers of those that no version so far has written, which are left out; usually none.
    package func decode(_ payloads: borrowing EventBatch, into lines: inout EventBatch) -> [Int] {
        var unreadable: [Int] = []
        var fields = EventFields()
        for index in 0..<payloads.count where !decode(payloads.record(index), &fields, into: &lines) {
            unreadable.append(index)
        }
        return unreadable
    }

    /// The same with one payload.
    /// - Returns: `false`, and nothing appended, if no version so far has written it.
    package func decode(_ payload: Span<UInt8>, into lines: inout EventBatch) -> Bool {
        var fields = EventFields()
        return decode(payload, &fields, into: &lines)
    }

    /// - Parameter fields: for whatever use; the caller keeps its memory.
    private func decode(_ payload: Span<UInt8>, _ fields: inout EventFields, into lines: inout EventBatch) -> Bool {
        let start = lines.bytes.count
        if RecordCodec.isCompact(payload) {
            guard decode(payload, &fields, into: &lines.bytes) else { return false }
            lines.addRecord(start..<lines.bytes.count, fields.ranges.span)
        } else {
            lines.bytes.append(payload.extracting(RecordCodec.markBytes(payload)..<payload.count))
            lines.addRecord(start..<lines.bytes.count)
        }
        lines.bytes.append(UInt8(ascii: "\n"))
        return true
    }

    /// Replaces payloads by their lines, for tools that look at single events of a queue.
    /// - Returns: `false`, and nothing changed, if no version so far has written one of them.
    package func unpack(_ batch: inout EventBatch) -> Bool {
        var lines = EventBatch()
        guard decode(batch, into: &lines).isEmpty else { return false }
        batch = lines
        return true
    }

    /// One line, for tools and tests.
    /// - Returns: `nil` if no version so far has written the payload.
    package func decode(_ payload: Span<UInt8>) -> [UInt8]? {
        var line = ByteBuffer()
        guard RecordCodec.isCompact(payload) else {
            line.append(payload.extracting(RecordCodec.markBytes(payload)..<payload.count))
            return line.array
        }
        var fields = EventFields()
        return decode(payload, &fields, into: &line) ? line.array : nil
    }
}
