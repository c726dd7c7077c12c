internal import ConnlogSystem

/// The beginning of a line that cannot be read, for whoever looks after connlog: enough to know what wrote it, and
/// nothing of whom it is about.
enum LineBeginning {
    private static let bytesMax = 120

    /// At most 120 bytes, and none of an event's fields, made printable: what a terminal would obey or hide stands there
    /// as `\\x1b` or `\\u{202e}`.
    static func text(_ line: Span<UInt8>) -> String {
        let end = end(line)
        var bytes = [UInt8]()
        for place in 0..<end { bytes.append(line[place]) }
        var text = ""
        for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
            if isPlain(scalar) {
                text.unicodeScalars.append(scalar)
            } else {
                let digits = String(scalar.value, radix: 16)
                text += scalar.value > 0xff ? "\\u{\(digits)}" : "\\x" + (digits.count < 2 ? "0" : "") + digits
            }
        }
        return end < line.count ? text + "…" : text
    }

    /// Where the fields begin: after the message of an entry of coderd's, else before the first value.
    private static func end(_ line: Span<UInt8>) -> Int {
        var end = min(line.count, bytesMax)
        while end > 0, end < line.count, line[end] & 0xc0 == 0x80 { end -= 1 }
        let shown = 0..<end
        if let fields = firstIndex(of: "\"fields\":", in: line, shown) { return fields }
        if let word = firstIndex(of: "connection_log", in: line, shown) { return word + 14 }
        if hasPrefix(line, at: 0, "{\"ts\":") { return end }
        let sign = line.count > 0 && line[0] == UInt8(ascii: "{") ? UInt8(ascii: ":") : UInt8(ascii: "=")
        return firstIndex(of: sign, in: line, shown).map { $0 + 1 } ?? end
    }

    /// No control character of either set, and nothing that changes the direction of what follows or cannot be seen.
    private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7f..<0xa0, 0x61c, 0x200b...0x200f, 0x2028...0x202e, 0x2060...0x206f, 0xfeff: false
        default: true
        }
    }
}
