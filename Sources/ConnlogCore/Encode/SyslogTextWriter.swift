internal import ConnlogSystem

/// Writes values of a record as syslog wants them.
///
/// Control characters become `#` and three octal digits for each byte, as the example of RFC 5424 §8.2 has it, so that no
/// data can end a message, whatever the framing, nor command a terminal that shows it: those of ASCII, DEL and U+0080 to
/// U+009F. So do U+2028 and U+2029, which end a line, and what turns the direction of text, U+202A to U+202E and U+2066
/// to U+2069: with those a value could be shown as if it were another. Only a record as a whole (`message = json`) keeps
/// what is above ASCII as it is.
struct SyslogTextWriter: Sendable {
    /// A byte of a record becomes at most this many.
    static let growthMax = 4
    /// Room that a writer must have after the last byte.
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
            next += appendSpecial(bytes, next..<range.upperBound, to: &writer)
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

    /// Writes the first bytes of `range`, of which the first may not simply be copied.
    /// - Returns: how many.
    private static func appendSpecial(
        _ bytes: Span<UInt8>, _ range: Range<Int>, to writer: inout ByteWriter
    ) -> Int {
        let byte = bytes[range.lowerBound]
        switch byte {
        case 0xc2, 0xe2:
            let hidden = hiddenBytes(bytes, range)
            for place in range.prefix(hidden) { appendOctal(bytes[place], to: &writer) }
            if hidden == 0 { writer.append(byte) }
            return max(hidden, 1)
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "]"):
            writer.append(UInt8(ascii: "\\"))
            writer.append(byte)
        default: appendOctal(byte, to: &writer)
        }
        return 1
    }

    /// How many bytes of UTF-8 the character is that `range` begins with, if it is one that must not be shown; else 0.
    static func hiddenBytes(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Int {
        guard range.count >= 2 else { return 0 }
        let second = bytes[range.lowerBound + 1]
        if bytes[range.lowerBound] == 0xc2 { return 0x80...0x9f ~= second ? 2 : 0 }
        guard range.count >= 3 else { return 0 }
        switch (second, bytes[range.lowerBound + 2]) {
        case (0x80, 0xa8...0xae), (0x81, 0xa6...0xa9): return 3
        default: return 0
        }
    }

    private static func appendOctal(_ byte: UInt8, to writer: inout ByteWriter) {
        writer.append(UInt8(ascii: "#"))
        writer.append(UInt8(ascii: "0") + byte >> 6)
        writer.append(UInt8(ascii: "0") + (byte >> 3 & 7))
        writer.append(UInt8(ascii: "0") + (byte & 7))
    }
}
