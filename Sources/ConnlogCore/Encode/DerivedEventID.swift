package import ConnlogSystem

/// An event id for the rare record that brings none: the same record always gets the same one.
///
/// `derived-` and 16 hexadecimal digits of the record's FNV-1a hash.
package enum DerivedEventID {
    /// How many bytes `write` writes.
    package static let length = 24

    package static func write(_ record: Span<UInt8>, into writer: inout ByteWriter) {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for place in record.indices { hash = (hash ^ UInt64(record[place])) &* 0x100_0000_01b3 }
        writer.append("derived-")
        for digit in 0..<16 {
            let value = UInt8(truncatingIfNeeded: hash >> UInt64(60 - digit * 4)) & 15
            writer.append(value < 10 ? value + UInt8(ascii: "0") : value - 10 + UInt8(ascii: "a"))
        }
    }
}
