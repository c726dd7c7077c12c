internal import ConnlogSystem

/// What the queue remembers of one sink.
struct SinkEntry: Sendable, Equatable {
    static let headerBytes = 24
    static let nameBytesMax = 64
    static let stateBytesMax = 1024

    var name: String
    /// Everything before it is done with.
    var committed: UInt64
    /// Events it lost by `OnFull.dropOldest`.
    var dropped: UInt64 = 0
    var state: [UInt8] = []

    /// Whether a queue of ours can have written it.
    var isPossible: Bool {
        name.utf8.count <= SinkEntry.nameBytesMax && state.count <= SinkEntry.stateBytesMax
            && committed < Int64.max && dropped <= committed
    }
}

/// One of the two halves of the file `offsets`. Little-endian.
///
///      0  8  magic "CONNLOGO"                     an entry
///      8  2  format version, 1                     0  1  length of the name, n
///     10  2  zero                                  1  1  zero
///     12  4  CRC32C of 0..<12 and 16..<used        2  2  length of the state, s
///     16  4  used bytes of this slot               4  4  zero
///     20  4  number of entries                     8  8  committed offset
///     24  8  generation                           16  8  events dropped
///     32 16  the queue's id                       24  n  name, UTF-8
///     48     entries, without gaps                    s  state
///
/// The valid slot with the greater generation counts. A commit overwrites the slot that is not the last synced one, so
/// one of the two is whole on disk at every moment. The file is written at its full size when it is made, and replaced
/// by one twice as large (new file, sync, rename, directory sync) when a slot is full. Version rule: as for segments.
///
/// A slot that verifies and says what no queue of ours would have written (a name too long, a number that leaves no room
/// to count on) counts as damaged, too.
struct OffsetsSlot: Equatable {
    static let headerBytes = 48
    static let version: UInt16 = 1
    static let magic: [UInt8] = Array("CONNLOGO".utf8)

    var queueID: QueueID
    var generation: UInt64
    var sinks: [SinkEntry]

    func encoded() -> ByteBuffer {
        var buffer = ByteBuffer(capacity: 1024)
        buffer.append(contentsOf: OffsetsSlot.magic)
        buffer.append(littleEndian: OffsetsSlot.version)
        buffer.appendZeros(10)
        buffer.append(littleEndian: UInt32(sinks.count))
        buffer.append(littleEndian: generation)
        buffer.append(contentsOf: queueID.bytes)
        for sink in sinks { OffsetsSlot.append(sink, to: &buffer) }
        buffer.store(littleEndian: UInt32(buffer.count), at: 16)
        buffer.store(littleEndian: OffsetsSlot.checksum(buffer.span), at: 12)
        return buffer
    }

    private static func append(_ sink: SinkEntry, to buffer: inout ByteBuffer) {
        let name = Array(sink.name.utf8)
        buffer.append(UInt8(name.count))
        buffer.append(0 as UInt8)
        buffer.append(littleEndian: UInt16(sink.state.count))
        buffer.append(littleEndian: UInt32(0))
        buffer.append(littleEndian: sink.committed)
        buffer.append(littleEndian: sink.dropped)
        buffer.append(contentsOf: name)
        buffer.append(contentsOf: sink.state)
    }

    private static func checksum(_ slot: Span<UInt8>) -> UInt32 {
        var checksum = CRC32C()
        checksum.update(slot.extracting(0..<12))
        checksum.update(slot.extracting(16..<slot.count))
        return checksum.value
    }

    enum Reading: Equatable {
        case valid(OffsetsSlot)
        case newer(version: Int)
        /// Never written.
        case blank
        case damaged
    }

    /// Reads the slot that fills `bytes`.
    static func read(_ bytes: Span<UInt8>) -> Reading {
        guard bytes.count >= headerBytes else { return bytes.isEmpty ? .blank : .damaged }
        var isBlank = true
        for index in 0..<headerBytes where bytes[index] != 0 { isBlank = false }
        if isBlank { return .blank }
        for index in magic.indices where bytes[index] != magic[index] { return .damaged }
        let used = Int(bytes.uint32(at: 16))
        guard used >= headerBytes, used <= bytes.count else { return .damaged }
        guard checksum(bytes.extracting(0..<used)) == bytes.uint32(at: 12) else { return .damaged }
        let version = bytes.uint16(at: 8)
        guard version <= OffsetsSlot.version else { return .newer(version: Int(version)) }
        guard let sinks = entries(bytes.extracting(0..<used), count: Int(bytes.uint32(at: 20))) else { return .damaged }
        let id = ByteBuffer(bytes.extracting(32..<48)).array
        let generation = bytes.uint64(at: 24)
        guard generation < Int64.max else { return .damaged }
        return .valid(OffsetsSlot(queueID: QueueID(bytes: id), generation: generation, sinks: sinks))
    }

    private static func entries(_ bytes: Span<UInt8>, count: Int) -> [SinkEntry]? {
        var sinks: [SinkEntry] = []
        var place = headerBytes
        for _ in 0..<count {
            guard place + SinkEntry.headerBytes <= bytes.count else { return nil }
            let start = place + SinkEntry.headerBytes
            let name = start..<start + Int(bytes[place])
            let state = name.upperBound..<name.upperBound + Int(bytes.uint16(at: place + 2))
            guard state.upperBound <= bytes.count,
                let text = String(validating: ByteBuffer(bytes.extracting(name)).array, as: UTF8.self)
            else { return nil }
            let entry = SinkEntry(
                name: text, committed: bytes.uint64(at: place + 8), dropped: bytes.uint64(at: place + 16),
                state: ByteBuffer(bytes.extracting(state)).array)
            guard entry.isPossible, !sinks.contains(where: { $0.name == text }) else { return nil }
            sinks.append(entry)
            place = state.upperBound
        }
        return sinks
    }
}
