import ConnlogSystem
import ConnlogTestSupport
import Testing

@Suite struct IPAddressTests {
    @Test func `an address has its bits, and anything else is none`() throws {
        let v4 = try #require(IPAddress(Array("203.0.113.7".utf8)))
        #expect(v4.high == 0 && v4.low == 0xffff_cb00_7107)
        #expect(IPAddress(Array("::ffff:203.0.113.7".utf8)) == v4)
        let v6 = try #require(IPAddress(Array("fd7a:115c:a1e0:4b86:9046:80e:6c70:33b7".utf8)))
        #expect(v6.high == 0xfd7a_115c_a1e0_4b86 && v6.low == 0x9046_080e_6c70_33b7)
        let longest = "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255"
        #expect(IPAddress(Array(longest.utf8))?.low == .max)
        let others = [
            "", " ", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.4/8", "1.2.3.4 ", "1.2.3.4\0", "1.2.3.4\0x",
            ":::",
            "1::2::3", "12345::", "g::1", "fe80::1%eth0", "[::1]", "1.2.3.4::", longest + "5", longest + ":0",
            String(repeating: "1", count: 1000),
        ]
        for text in others { #expect(IPAddress(Array(text.utf8)) == nil, "\(text)") }
    }

    @Test(arguments: 0..<20) func `random texts are read as the slow way reads them`(seed: UInt64) {
        var generator = SeededGenerator(seed)
        let pieces = ["0", "1", "25", "255", "256", "09", "f", "a1e0", "ffff", "::", ":", ".", "/", "%", "-1"]
        for _ in 0..<5000 {
            let count = Int.random(in: 0...16, using: &generator)
            var text = (0..<count).map { _ in pieces.randomElement(using: &generator) ?? "" }.joined()
            if Bool.random(using: &generator) {
                text = (0..<4).map { _ in String(Int.random(in: 0...260, using: &generator)) }.joined(separator: ".")
                if Bool.random(using: &generator) { text = "64:ff9b::" + text }
            }
            let found = IPAddress(Array(text.utf8))
            let expected = SlowAddress.address(Array(text.utf8))
            #expect(found?.high == expected?.high && found?.low == expected?.low, "\(text), seed \(seed)")
        }
    }
}

/// The slow and obvious way to read an address.
private enum SlowAddress {
    static func address(_ text: [UInt8]) -> (high: UInt64, low: UInt64)? {
        if text.contains(UInt8(ascii: ":")) { return v6(text) }
        return v4(text[...]).map { (0, 0xffff_0000_0000 | UInt64($0)) }
    }

    private static func v4(_ text: ArraySlice<UInt8>) -> UInt32? {
        let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var address: UInt32 = 0
        for part in parts {
            guard (1...3).contains(part.count), let value = number(part, radix: 10), value < 256,
                part.count == 1 || part.first != UInt8(ascii: "0")
            else { return nil }
            address = address << 8 | value
        }
        return address
    }

    private static func v6(_ text: [UInt8]) -> (high: UInt64, low: UInt64)? {
        let colon = UInt8(ascii: ":")
        guard let gap = text.indices.dropLast().first(where: { text[$0] == colon && text[$0 + 1] == colon }) else {
            return groups(text[...]).flatMap { $0.count == 8 ? joined($0) : nil }
        }
        guard !text[..<gap].contains(UInt8(ascii: ".")), let head = groups(text[..<gap]),
            let tail = groups(text[(gap + 2)...])
        else { return nil }
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
