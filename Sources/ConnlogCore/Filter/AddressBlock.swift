internal import ConnlogSystem

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
        guard let address = IPAddress(Array(parts[0].utf8)) else { return nil }
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
        guard let address = IPAddress(text) else { return false }
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
}
