/// An IP address, or all addresses that share its first bits (CIDR).
///
/// An IPv4 address and the same one inside IPv6 (`::ffff:a.b.c.d`) are one address.
package struct AddressBlock: Sendable, Equatable {
    private let high: UInt64
    private let low: UInt64
    /// Bits that count, of 128.
    private let length: Int

    /// `203.0.113.7`, `203.0.113.0/24`, `fd7a:115c:a1e0::/48`; `nil` for anything else.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = AddressBlock.address(Array(parts[0].utf8)) else { return nil }
        let isV4 = !parts[0].contains(":")
        let bits = isV4 ? 32 : 128
        var length = bits
        if parts.count == 2 {
            guard let given = UInt8(parts[1]), given <= bits else { return nil }
            length = Int(given)
        }
        self.length = length + (isV4 ? 96 : 0)
        (high, low) = AddressBlock.masked(address.high, address.low, self.length)
    }

    /// Whether the address in these bytes lies in the block; text that is no address lies nowhere.
    package func contains(_ text: [UInt8]) -> Bool {
        guard let address = AddressBlock.address(text) else { return false }
        return AddressBlock.masked(address.high, address.low, length) == (high, low)
    }

    /// The first and the last address of the block, in 16 bytes as IPv6 has them.
    package var bytes: (lowest: [UInt8], highest: [UInt8]) {
        let rest = AddressBlock.masked(.max, .max, length)
        return (AddressBlock.bytes(high, low), AddressBlock.bytes(high | ~rest.0, low | ~rest.1))
    }

    private static func bytes(_ high: UInt64, _ low: UInt64) -> [UInt8] {
        [high, low].flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(56 - 8 * $0)) } }
    }

    private static func masked(_ high: UInt64, _ low: UInt64, _ length: Int) -> (UInt64, UInt64) {
        func mask(_ bits: Int) -> UInt64 { bits <= 0 ? 0 : bits >= 64 ? .max : ~(UInt64.max >> UInt64(bits)) }
        return (high & mask(length), low & mask(length - 64))
    }

    private static func address(_ text: [UInt8]) -> (high: UInt64, low: UInt64)? {
        if text.contains(UInt8(ascii: ":")) { return v6(text) }
        return v4(text[...]).map { (0, 0xffff_0000_0000 | UInt64($0)) }
    }

    private static func v4(_ text: ArraySlice<UInt8>) -> UInt32? {
        let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var address: UInt32 = 0
        for part in parts {
            guard (1...3).contains(part.count), let value = number(part, radix: 10), value < 256 else { return nil }
            address = address << 8 | value
        }
        return address
    }

    private static func v6(_ text: [UInt8]) -> (high: UInt64, low: UInt64)? {
        let colon = UInt8(ascii: ":")
        guard let gap = text.indices.dropLast().first(where: { text[$0] == colon && text[$0 + 1] == colon }) else {
            return groups(text[...]).flatMap { $0.count == 8 ? joined($0) : nil }
        }
        guard let head = groups(text[..<gap]), let tail = groups(text[(gap + 2)...]) else { return nil }
        let missing = 8 - head.count - tail.count
        return missing > 0 ? joined(head + Array(repeating: 0, count: missing) + tail) : nil
    }

    /// The 16-bit groups between colons; the last one may be an IPv4 address.
    private static func groups(_ text: ArraySlice<UInt8>) -> [UInt64]? {
        if text.isEmpty { return [] }
        var parts = text.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        var tail: [UInt64] = []
        if let last = parts.last, last.contains(UInt8(ascii: ".")) {
            guard let address = v4(last) else { return nil }
            tail = [UInt64(address >> 16), UInt64(address & 0xffff)]
            parts.removeLast()
        }
        var groups: [UInt64] = []
        for part in parts {
            guard (1...4).contains(part.count), let value = number(part, radix: 16) else { return nil }
            groups.append(UInt64(value))
        }
        return groups + tail
    }

    private static func joined(_ groups: [UInt64]) -> (high: UInt64, low: UInt64) {
        (groups[0..<4].reduce(0) { $0 << 16 | $1 }, groups[4..<8].reduce(0) { $0 << 16 | $1 })
    }

    private static func number(_ digits: ArraySlice<UInt8>, radix: Int) -> UInt32? {
        guard digits.allSatisfy({ $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "-") }) else { return nil }
        return UInt32(String(decoding: digits, as: UTF8.self), radix: radix)
    }
}
