/// Which plain bytes are done once so many bytes of ciphertext are.
///
/// A byte of plain text counts as acknowledged, or read, when the whole TLS record that holds it is: the peer can do
/// nothing with half of one.
struct CipherMarks {
    private var marks: [(plain: UInt64, cipher: UInt64)] = []
    // The first marks that are not acknowledged, and not proven; those before both are of no more use.
    private var nextAcknowledged = 0
    private var nextProven = 0
    /// Plain bytes that are acknowledged.
    private(set) var acknowledged: UInt64 = 0
    /// Plain bytes that the peer has proven to have read.
    private(set) var proven: UInt64 = 0

    /// Another record has been written: up to here in plain bytes, and in bytes on the wire.
    mutating func add(plain: UInt64, cipher: UInt64) {
        marks.append((plain, cipher))
    }

    /// The first bytes on the wire are acknowledged, and some of them proven.
    mutating func advance(acknowledged bytes: UInt64, proven provenBytes: UInt64) {
        while nextAcknowledged < marks.count, marks[nextAcknowledged].cipher <= bytes {
            acknowledged = marks[nextAcknowledged].plain
            nextAcknowledged += 1
        }
        while nextProven < nextAcknowledged, marks[nextProven].cipher <= provenBytes {
            proven = marks[nextProven].plain
            nextProven += 1
        }
        guard nextProven > 256 else { return }
        marks.removeSubrange(..<nextProven)
        nextAcknowledged -= nextProven
        nextProven = 0
    }
}
