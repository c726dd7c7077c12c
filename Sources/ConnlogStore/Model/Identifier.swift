import ConnlogCore
import ConnlogSystem

/// A UUID in its 16 bytes, or whatever else stood in its place, which is another one when its bytes are others.
enum Identifier: Hashable {
    case uuid(UInt64, UInt64)
    case exact(ExactText)

    static func text(_ text: String) -> Identifier { .exact(ExactText(text)) }

    init(_ text: String) {
        self = Identifier(Array(text.utf8).span, 0..<text.utf8.count) ?? .text(text)
    }

    init?(_ field: Field, _ index: EventIndex, _ record: Span<UInt8>) {
        guard let found = index.value(field, in: record), !found.range.isEmpty else { return nil }
        if let uuid = Identifier(record, found.range) {
            self = uuid
        } else {
            self = .text(JSONText.string(record, found.range))
        }
    }

    /// `8-4-4-4-12` hex digits, or 32 of them.
    private init?(_ bytes: Span<UInt8>, _ range: Range<Int>) {
        guard range.count == 36 || range.count == 32 else { return nil }
        var (high, low, digits) = (UInt64(0), UInt64(0), 0)
        for place in range {
            let digit = Identifier.digits[Int(bytes[place])]
            if digit > 15 {
                guard bytes[place] == UInt8(ascii: "-"), range.count == 36 else { return nil }
                guard Identifier.isDash(place - range.lowerBound) else { return nil }
                continue
            }
            if digits < 16 { high = high << 4 | UInt64(digit) } else { low = low << 4 | UInt64(digit) }
            digits += 1
        }
        guard digits == 32 else { return nil }
        self = .uuid(high, low)
    }

    private static func isDash(_ place: Int) -> Bool { place == 8 || place == 13 || place == 18 || place == 23 }

    /// What a byte is worth as a hex digit; 255 for one that is none.
    private static let digits: [UInt8] = (0...255).map { byte in
        switch byte {
        case 0x30...0x39: UInt8(byte - 0x30)
        case 0x41...0x46: UInt8(byte - 0x41 + 10)
        case 0x61...0x66: UInt8(byte - 0x61 + 10)
        default: 255
        }
    }

    var exact: ExactText { ExactText(text) }

    /// In lower case, with dashes.
    var text: String {
        switch self {
        case .exact(let exact): exact.text
        case .uuid(let high, let low):
            Identifier.dashed(high, low)
        }
    }

    private static func dashed(_ high: UInt64, _ low: UInt64) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(36)
        for place in 0..<32 {
            if place == 8 || place == 12 || place == 16 || place == 20 { text.append(UInt8(ascii: "-")) }
            let word = place < 16 ? high : low
            let digit = UInt8(truncatingIfNeeded: word >> UInt64(60 - 4 * (place & 15))) & 15
            text.append(digit < 10 ? 0x30 + digit : 0x61 + digit - 10)
        }
        return String(decoding: text, as: UTF8.self)
    }
}
