/// RFC 4648 §4, as strict as it says.
package enum Base64 {
    private static let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let pad = UInt8(ascii: "=")

    package static func encoded(_ bytes: some Sequence<UInt8>) -> String {
        var (text, bits, count): ([UInt8], UInt32, Int) = ([], 0, 0)
        for byte in bytes {
            bits = bits << 8 | UInt32(byte)
            count += 8
            while count >= 6 {
                count -= 6
                text.append(letters[Int(bits >> UInt32(count) & 63)])
            }
        }
        if count > 0 { text.append(letters[Int(bits << UInt32(6 - count) & 63)]) }
        while text.count % 4 != 0 { text.append(pad) }
        return String(decoding: text, as: UTF8.self)
    }

    /// - Returns: `nil` for what is no base64 with its padding.
    package static func bytes(of text: Span<UInt8>) -> [UInt8]? {
        guard text.count % 4 == 0 else { return nil }
        guard text.count > 0 else { return [] }
        let padding = text[text.count - 1] == pad ? text[text.count - 2] == pad ? 2 : 1 : 0
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count / 4 * 3)
        var bits: UInt32 = 0
        for place in 0..<(text.count - padding) {
            guard let value = value(text[place]) else { return nil }
            bits = bits << 6 | value
            guard place % 4 == 3 else { continue }
            for shift in [16, 8, 0] as [UInt32] { bytes.append(UInt8(truncatingIfNeeded: bits >> shift)) }
            bits = 0
        }
        switch padding {
        case 1:
            // Of the last bits that are left none is set.
            guard bits & 3 == 0 else { return nil }
            bytes.append(UInt8(truncatingIfNeeded: bits >> 10))
            bytes.append(UInt8(truncatingIfNeeded: bits >> 2))
        case 2:
            guard bits & 15 == 0 else { return nil }
            bytes.append(UInt8(truncatingIfNeeded: bits >> 4))
        default: break
        }
        return bytes
    }

    private static func value(_ byte: UInt8) -> UInt32? {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(byte) - 65
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(byte) - 97 + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte) - 48 + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}

/// The same with letters for URLs and no padding (RFC 4648 §5).
package enum Base64URL {
    package static func encoded(_ bytes: some Sequence<UInt8>) -> String {
        let text = Base64.encoded(bytes).utf8.compactMap { letter -> UInt8? in
            switch letter {
            case UInt8(ascii: "="): nil
            case UInt8(ascii: "+"): UInt8(ascii: "-")
            case UInt8(ascii: "/"): UInt8(ascii: "_")
            default: letter
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// `nil` for anything that no encoder writes.
    package static func decoded(_ text: some Collection<UInt8>) -> [UInt8]? {
        var plain: [UInt8] = []
        plain.reserveCapacity(text.count + 3)
        for letter in text {
            switch letter {
            case UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "="): return nil
            case UInt8(ascii: "-"): plain.append(UInt8(ascii: "+"))
            case UInt8(ascii: "_"): plain.append(UInt8(ascii: "/"))
            default: plain.append(letter)
            }
        }
        // One letter more than whole bytes need is what no encoder writes, and no padding makes it so.
        if plain.count % 4 == 1 { return nil }
        while plain.count % 4 != 0 { plain.append(UInt8(ascii: "=")) }
        return Base64.bytes(of: plain.span)
    }
}
