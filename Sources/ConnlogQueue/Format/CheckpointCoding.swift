internal import ConnlogSystem

/// A change of one key's value.
struct CheckpointChange: Sendable, Equatable {
    let key: String
    /// `nil` forgets the key.
    let value: [UInt8]?
}

/// The payload of a checkpoint record.
///
///     0  2  length of the key, k
///     2  1  1: the value follows; 0: the key is forgotten
///     3  1  zero
///     4  k  key, UTF-8
///     4+k   value, to the end of the payload
enum CheckpointCoding {
    static let keyBytesMax = 4096
    static let valueBytesMax = 64 << 10

    static func payload(_ key: String, _ value: [UInt8]?) -> [UInt8] {
        let name = Array(key.utf8)
        var payload = [UInt8(name.count & 0xff), UInt8(name.count >> 8), value == nil ? 0 : 1, 0]
        payload += name
        payload += value ?? []
        return payload
    }

    /// `nil` if the payload is not one of ours, which its checksum rules out but for a newer writer.
    static func change(_ payload: Span<UInt8>) -> CheckpointChange? {
        guard payload.count >= 4 else { return nil }
        let keyEnd = 4 + Int(payload.uint16(at: 0))
        guard keyEnd <= payload.count else { return nil }
        let bytes = ByteBuffer(payload)
        let value = payload[2] == 1 ? Array(bytes.array[keyEnd...]) : nil
        return CheckpointChange(key: bytes.text(4..<keyEnd), value: value)
    }
}

extension ByteBuffer {
    init(_ bytes: Span<UInt8>) {
        self.init(capacity: bytes.count)
        append(bytes)
    }
}

/// The values of all keys at one point of the log.
struct Checkpoints: Sendable, Equatable {
    private(set) var values: [String: [UInt8]] = [:]

    mutating func apply(_ changes: [CheckpointChange]) {
        for change in changes { values[change.key] = change.value }
    }

    /// Bytes that `append` needs.
    var recordBytes: Int {
        values.reduce(0) { $0 + RecordCoding.recordBytes(payload: 4 + $1.key.utf8.count + $1.value.count) }
    }

    /// Appends a record for each key.
    func append(offset: UInt64, coding: RecordCoding, to buffer: inout ByteBuffer) {
        for (key, value) in values.sorted(by: { $0.key < $1.key }) {
            let payload = CheckpointCoding.payload(key, value)
            coding.append(.checkpoint, payload.span, offset: offset, endsBatch: true, to: &buffer)
        }
    }
}
