/// Objects and arrays whose keys do not matter.
///
/// Invariant: `open <= depthMax = 512` bits, the size of the stack of kinds.
extension LineParser {
    /// An object or array whose keys do not matter, without recursion, so that depth costs no stack.
    mutating func container(_ depth: Int) -> Bool {
        // A bit for each open bracket: 1 is an object.
        var kinds = InlineArray<8, UInt64>(repeating: 0)
        var open = 0
        while true {
            // Here a value begins.
            guard at < count else { return fail(.truncated) }
            let first = byte(at)
            var isComplete = true
            if first == UInt8(ascii: "{") || first == UInt8(ascii: "[") {
                guard depth &+ open < EventScanner.depthMax else { return fail(.tooDeep) }
                let isObject = first == UInt8(ascii: "{")
                setBit(&kinds, open, isObject)
                open &+= 1
                at &+= 1
                skipBlanks()
                guard at < count else { return fail(.truncated) }
                if byte(at) == (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) {
                    at &+= 1
                    open &-= 1
                } else {
                    isComplete = false
                    if isObject, !plainKey() { return false }
                }
            } else if first == UInt8(ascii: "\"") {
                at &+= 1
                guard stringBody() != nil else { return false }
            } else {
                guard scalar() != nil else { return false }
            }
            guard isComplete else { continue }
            // Here a value has ended: what closes, closes.
            while open > 0 {
                skipBlanks()
                guard at < count else { return fail(.truncated) }
                let isObject = bit(kinds, open &- 1)
                if byte(at) == UInt8(ascii: ",") {
                    at &+= 1
                    skipBlanks()
                    if isObject, !plainKey() { return false }
                    break
                }
                guard byte(at) == (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) else {
                    return fail(.unexpectedByte)
                }
                at &+= 1
                open &-= 1
            }
            if open == 0 { return true }
        }
    }

    /// A key, its colon and the blanks after it.
    mutating func plainKey() -> Bool {
        guard at < count, byte(at) == UInt8(ascii: "\"") else { return failHere() }
        at &+= 1
        guard stringBody() != nil else { return false }
        skipBlanks()
        guard at < count, byte(at) == UInt8(ascii: ":") else { return failHere() }
        at &+= 1
        skipBlanks()
        return true
    }

    func setBit(_ bits: inout InlineArray<8, UInt64>, _ place: Int, _ isSet: Bool) {
        let mask: UInt64 = 1 << UInt64(place & 63)
        if isSet { bits[place >> 6] |= mask } else { bits[place >> 6] &= ~mask }
    }

    func bit(_ bits: InlineArray<8, UInt64>, _ place: Int) -> Bool {
        bits[place >> 6] >> UInt64(place & 63) & 1 == 1
    }
}
