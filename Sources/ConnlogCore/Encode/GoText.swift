internal import ConnlogSystem

/// Text as Go's `strconv.Quote` writes it, and slog's rule for when it does.
enum GoText {
    /// A byte becomes at most this many, without the two quotes: a lone byte `\x00`, a character of 2 bytes `\u0085`.
    static let growthMax = 4

    /// Writes text plainly, or quoted where slog quotes it: empty, white space anywhere, or something to escape.
    static func write(_ bytes: Span<UInt8>, _ range: Range<Int>, into writer: inout ByteWriter) {
        if needsQuotes(bytes, range) {
            quote(bytes, range, into: &writer)
        } else {
            copy(bytes, range, into: &writer)
        }
    }

    static func copy(_ bytes: Span<UInt8>, _ range: Range<Int>, into writer: inout ByteWriter) {
        writer.append(bytes.extracting(range))
    }

    static func needsQuotes(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
        if range.isEmpty { return true }
        var place = range.lowerBound
        while place < range.upperBound {
            let byte = bytes[place]
            if byte > 0x20, byte < 0x7f {
                if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { return true }
                place += 1
                continue
            }
            let length = UTF8Text.characterLength(bytes, place, range.upperBound)
            guard byte >= 0x80, length > 0 else { return true }
            let scalar = Unicode.Scalar(UTF8Text.scalar(bytes, place, length))
            guard let scalar, isPrintable(scalar), !scalar.properties.isWhitespace else { return true }
            place += length
        }
        return false
    }

    static func quote(_ bytes: Span<UInt8>, _ range: Range<Int>, into writer: inout ByteWriter) {
        writer.append(UInt8(ascii: "\""))
        var place = range.lowerBound
        while place < range.upperBound {
            let length = UTF8Text.characterLength(bytes, place, range.upperBound)
            if length == 0 {
                escape(bytes[place], into: &writer)
                place += 1
            } else if length == 1 {
                quoteASCII(bytes[place], into: &writer)
                place += 1
            } else {
                quoteCharacter(bytes, place, length, into: &writer)
                place += length
            }
        }
        writer.append(UInt8(ascii: "\""))
    }

    private static func quoteASCII(_ byte: UInt8, into writer: inout ByteWriter) {
        switch byte {
        case UInt8(ascii: "\""): writer.append("\\\"")
        case UInt8(ascii: "\\"): writer.append("\\\\")
        case 0x07: writer.append("\\a")
        case 0x08: writer.append("\\b")
        case 0x0c: writer.append("\\f")
        case 0x0a: writer.append("\\n")
        case 0x0d: writer.append("\\r")
        case 0x09: writer.append("\\t")
        case 0x0b: writer.append("\\v")
        case 0x20...0x7e: writer.append(byte)
        default: escape(byte, into: &writer)
        }
    }

    private static func escape(_ byte: UInt8, into writer: inout ByteWriter) {
        writer.append("\\x")
        hex(UInt32(byte), digits: 2, into: &writer)
    }

    private static func quoteCharacter(
        _ bytes: Span<UInt8>, _ place: Int, _ length: Int, into writer: inout ByteWriter
    ) {
        let number = UTF8Text.scalar(bytes, place, length)
        if let scalar = Unicode.Scalar(number), isPrintable(scalar) {
            return writer.append(bytes.extracting(place..<(place + length)))
        }
        writer.append(number < 0x10000 ? "\\u" : "\\U")
        hex(number, digits: number < 0x10000 ? 4 : 8, into: &writer)
    }

    private static func hex(_ number: UInt32, digits: Int, into writer: inout ByteWriter) {
        for digit in (0..<digits).reversed() {
            let value = UInt8(truncatingIfNeeded: number >> UInt32(digit * 4)) & 15
            writer.append(value < 10 ? value + UInt8(ascii: "0") : value - 10 + UInt8(ascii: "a"))
        }
    }

    /// Go's `IsPrint`: letters, marks, numbers, punctuation, symbols, and of the blanks only the ASCII one.
    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII { return 0x20...0x7e ~= scalar.value }
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .spaceSeparator, .lineSeparator,
            .paragraphSeparator:
            return false
        default:
            return true
        }
    }
}
