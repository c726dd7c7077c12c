internal import ConnlogSystem

/// What a record is. The numbers are on disk.
enum RecordKind: UInt32 {
    case event = 1
    case checkpoint = 2
    case mark = 3
}

/// Writes and checks the records of one queue; the format is described at `SegmentHeader`.
struct RecordCoding: Sendable {
    static let headerBytes = 16
    static let payloadBytesMax = (1 << 28) - 1

    let queueID: QueueID
    // The checksum goes on from this one, so that another queue's record never verifies.
    private let seed: CRC32C

    init(_ queueID: QueueID) {
        self.queueID = queueID
        var seed = CRC32C()
        seed.update(queueID.bytes.span)
        self.seed = seed
    }

    /// Bytes of a record on disk.
    static func recordBytes(payload: Int) -> Int { (headerBytes + payload + 7) & ~7 }

    @inline(__always)
    func append(
        _ kind: RecordKind, _ payload: Span<UInt8>, offset: UInt64, endsBatch: Bool, to buffer: inout ByteBuffer
    ) {
        let start = buffer.count
        let length = payload.count
        let total = RecordCoding.recordBytes(payload: length)
        buffer.withWriter(reserving: total) { writer in
            writer.append(littleEndian: UInt32(0))
            let end: UInt32 = endsBatch ? 1 << 31 : 0
            writer.append(littleEndian: UInt32(truncatingIfNeeded: length) | kind.rawValue << 28 | end)
            writer.append(littleEndian: offset)
            writer.append(payload)
            writer.appendZeros(total - RecordCoding.headerBytes - length)
        }
        var checksum = seed
        checksum.update(buffer.span(start + 4..<start + RecordCoding.headerBytes + length))
        buffer.store(littleEndian: checksum.value, at: start)
    }

    /// Makes the 16 bytes at `position` a mark.
    func storeMark(offset: UInt64, in buffer: inout ByteBuffer, at position: Int) {
        buffer.store(littleEndian: RecordKind.mark.rawValue << 28, at: position + 4)
        buffer.store(littleEndian: offset, at: position + 8)
        var checksum = seed
        checksum.update(buffer.span(position + 4..<position + RecordCoding.headerBytes))
        buffer.store(littleEndian: checksum.value, at: position)
    }

    enum Parse: Equatable {
        case record(RecordKind, payload: Range<Int>, offset: UInt64, endsBatch: Bool)
        /// It may be a record, but only with this many bytes from its beginning can one tell.
        case incomplete(bytesNeeded: Int)
        case invalid
    }

    /// Reads the record at `position`, if it is a valid one with an offset in `offsets`.
    @inline(__always)
    func parse(_ bytes: Span<UInt8>, at position: Int, offsets: ClosedRange<UInt64>) -> Parse {
        let available = bytes.count - position
        guard available >= RecordCoding.headerBytes else { return .incomplete(bytesNeeded: RecordCoding.headerBytes) }
        let word = bytes.uint32(at: position + 4)
        let offset = bytes.uint64(at: position + 8)
        guard let kind = RecordKind(rawValue: word >> 28 & 7), offsets.contains(offset) else { return .invalid }
        let length = Int(word & 0xfff_ffff)
        guard kind != .mark || length == 0 else { return .invalid }
        let end = RecordCoding.headerBytes + length
        guard available >= end else { return .incomplete(bytesNeeded: end) }
        var checksum = seed
        checksum.update(bytes.extracting(position + 4..<position + end))
        guard checksum.value == bytes.uint32(at: position) else { return .invalid }
        return .record(
            kind, payload: position + RecordCoding.headerBytes..<position + end, offset: offset,
            endsBatch: word >> 31 == 1)
    }
}
