/// UUIDs in queries, in every form that Go's parser takes.
package enum UUIDText {
    /// `8-4-4-4-12` in lower case from that form, from 32 digits, `{...}` or `urn:uuid:...`; `nil` for anything else.
    package static func normalized(_ text: String) -> String? {
        var rest = Substring(text.lowercased())
        if rest.hasPrefix("urn:uuid:") { rest = rest.dropFirst(9) }
        if rest.hasPrefix("{"), rest.hasSuffix("}") { rest = rest.dropFirst().dropLast() }
        let groups = rest.split(separator: "-", omittingEmptySubsequences: false)
        let isGrouped = groups.map(\.utf8.count) == [8, 4, 4, 4, 12]
        guard isGrouped || groups.count == 1 else { return nil }
        let digits = groups.joined()
        guard digits.utf8.count == 32, digits.utf8.allSatisfy(isHex) else { return nil }
        return grouped(digits)
    }

    private static func isHex(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte)
    }

    private static func grouped(_ digits: String) -> String {
        var left = digits[...]
        return [8, 4, 4, 4, 12].map { length in
            defer { left = left.dropFirst(length) }
            return String(left.prefix(length))
        }.joined(separator: "-")
    }

    /// A random one (RFC 9562, version 4).
    package static func random() -> String {
        var generator = SystemRandomNumberGenerator()
        return random(using: &generator)
    }

    package static func random(using generator: inout some RandomNumberGenerator) -> String {
        var bytes = (0..<16).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        bytes[6] = bytes[6] & 0x0f | 0x40
        bytes[8] = bytes[8] & 0x3f | 0x80
        return grouped(Hex.text(bytes))
    }
}
