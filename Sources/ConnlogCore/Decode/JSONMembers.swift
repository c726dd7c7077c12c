/// The members of an object in a line that the scanner has found to be JSON, one after another.
///
/// For the few lines that are reshaped; it allocates nothing and stops where the text is not as expected.
package struct JSONMembers: ~Escapable {
    package struct Member {
        /// The key without its quotes.
        package let key: Range<Int>
        package let keyHasEscapes: Bool
        package let value: FieldRange
    }

    private let bytes: Span<UInt8>
    private var at: Int
    private let end: Int

    /// - Parameter object: from brace to brace.
    @_lifetime(copy bytes)
    package init(_ bytes: Span<UInt8>, _ object: Range<Int>) {
        self.bytes = bytes
        at = object.lowerBound + 1
        end = object.upperBound - 1
    }

    package mutating func next() -> Member? {
        skip { $0 <= 0x20 || $0 == UInt8(ascii: ",") }
        guard at < end, bytes[at] == UInt8(ascii: "\"") else { return nil }
        let key = value()
        skip { $0 <= 0x20 || $0 == UInt8(ascii: ":") }
        guard at < end else { return nil }
        return Member(key: key.range, keyHasEscapes: key.kind == .escapedString, value: value())
    }

    /// A value of an array, where a key would stand.
    mutating func element() -> FieldRange { value() }

    private mutating func skip(_ isSkipped: (UInt8) -> Bool) {
        while at < end, isSkipped(bytes[at]) { at += 1 }
    }

    private mutating func value() -> FieldRange {
        let start = at
        switch bytes[at] {
        case UInt8(ascii: "\""):
            let hasEscapes = skipString()
            return FieldRange(
                start: start + 1, length: max(0, at - start - 2), kind: hasEscapes ? .escapedString : .string)
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            let isObject = bytes[at] == UInt8(ascii: "{")
            skipContainer()
            return FieldRange(start: start, length: at - start, kind: isObject ? .object : .array)
        default:
            let first = bytes[at]
            skip { $0 > 0x20 && $0 != UInt8(ascii: ",") && $0 != UInt8(ascii: "}") && $0 != UInt8(ascii: "]") }
            let kind: FieldRange.Kind =
                first == UInt8(ascii: "n")
                ? .null : first == UInt8(ascii: "t") || first == UInt8(ascii: "f") ? .bool : .number
            return FieldRange(start: start, length: at - start, kind: kind)
        }
    }

    /// From the opening quote to after the closing one; says whether there are escapes.
    private mutating func skipString() -> Bool {
        var hasEscapes = false
        at += 1
        while at < end, bytes[at] != UInt8(ascii: "\"") {
            if bytes[at] == UInt8(ascii: "\\") {
                hasEscapes = true
                at += 1
            }
            at += 1
        }
        at = min(at + 1, end)
        return hasEscapes
    }

    private mutating func skipContainer() {
        var depth = 0
        while at < end {
            switch bytes[at] {
            case UInt8(ascii: "\""):
                _ = skipString()
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            default: break
            }
            at += 1
            if depth == 0 { return }
        }
    }
}
