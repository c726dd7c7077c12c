import ConnlogSystem

/// Text that others can influence, made fit for a terminal and for a line of a log.
///
/// Whoever names a workspace, gives a reason or sends a user agent must neither move the cursor of whoever looks, nor
/// colour or turn their text, nor begin a line of their own. So what a terminal acts upon is written as JSON writes it:
///
///     control characters (U+0000-001F, U+007F-009F)      \n  \r  \t  \u001b  \u009b
///     direction marks and other format characters (Cf)   \u202e  \u200b  \ufeff
///     line and paragraph separators                      \u2028  \u2029
///     a byte that is no UTF-8                            \ufffd
///
/// The rest stays as it is, a backslash too: what was JSON before is the same JSON afterwards.
public enum TerminalText {
    /// For one line: nothing in it ends it.
    public static func line(_ text: String) -> String { cleaned(text, keepsLines: false) }

    /// For several lines: line feeds stay.
    public static func lines(_ text: String) -> String { cleaned(text, keepsLines: true) }

    /// The text itself, or its first bytes and how many there were.
    package static func cut(_ text: String, bytesMax: Int) -> String {
        guard text.utf8.count > bytesMax else { return text }
        // A character that would be cut in two is left out.
        var end = text.utf8.index(text.startIndex, offsetBy: max(0, bytesMax))
        while end.samePosition(in: text.unicodeScalars) == nil { end = text.utf8.index(before: end) }
        return "\(String(text.unicodeScalars[..<end]))... (cut; \(text.utf8.count) bytes)"
    }

    /// Whether a terminal would act upon it.
    package static func isActive(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.value < 0x7f { return scalar.value < 0x20 }
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: return true
        default: return false
        }
    }

    private static func cleaned(_ text: String, keepsLines: Bool) -> String {
        if text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7f }) { return text }
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if isActive(scalar), !(keepsLines && scalar == "\n") {
                result.append(contentsOf: escape(scalar).unicodeScalars)
            } else {
                result.append(scalar)
            }
        }
        return String(result)
    }

    /// As it stands in a JSON string: `\u009b`; above U+FFFF in two halves.
    static func escape(_ scalar: Unicode.Scalar) -> String {
        switch scalar {
        case "\n": "\\n"
        case "\r": "\\r"
        case "\t": "\\t"
        default:
            UTF16.encode(scalar).map { units in
                units.map { unit in
                    let digits = String(unit, radix: 16)
                    return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
                }.joined()
            } ?? "\\ufffd"
        }
    }
}

/// Cleans bytes on their way to a terminal, in pieces that may be cut anywhere.
///
/// Line feeds stay, a carriage return before one goes; what else a terminal acts upon is written as `TerminalText` does.
/// Between the quotes of CSV a line feed is escaped too, so that a cell cannot look like a row.
package struct TerminalFilter: Sendable {
    package enum Form: Sendable { case lines, csv }

    private let form: Form
    private var isQuoted = false
    /// The beginning of a character, or a carriage return, whose next byte is yet to come.
    private var rest: [UInt8] = []

    package init(_ form: Form = .lines) { self.form = form }

    /// What may be written now.
    package mutating func clean(_ bytes: Span<UInt8>) -> [UInt8] {
        var input = ByteBuffer(rest)
        input.append(bytes)
        rest = []
        return clean(input.span, isEnd: false)
    }

    package mutating func clean(_ bytes: [UInt8]) -> [UInt8] { clean(bytes.span) }

    /// What was held back; nothing comes after it.
    package mutating func finish() -> [UInt8] {
        let last = rest
        rest = []
        return clean(last.span, isEnd: true)
    }

    private mutating func clean(_ bytes: Span<UInt8>, isEnd: Bool) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(bytes.count)
        var place = 0
        while place < bytes.count {
            let byte = bytes[place]
            if byte >= 0x20, byte < 0x7f {
                if byte == UInt8(ascii: "\""), form == .csv { isQuoted.toggle() }
                output.append(byte)
                place += 1
            } else if byte < 0x80 {
                guard takeControl(bytes, &place, isEnd, &output) else { return output }
            } else {
                guard takeWide(bytes, &place, isEnd, &output) else { return output }
            }
        }
        return output
    }

    /// One ASCII control character. `false` if the next byte must be seen first.
    private mutating func takeControl(
        _ bytes: Span<UInt8>, _ place: inout Int, _ isEnd: Bool, _ output: inout [UInt8]
    ) -> Bool {
        let byte = bytes[place]
        if byte == 0x0d, !isQuoted {
            guard place + 1 < bytes.count || isEnd else {
                rest = [byte]
                return false
            }
            if place + 1 < bytes.count, bytes[place + 1] == 0x0a {
                place += 1
                return true
            }
        }
        place += 1
        if byte == 0x0a, !isQuoted {
            output.append(byte)
        } else {
            output += TerminalText.escape(Unicode.Scalar(byte)).utf8
        }
        return true
    }

    /// One character above ASCII. `false` if more of it must be seen first.
    private mutating func takeWide(
        _ bytes: Span<UInt8>, _ place: inout Int, _ isEnd: Bool, _ output: inout [UInt8]
    ) -> Bool {
        let length = UTF8Text.characterLength(bytes, place, bytes.count)
        if length == 0 {
            if !isEnd, TerminalFilter.mayGoOn(bytes, place) {
                rest = (place..<bytes.count).map { bytes[$0] }
                return false
            }
            output += "\\ufffd".utf8
            place += 1
            return true
        }
        let scalar = Unicode.Scalar(UTF8Text.scalar(bytes, place, length)) ?? "\u{fffd}"
        if TerminalText.isActive(scalar) {
            output += TerminalText.escape(scalar).utf8
        } else {
            for step in 0..<length { output.append(bytes[place + step]) }
        }
        place += length
        return true
    }

    /// Whether what stands from `place` to the end may be the beginning of a character.
    private static func mayGoOn(_ bytes: Span<UInt8>, _ place: Int) -> Bool {
        let wanted =
            switch bytes[place] {
            case 0xc2...0xdf: 2
            case 0xe0...0xef: 3
            case 0xf0...0xf4: 4
            default: 0
            }
        guard bytes.count - place < wanted else { return false }
        return (place + 1..<bytes.count).allSatisfy { bytes[$0] & 0xc0 == 0x80 }
    }
}
