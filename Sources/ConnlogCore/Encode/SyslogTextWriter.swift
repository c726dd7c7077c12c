internal import ConnlogSystem

/// Writes values of a record as syslog wants them.
///
/// Control characters and DEL become `#` and three octal digits, as the example of RFC 5424 §8.2 has it, so that no data
/// can end a message, whatever the framing.
struct SyslogTextWriter: Sendable {
    /// A byte of a record becomes at most this many.
    static let growthMax = 4
    /// Room that a writer must have behind the last byte.
    static let slack = 48

    /// Where a value goes.
    enum Place {
        /// Between the quotes of a parameter: `"`, `\` and `]` get a backslash (RFC 5424 §6.3.3).
        case parameter
        case message
    }

    private var scratch = ByteBuffer()

    /// Writes what a JSON string means, or a number.
    @inline(__always)
    mutating func append(_ text: TextRange, of record: Span<UInt8>, in place: Place, to writer: inout ByteWriter) {
        if text.hasEscapes {
            appendUnescaped(text.range, of: record, in: place, to: &writer)
        } else {
            SyslogTextWriter.append(record, text.range, in: place, to: &writer)
        }
    }

    private mutating func appendUnescaped(
        _ range: Range<Int>, of record: Span<UInt8>, in place: Place, to writer: inout ByteWriter
    ) {
        scratch.removeAll()
        JSONText.unescape(record, range, into: &scratch)
        SyslogTextWriter.append(scratch.span, 0..<scratch.count, in: place, to: &writer)
    }

    /// Writes plain text.
    @inline(__always)
    static func append(_ bytes: Span<UInt8>, _ range: Range<Int>, in place: Place, to writer: inout ByteWriter) {
        var next = range.lowerBound
        while true {
            next += writer.appendSyslogText(bytes, next..<range.upperBound, inParameter: place == .parameter)
            if next >= range.upperBound { return }
            appendSpecial(bytes[next], to: &writer)
            next += 1
        }
    }

    /// Writes a record. A control character can only stand between JSON's tokens, where a blank means the same, and DEL
    /// only in a string, where it may be escaped.
    /// - Returns: whether it is ASCII.
    static func appendJSON(_ record: Span<UInt8>, to writer: inout ByteWriter) -> Bool {
        var next = 0
        var isASCII = true
        while true {
            next += writer.appendSyslogMessage(record, from: next, isASCII: &isASCII)
            if next >= record.count { return isASCII }
            if record[next] == 0x7f { writer.append("\\u007f") } else { writer.append(UInt8(ascii: " ")) }
            next += 1
        }
    }

    private static func appendSpecial(_ byte: UInt8, to writer: inout ByteWriter) {
        if byte >= 0x20, byte != 0x7f {
            writer.append(UInt8(ascii: "\\"))
            return writer.append(byte)
        }
        writer.append(UInt8(ascii: "#"))
        writer.append(UInt8(ascii: "0") + byte >> 6)
        writer.append(UInt8(ascii: "0") + (byte >> 3 & 7))
        writer.append(UInt8(ascii: "0") + (byte & 7))
    }
}
