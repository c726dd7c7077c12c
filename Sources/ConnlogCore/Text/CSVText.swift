package import ConnlogSystem

/// Comma-separated values (RFC 4180) for spreadsheets: every cell that is not empty stands in quotes, so that it stays one cell
/// where a `;` separates too, and none of them is a formula.
///
/// A spreadsheet takes a cell that begins with `=`, `+`, `-`, `@` (or their wide forms), a tab or a line end for a formula,
/// and user agents and close reasons come from outside. Such cells get a `'` in front, but for plain numbers such as `-1`.
package enum CSVText {
    /// A cell of `count` bytes needs at most so many.
    package static func bytesMax(_ count: Int) -> Int { 2 * count + 3 }

    package static let rowEnd = "\r\n"

    /// One row with its end.
    package static func row(_ cells: some Sequence<String?>) -> String {
        var text = ""
        var isFirst = true
        for value in cells {
            if !isFirst { text += "," }
            isFirst = false
            guard let value, !value.isEmpty else { continue }
            guard isPlain(value) else {
                text += cell(value)
                continue
            }
            text += "\""
            text += value
            text += "\""
        }
        text += rowEnd
        return text
    }

    /// No quote in it, and a first letter or digit that begins no formula: most of what is written.
    private static func isPlain(_ text: String) -> Bool {
        guard let first = text.utf8.first else { return false }
        switch first {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: return text.utf8.allSatisfy { $0 != UInt8(ascii: "\"") }
        default: return false
        }
    }

    /// A cell for programs, in quotes, formula or not (RFC 4180).
    package static func quoted(_ text: String) -> String {
        // By bytes: a letter's mark after a quote makes one character of both.
        var quoted: [UInt8] = [UInt8(ascii: "\"")]
        for byte in text.utf8 {
            if byte == UInt8(ascii: "\"") { quoted.append(byte) }
            quoted.append(byte)
        }
        return String(decoding: quoted + [UInt8(ascii: "\"")], as: UTF8.self)
    }

    package static func cell(_ text: String) -> String {
        var buffer = ByteBuffer()
        let bytes = Array(text.utf8)
        buffer.withWriter(reserving: bytesMax(bytes.count)) { write(bytes.span, 0..<bytes.count, into: &$0) }
        return buffer.text
    }

    /// The same from bytes to bytes; at most `bytesMax` of them.
    package static func write(_ bytes: Span<UInt8>, _ range: Range<Int>, into writer: inout ByteWriter) {
        if range.isEmpty { return }
        writer.append(UInt8(ascii: "\""))
        if isFormula(bytes, range) { writer.append(UInt8(ascii: "'")) }
        for place in range {
            let byte = bytes[place]
            if byte == UInt8(ascii: "\"") { writer.append(byte) }
            writer.append(byte)
        }
        writer.append(UInt8(ascii: "\""))
    }

    private static func isFormula(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
        // Blanks in front are taken away by some.
        var place = range.lowerBound
        while place < range.upperBound, bytes[place] == UInt8(ascii: " ") { place += 1 }
        guard place < range.upperBound else { return false }
        switch bytes[place] {
        case UInt8(ascii: "="), UInt8(ascii: "+"), UInt8(ascii: "@"), 0x09, 0x0a, 0x0d: return true
        case UInt8(ascii: "-"): return !isNumber(bytes, place + 1..<range.upperBound)
        case 0xef: return isWideStart(bytes, place, range.upperBound)
        default: return false
        }
    }

    private static func isNumber(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
        !range.isEmpty && range.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[$0]) }
    }

    /// U+FF0B, U+FF0D, U+FF1D or U+FF20, which East Asian spreadsheets take for `+`, `-`, `=` and `@`.
    private static func isWideStart(_ bytes: Span<UInt8>, _ place: Int, _ end: Int) -> Bool {
        guard place + 3 <= end, bytes[place + 1] == 0xbc else { return false }
        return [0x8b, 0x8d, 0x9d, 0xa0].contains(bytes[place + 2])
    }
}
