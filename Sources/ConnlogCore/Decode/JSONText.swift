package import ConnlogSystem

/// The insides of JSON strings: escaped to plain and back.
package enum JSONText {
    /// Escaping makes at most this many bytes of one.
    package static let growthMax = 6

    /// Writes what a JSON string means, in UTF-8; at most as many bytes as `range` has.
    ///
    /// Half a surrogate pair becomes U+FFFD. What is not a JSON string's inside is copied as it is.
    package static func unescape(_ bytes: Span<UInt8>, _ range: Range<Int>, into writer: inout ByteWriter) {
        var place = range.lowerBound
        while place < range.upperBound {
            let byte = bytes[place]
            guard byte == UInt8(ascii: "\\"), place + 1 < range.upperBound else {
                writer.append(byte)
                place += 1
                continue
            }
            place = unescapeOne(bytes, place, range.upperBound, into: &writer)
        }
    }

    /// One escape; returns the place after it.
    private static func unescapeOne(
        _ bytes: Span<UInt8>, _ place: Int, _ end: Int, into writer: inout ByteWriter
    ) -> Int {
        switch bytes[place + 1] {
        case UInt8(ascii: "n"): writer.append(0x0a)
        case UInt8(ascii: "t"): writer.append(0x09)
        case UInt8(ascii: "r"): writer.append(0x0d)
        case UInt8(ascii: "b"): writer.append(0x08)
        case UInt8(ascii: "f"): writer.append(0x0c)
        case UInt8(ascii: "u"):
            guard let unit = codeUnit(bytes, place, end) else {
                writer.append(bytes[place])
                return place + 1
            }
            if unit >= 0xd800, unit < 0xdc00, let low = codeUnit(bytes, place + 6, end), low >= 0xdc00, low < 0xe000 {
                appendScalar(0x10000 + (unit - 0xd800) << 10 + (low - 0xdc00), to: &writer)
                return place + 12
            }
            appendScalar(unit >= 0xd800 && unit < 0xe000 ? 0xfffd : unit, to: &writer)
            return place + 6
        default: writer.append(bytes[place + 1])
        }
        return place + 2
    }

    /// The number of `\u0123` at `place`.
    private static func codeUnit(_ bytes: Span<UInt8>, _ place: Int, _ end: Int) -> UInt32? {
        guard place + 6 <= end, bytes[place] == UInt8(ascii: "\\"), bytes[place + 1] == UInt8(ascii: "u") else {
            return nil
        }
        var unit: UInt32 = 0
        for digit in (place + 2)..<(place + 6) {
            guard let value = hexValue(bytes[digit]) else { return nil }
            unit = unit << 4 | UInt32(value)
        }
        return unit
    }

    static func hexValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// One character as UTF-8, at most 4 bytes; half a surrogate pair and what is above U+10FFFF as U+FFFD.
    static func appendScalar(_ number: UInt32, to writer: inout ByteWriter) {
        let scalar = Unicode.Scalar(number) ?? "\u{fffd}"
        for byte in UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter { writer.append(byte) }
    }

    /// Appends what a JSON string means.
    package static func unescape(_ bytes: Span<UInt8>, _ range: Range<Int>, into buffer: inout ByteBuffer) {
        buffer.withWriter(reserving: range.count) { unescape(bytes, range, into: &$0) }
    }

    package static func unescaped(_ bytes: Span<UInt8>, _ range: Range<Int>) -> [UInt8] {
        var buffer = ByteBuffer()
        unescape(bytes, range, into: &buffer)
        return buffer.array
    }

    /// For people and tests; the hot path has no strings.
    package static func string(_ bytes: Span<UInt8>, _ range: Range<Int>) -> String {
        String(decoding: unescaped(bytes, range), as: UTF8.self)
    }

    /// Writes UTF-8 as Go's encoder puts it between the quotes: `<`, `>`, `&`, U+2028 and U+2029 escaped too, what is
    /// not UTF-8 as `\ufffd`. At most `growthMax` bytes for each.
    package static func escape(_ bytes: Span<UInt8>, _ range: Range<Int>, into writer: inout ByteWriter) {
        var place = range.lowerBound
        while place < range.upperBound {
            let byte = bytes[place]
            if byte < 0x80 {
                escapeASCII(byte, into: &writer)
                place += 1
                continue
            }
            let length = UTF8Text.characterLength(bytes, place, range.upperBound)
            if length == 0 {
                writer.append("\\ufffd")
                place += 1
            } else if length == 3, byte == 0xe2, bytes[place + 1] == 0x80, bytes[place + 2] & 0xfe == 0xa8 {
                writer.append(bytes[place + 2] == 0xa8 ? "\\u2028" : "\\u2029")
                place += 3
            } else {
                for step in 0..<length { writer.append(bytes[place + step]) }
                place += length
            }
        }
    }

    private static func escapeASCII(_ byte: UInt8, into writer: inout ByteWriter) {
        switch byte {
        case UInt8(ascii: "\""): writer.append("\\\"")
        case UInt8(ascii: "\\"): writer.append("\\\\")
        case 0x0a: writer.append("\\n")
        case 0x0d: writer.append("\\r")
        case 0x09: writer.append("\\t")
        case 0x08: writer.append("\\b")
        case 0x0c: writer.append("\\f")
        case 0..<0x20, UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "&"):
            writer.append("\\u00")
            writer.append(hexDigit(byte >> 4))
            writer.append(hexDigit(byte & 15))
        default: writer.append(byte)
        }
    }

    private static func hexDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? value + UInt8(ascii: "0") : value - 10 + UInt8(ascii: "a")
    }

    /// Appends UTF-8 as Go's encoder puts it between the quotes.
    package static func escape(_ bytes: Span<UInt8>, _ range: Range<Int>, into buffer: inout ByteBuffer) {
        buffer.withWriter(reserving: range.count * growthMax) { escape(bytes, range, into: &$0) }
    }

    package static func escape(_ text: String, into buffer: inout ByteBuffer) {
        let bytes = Array(text.utf8)
        escape(bytes.span, 0..<bytes.count, into: &buffer)
    }
}

/// UTF-8 looked at byte by byte.
enum UTF8Text {
    /// How long the character at `place` is; 0 if that is not UTF-8 (overlong, a surrogate, cut off).
    static func characterLength(_ bytes: Span<UInt8>, _ place: Int, _ end: Int) -> Int {
        let first = bytes[place]
        if first < 0x80 { return 1 }
        let second = place + 1 < end ? bytes[place + 1] : 0
        let length: Int
        switch (first, second) {
        case (0xc2...0xdf, 0x80...0xbf): length = 2
        case (0xe0, 0xa0...0xbf), (0xe1...0xec, 0x80...0xbf), (0xed, 0x80...0x9f), (0xee...0xef, 0x80...0xbf):
            length = 3
        case (0xf0, 0x90...0xbf), (0xf1...0xf3, 0x80...0xbf), (0xf4, 0x80...0x8f): length = 4
        default: return 0
        }
        guard place + length <= end else { return 0 }
        for step in 2..<max(2, length) where bytes[place + step] & 0xc0 != 0x80 { return 0 }
        return length
    }

    /// The character at `place`, which `characterLength` has found to be `length` bytes long.
    static func scalar(_ bytes: Span<UInt8>, _ place: Int, _ length: Int) -> UInt32 {
        let first = UInt32(bytes[place])
        if length == 1 { return first }
        var scalar = first & (0xff >> UInt32(length + 1))
        for step in 1..<length { scalar = scalar << 6 | UInt32(bytes[place + step] & 0x3f) }
        return scalar
    }
}
