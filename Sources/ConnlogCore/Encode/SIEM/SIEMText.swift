internal import ConnlogSystem

/// Writes values of a record so that they mean the same in another format.
///
/// Whoever names a workspace, gives a reason or sends a user agent must neither begin a field of their own nor turn the text
/// around it. What a terminal acts upon (control characters, U+0080 to U+009F, U+2028, U+2029, and marks that turn the
/// direction of text, U+202A to U+202E and U+2066 to U+2069) is therefore escaped in JSON, and a blank in formats that have no
/// escape for it.
struct SIEMText: Sendable {
    /// Where a value goes.
    enum Style {
        /// Between the quotes of a JSON string.
        case json
        /// CEF's extension: `\` and `=` get a backslash, line ends are `\n` and `\r`, a pipe stays.
        case cef
        /// LEEF's attributes, which have no escape: only what is no text becomes a blank.
        case leef
    }

    /// A byte becomes at most this many.
    static let growthMax = 6
    /// Room that a writer must have after the last byte.
    static let slack = 16

    private var scratch = ByteBuffer()

    /// Writes what a JSON string means, or a number.
    /// - Parameter bytesMax: what is longer, before any escape, is cut between two characters.
    mutating func append(
        _ text: TextRange, of record: Span<UInt8>, as style: Style, bytesMax: Int = .max, to writer: inout ByteWriter
    ) {
        if text.hasEscapes {
            scratch.removeAll()
            JSONText.unescape(record, text.range, into: &scratch)
            SIEMText.append(scratch.span, 0..<scratch.count, as: style, bytesMax: bytesMax, to: &writer)
        } else {
            SIEMText.append(record, text.range, as: style, bytesMax: bytesMax, to: &writer)
        }
    }

    /// Writes plain text.
    static func append(
        _ bytes: Span<UInt8>, _ range: Range<Int>, as style: Style, bytesMax: Int = .max, to writer: inout ByteWriter
    ) {
        let end = range.count <= bytesMax ? range.upperBound : cut(bytes, range, bytesMax)
        var next = range.lowerBound
        while true {
            switch style {
            case .json: next += writer.appendText(bytes, next..<end, except: .quotes)
            case .cef: next += writer.appendText(bytes, next..<end, except: .equals)
            case .leef: next += writer.appendText(bytes, next..<end, except: .hidden)
            }
            if next >= end { return }
            next += appendSpecial(bytes, next..<end, as: style, to: &writer)
        }
    }

    /// Writes a name that a directory knows. Allocates.
    static func append(_ name: String, as style: Style, bytesMax: Int = .max, to writer: inout ByteWriter) {
        let bytes = Array(name.utf8)
        append(bytes.span, 0..<bytes.count, as: style, bytesMax: bytesMax, to: &writer)
    }

    /// Writes a word for a header whose parts end with a pipe.
    /// - Parameter escapes: a pipe and a backslash get a backslash (CEF); if not, a pipe becomes `_` (LEEF).
    mutating func appendHeader(
        _ text: TextRange, of record: Span<UInt8>, escapes: Bool, bytesMax: Int, to writer: inout ByteWriter
    ) {
        scratch.removeAll()
        JSONText.unescape(record, text.range, into: &scratch)
        var place = 0
        let end = scratch.count <= bytesMax ? scratch.count : SIEMText.cut(scratch.span, 0..<scratch.count, bytesMax)
        while place < end {
            let byte = scratch[place]
            let hidden = SIEMText.hiddenBytes(scratch.span, place..<end)
            if hidden > 0 {
                writer.append(UInt8(ascii: " "))
            } else if byte == UInt8(ascii: "|") {
                writer.append(escapes ? "\\|" : "_")
            } else if byte == UInt8(ascii: "\\"), escapes {
                writer.append("\\\\")
            } else {
                writer.append(byte)
            }
            place += max(hidden, 1)
        }
    }

    private static func cut(_ bytes: Span<UInt8>, _ range: Range<Int>, _ bytesMax: Int) -> Int {
        var end = range.lowerBound + bytesMax
        while end > range.lowerBound, bytes[end] & 0xc0 == 0x80 { end -= 1 }
        return end
    }

    // MARK: What may not stand as it is

    /// Writes the first bytes of `range`, of which the first may not simply be copied.
    /// - Returns: how many.
    @inline(never)
    private static func appendSpecial(
        _ bytes: Span<UInt8>, _ range: Range<Int>, as style: Style, to writer: inout ByteWriter
    ) -> Int {
        let hidden = hiddenBytes(bytes, range)
        let byte = bytes[range.lowerBound]
        switch (style, byte) {
        case (.cef, 0x0a): writer.append("\\n")
        case (.cef, 0x0d):
            // One line end is one, whatever it is made of.
            if range.count > 1, bytes[range.lowerBound + 1] == 0x0a { return 1 }
            writer.append("\\r")
        case (.json, _) where hidden > 0: appendEscape(bytes, range.lowerBound, hidden, to: &writer)
        case (_, _) where hidden > 0: writer.append(UInt8(ascii: " "))
        case (.json, UInt8(ascii: "\"")), (_, UInt8(ascii: "\\")), (.cef, UInt8(ascii: "=")):
            writer.append(UInt8(ascii: "\\"))
            writer.append(byte)
        default: writer.append(byte)
        }
        return max(hidden, 1)
    }

    /// How many bytes the character has that `range` begins with, if it must not be shown; else 0.
    private static func hiddenBytes(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Int {
        let byte = bytes[range.lowerBound]
        if byte < 0x20 || byte == 0x7f { return 1 }
        return byte == 0xc2 || byte == 0xe2 ? SyslogTextWriter.hiddenBytes(bytes, range) : 0
    }

    /// `\n`, `\u009b`.
    private static func appendEscape(_ bytes: Span<UInt8>, _ place: Int, _ length: Int, to writer: inout ByteWriter) {
        let scalar = UTF8Text.scalar(bytes, place, length)
        switch scalar {
        case 0x08: return writer.append("\\b")
        case 0x09: return writer.append("\\t")
        case 0x0a: return writer.append("\\n")
        case 0x0c: return writer.append("\\f")
        case 0x0d: return writer.append("\\r")
        default: break
        }
        writer.append("\\u")
        for shift in stride(from: UInt32(12), through: 0, by: -4) {
            let digit = UInt8(truncatingIfNeeded: scalar >> shift & 15)
            writer.append(digit < 10 ? digit + 0x30 : digit - 10 + UInt8(ascii: "a"))
        }
    }
}
