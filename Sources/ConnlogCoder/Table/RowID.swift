/// A UUID in 16 bytes.
package struct RowID: Sendable, Hashable {
    let high: UInt64
    let low: UInt64

    /// `8-4-4-4-12` hexadecimal digits, as Coder writes them; `nil` for anything else.
    package init?(_ text: String) {
        var words: (UInt64, UInt64) = (0, 0)
        var place = 0
        for byte in text.utf8 {
            let isDash = place == 8 || place == 13 || place == 18 || place == 23
            defer { place += 1 }
            if isDash {
                guard byte == UInt8(ascii: "-") else { return nil }
                continue
            }
            guard let digit = RowID.value(byte) else { return nil }
            words = (words.0 << 4 | words.1 >> 60, words.1 << 4 | UInt64(digit))
        }
        guard place == 36 else { return nil }
        (high, low) = words
    }

    init(high: UInt64, low: UInt64) { (self.high, self.low) = (high, low) }

    private static func value(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x37
        case 0x61...0x66: byte - 0x57
        default: nil
        }
    }

    var isNil: Bool { high == 0 && low == 0 }

    /// In lower case.
    package var text: String {
        func digits(_ number: UInt64, _ count: Int) -> String {
            let text = String(number, radix: 16)
            return String(repeating: "0", count: count - text.count) + text
        }
        return "\(digits(high >> 32, 8))-\(digits(high >> 16 & 0xffff, 4))-\(digits(high & 0xffff, 4))"
            + "-\(digits(low >> 48, 4))-\(digits(low & 0xffff_ffff_ffff, 12))"
    }

    /// The UUID of version 5 (RFC 9562 §5.5) that a name has in this one's namespace.
    func named(_ name: String) -> RowID {
        let hash = SHA1.hash(bytes + Array(name.utf8))
        let high = RowID.word(hash[0..<8]) & ~0xf000 | 0x5000
        let low = RowID.word(hash[8..<16]) & ~(3 << 62) | 2 << 62
        return RowID(high: high, low: low)
    }

    var bytes: [UInt8] {
        [high, low].flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(56 - 8 * $0)) } }
    }

    static func word(_ bytes: some Sequence<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
}

/// FIPS 180-4 §6.1, for names only: nothing is protected by it.
enum SHA1 {
    static func hash(_ message: [UInt8]) -> [UInt8] {
        var padded = message + [0x80]
        while padded.count % 64 != 56 { padded.append(0) }
        let bits = UInt64(message.count) * 8
        padded += (0..<8).map { UInt8(truncatingIfNeeded: bits >> UInt64(56 - 8 * $0)) }
        var state: [UInt32] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0]
        for start in stride(from: 0, to: padded.count, by: 64) { mix(padded[start..<start + 64], into: &state) }
        return state.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> UInt32(24 - 8 * $0)) } }
    }

    private static func mix(_ block: ArraySlice<UInt8>, into state: inout [UInt32]) {
        var words = (0..<16).map { number in
            block[(block.startIndex + 4 * number)...].prefix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        }
        for number in 16..<80 {
            words.append(rotated(words[number - 3] ^ words[number - 8] ^ words[number - 14] ^ words[number - 16], 1))
        }
        var (a, b, c, d, e) = (state[0], state[1], state[2], state[3], state[4])
        for number in 0..<80 {
            let (function, constant): (UInt32, UInt32) =
                switch number {
                case 0..<20: (b & c | ~b & d, 0x5a82_7999)
                case 20..<40: (b ^ c ^ d, 0x6ed9_eba1)
                case 40..<60: (b & c | b & d | c & d, 0x8f1b_bcdc)
                default: (b ^ c ^ d, 0xca62_c1d6)
                }
            let next = rotated(a, 5) &+ function &+ e &+ constant &+ words[number]
            (e, d, c, b, a) = (d, c, rotated(b, 30), a, next)
        }
        for (place, value) in [a, b, c, d, e].enumerated() { state[place] &+= value }
    }

    private static func rotated(_ word: UInt32, _ count: UInt32) -> UInt32 { word << count | word >> (32 - count) }
}
