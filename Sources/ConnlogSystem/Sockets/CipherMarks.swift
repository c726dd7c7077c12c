/// Which plain bytes are done once so many bytes of ciphertext are acknowledged.
///
/// A byte of plain text counts as acknowledged when the whole TLS record that holds it does: the peer can do nothing
/// with half of one.
struct CipherMarks {
    private var marks: [(plain: UInt64, cipher: UInt64)] = []
    private var next = 0
    /// Plain bytes that are acknowledged.
    private(set) var acknowledged: UInt64 = 0

    /// Another record has been written: up to here in plain bytes, and in bytes on the wire.
    mutating func add(plain: UInt64, cipher: UInt64) {
        marks.append((plain, cipher))
    }

    /// The first `bytes` bytes on the wire are acknowledged.
    mutating func acknowledge(_ bytes: UInt64) {
        while next < marks.count, marks[next].cipher <= bytes {
            acknowledged = marks[next].plain
            next += 1
        }
        guard next > 256 else { return }
        marks.removeSubrange(..<next)
        next = 0
    }
}
