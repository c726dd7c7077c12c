#if canImport(Glibc)
internal import Glibc
#endif

/// Values: what they are and where they end.
///
/// Invariant: every function but `value` is called with `at < count`, and none moves `at` beyond `count`.
extension LineParser {
    /// Any value. `nil` is a failure.
    ///
    /// - Parameter depth: how many objects and arrays are open around it.
    @inline(__always)
    mutating func value(depth: Int) -> FieldRange? {
        guard at < count else {
            _ = fail(.truncated)
            return nil
        }
        if byte(at) == UInt8(ascii: "\"") {
            at &+= 1
            let start = at
            guard let hasEscapes = stringBody() else { return nil }
            return FieldRange(start: start, length: at &- start &- 1, kind: hasEscapes ? .escapedString : .string)
        }
        return otherValue(depth)
    }

    @inline(never)
    mutating func otherValue(_ depth: Int) -> FieldRange? {
        let start = at
        let kind: FieldRange.Kind
        switch byte(at) {
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            kind = byte(at) == UInt8(ascii: "{") ? .object : .array
            guard container(depth) else { return nil }
        default:
            guard let found = scalar() else { return nil }
            kind = found
        }
        return FieldRange(start: start, length: at &- start, kind: kind)
    }

    /// A number, `true`, `false` or `null`.
    mutating func scalar() -> FieldRange.Kind? {
        switch byte(at) {
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            return number() ? .number : nil
        case UInt8(ascii: "n"):
            return literal("null") ? .null : nil
        case UInt8(ascii: "t"):
            return literal("true") ? .bool : nil
        case UInt8(ascii: "f"):
            return literal("false") ? .bool : nil
        default:
            _ = fail(.unexpectedByte)
            return nil
        }
    }

    mutating func literal(_ word: StaticString) -> Bool {
        let length = word.utf8CodeUnitCount
        guard at &+ length <= count else {
            // Either cut off or a different word: the first byte that differs tells.
            var place = 0
            while at &+ place < count, byte(at &+ place) == (unsafe word.utf8Start[place]) { place &+= 1 }
            return fail(at &+ place == count ? .truncated : .badLiteral)
        }
        guard unsafe memcmp(base + at, word.utf8Start, length) == 0 else { return fail(.badLiteral) }
        at &+= length
        return true
    }

    mutating func number() -> Bool {
        if byte(at) == UInt8(ascii: "-") { at &+= 1 }
        guard at < count else { return fail(.truncated) }
        if byte(at) == UInt8(ascii: "0") {
            at &+= 1
            if at < count, isDigit(byte(at)) { return fail(.badNumber) }
        } else {
            guard digits() else { return false }
        }
        if at < count, byte(at) == UInt8(ascii: ".") {
            at &+= 1
            guard digits() else { return false }
        }
        if at < count, byte(at) | 0x20 == UInt8(ascii: "e") {
            at &+= 1
            if at < count, byte(at) == UInt8(ascii: "+") || byte(at) == UInt8(ascii: "-") { at &+= 1 }
            guard digits() else { return false }
        }
        return true
    }

    mutating func digits() -> Bool {
        guard at < count else { return fail(.truncated) }
        guard isDigit(byte(at)) else { return fail(.badNumber) }
        repeat { at &+= 1 } while at < count && isDigit(byte(at))
        return true
    }
}
