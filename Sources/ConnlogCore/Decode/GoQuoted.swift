internal import ConnlogSystem

/// Text in the quotes of Go's `strconv.Quote`.
enum GoQuoted {
    /// The place of the closing quote of a text whose opening one is at `start`; `nil` if there is none.
    static func end(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> Int? {
        var place = start + 1
        while place < end {
            switch bytes[place] {
            case UInt8(ascii: "\""): return place
            case UInt8(ascii: "\\"): place += 2
            default: place += 1
            }
        }
        return nil
    }

    /// Appends what is meant by the inside of the quotes. `\x` and octal escapes are bytes, so it may not be UTF-8.
    ///
    /// - Returns: `false` for an escape that Go does not know; what was appended is then meaningless.
    static func unquote(_ bytes: Span<UInt8>, _ range: Range<Int>, into out: inout ByteBuffer) -> Bool {
        var place = range.lowerBound
        while place < range.upperBound {
            if bytes[place] != UInt8(ascii: "\\") {
                out.append(bytes[place])
                place += 1
                continue
            }
            guard let length = escape(bytes, place + 1, range.upperBound, into: &out) else { return false }
            place += 1 + length
        }
        return true
    }

    /// One escape, from after the backslash; returns its length.
    private static func escape(
        _ bytes: Span<UInt8>, _ place: Int, _ end: Int, into out: inout ByteBuffer
    ) -> Int? {
        guard place < end else { return nil }
        switch bytes[place] {
        case UInt8(ascii: "a"): out.append(0x07)
        case UInt8(ascii: "b"): out.append(0x08)
        case UInt8(ascii: "f"): out.append(0x0c)
        case UInt8(ascii: "n"): out.append(0x0a)
        case UInt8(ascii: "r"): out.append(0x0d)
        case UInt8(ascii: "t"): out.append(0x09)
        case UInt8(ascii: "v"): out.append(0x0b)
        case UInt8(ascii: "\\"), UInt8(ascii: "'"), UInt8(ascii: "\""): out.append(bytes[place])
        case UInt8(ascii: "x"):
            guard let byte = number(bytes, place + 1, 2, end, radix: 16) else { return nil }
            out.append(UInt8(truncatingIfNeeded: byte))
            return 3
        case UInt8(ascii: "u"), UInt8(ascii: "U"):
            let digits = bytes[place] == UInt8(ascii: "u") ? 4 : 8
            guard let scalar = number(bytes, place + 1, digits, end, radix: 16) else { return nil }
            out.withWriter(reserving: 4) { JSONText.appendScalar(scalar, to: &$0) }
            return 1 + digits
        case UInt8(ascii: "0")...UInt8(ascii: "7"):
            guard let byte = number(bytes, place, 3, end, radix: 8), byte < 256 else { return nil }
            out.append(UInt8(byte))
            return 3
        default: return nil
        }
        return 1
    }

    private static func number(
        _ bytes: Span<UInt8>, _ place: Int, _ digits: Int, _ end: Int, radix: UInt32
    ) -> UInt32? {
        guard place + digits <= end else { return nil }
        var value: UInt32 = 0
        for step in 0..<digits {
            guard let digit = JSONText.hexValue(bytes[place + step]), digit < radix else { return nil }
            value = value &* radix &+ UInt32(digit)
        }
        return value
    }
}
