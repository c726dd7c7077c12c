internal import ConnlogSystem

/// A segment on disk. All numbers are little-endian; everything begins at a multiple of 8.
///
///     segment = header record*
///     header, 64 bytes                          record, 16 bytes + payload, zeros up to a multiple of 8
///      0  8  magic "CONNLOGQ"                    0  4  CRC32C of the queue's id and of the bytes from 4
///      8  2  format version, 1                         to the end of the payload
///     10  2  length of this header, 64           4  4  length of the payload (28 bits), kind << 28,
///                                                     bit 31: the last record of its batch
///     12  4  flags; bit 0: recycled file         8  8  offset
///     16 16  the queue's id                     16  n  payload
///     32  8  first offset
///     40  8  created, ns since 1970             kinds: 1 event       its bytes
///     48  8  proven bytes                              2 checkpoint  one key's value, see `CheckpointCoding`
///     56  4  zero                                      3 mark        no payload: all before it in this
///     60  4  CRC32C of the bytes 0..<60                              file was on disk when it was written
///
/// - Offsets: an event has its own, one more than the event before. Other kinds carry the next event's.
/// - Name: the first offset in 20 digits and `.seg`. A segment ends where the next one's first offset says so, since
///   what follows in the file may be left over from an earlier life: recycled files are not emptied.
///   Such a record never verifies, because its offset is below the segment's first.
/// - Proven bytes: header, checkpoints of all keys and first records, which were on disk before the file got its name.
/// - A *group* is what one sync covers: a mark and what follows. It is the unit that a crash may tear: sectors of it are
///   on disk or not, in any order. Of a torn one the whole batches before the first damage count: a checkpoint after it
///   would claim events that are gone, and half a batch would come once more from its source.
///
/// Version rule: a version is a number for the whole segment. A reader refuses a version it does not know (that is not
/// damage; nothing is touched). A new kind of record, flag or header field that an old reader may not ignore is a new
/// version; a queue may hold segments of several versions and is written in the newest.
struct SegmentHeader: Equatable {
    static let size = 64
    static let version: UInt16 = 1
    static let magic: [UInt8] = Array("CONNLOGQ".utf8)

    var queueID: QueueID
    var first: UInt64
    var created: Nanoseconds
    var provenBytes: Int
    /// The file was a segment before; bytes after the end mean nothing.
    var isRecycled: Bool

    func append(to buffer: inout ByteBuffer) {
        let start = buffer.count
        buffer.append(contentsOf: SegmentHeader.magic)
        buffer.append(littleEndian: SegmentHeader.version)
        buffer.append(littleEndian: UInt16(SegmentHeader.size))
        buffer.append(littleEndian: UInt32(isRecycled ? 1 : 0))
        buffer.append(contentsOf: queueID.bytes)
        buffer.append(littleEndian: first)
        buffer.append(littleEndian: created)
        buffer.append(littleEndian: UInt64(provenBytes))
        buffer.append(littleEndian: UInt32(0))
        var checksum = CRC32C()
        checksum.update(buffer.span(start..<buffer.count))
        buffer.append(littleEndian: checksum.value)
    }

    enum Reading: Equatable {
        case valid(SegmentHeader)
        case newer(version: Int)
        case damaged
    }

    /// Reads the header at the beginning of `bytes`.
    static func read(_ bytes: Span<UInt8>) -> Reading {
        guard bytes.count >= size else { return .damaged }
        for index in magic.indices where bytes[index] != magic[index] { return .damaged }
        var checksum = CRC32C()
        checksum.update(bytes.extracting(0..<60))
        guard checksum.value == bytes.uint32(at: 60) else { return .damaged }
        let version = bytes.uint16(at: 8)
        guard version <= SegmentHeader.version else { return .newer(version: Int(version)) }
        var id: [UInt8] = []
        for index in 16..<32 { id.append(bytes[index]) }
        return .valid(
            SegmentHeader(
                queueID: QueueID(bytes: id), first: bytes.uint64(at: 32),
                created: Int64(bitPattern: bytes.uint64(at: 40)),
                provenBytes: Int(clamping: bytes.uint64(at: 48)), isRecycled: bytes.uint32(at: 12) & 1 == 1))
    }
}

/// Sixteen random bytes that tell one queue's records from another's.
struct QueueID: Hashable, Sendable {
    let bytes: [UInt8]

    static func random() -> QueueID {
        var generator = SystemRandomNumberGenerator()
        return QueueID(bytes: (0..<16).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
    }
}

/// How segments are called.
enum SegmentName {
    static let suffix = ".seg"

    static func of(_ first: UInt64) -> String {
        let digits = String(first)
        return String(repeating: "0", count: 20 - digits.count) + digits + suffix
    }

    static func first(of name: String) -> UInt64? {
        guard name.utf8.count == 24, name.hasSuffix(suffix) else { return nil }
        let digits = name.utf8.prefix(20)
        guard digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        // The last possible offsets are not ours: a file of that name would leave no room for events.
        guard let first = UInt64(String(decoding: digits, as: UTF8.self)), first < UInt64(Int64.max) else { return nil }
        return first
    }
}
