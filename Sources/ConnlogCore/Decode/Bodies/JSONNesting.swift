/// Follows the brackets and strings of one JSON value as it comes, byte by byte, and sees where it cannot go on so.
///
/// It does not check JSON: that is the scanner's. It finds where a value ends, and where one that is damaged is left.
struct JSONNesting {
    enum Step: Equatable {
        case inside
        /// The value ended with this byte.
        case closed
        /// Not as JSON has it, though brackets still tell where the value ends.
        case odd
        /// A bracket that closes nothing that the value has opened.
        case unopened
        /// A line feed in a string: whoever wrote this stopped in it.
        case torn
        /// An object where none can stand: a bracket before it is missing.
        case misplaced
    }

    private enum Last { case none, opened, comma, colon, value, literal }

    /// What is deeper is no record of anybody's.
    static let depthMax = 64

    /// Whether what is open is an object or a list, outermost first.
    private var open: [Bool] = []
    private var last = Last.none
    private(set) var isInString = false
    private var isEscaped = false

    var depth: Int { open.count }

    /// - Parameter byte: of a value that is an object or a list, from its first one on.
    mutating func take(_ byte: UInt8) -> Step {
        if isInString { return string(byte) }
        switch byte {
        case 0x20, 0x09, 0x0a, 0x0d: return .inside
        case UInt8(ascii: "\""):
            isInString = true
            return follow(.value, allowed: last != .value && last != .literal)
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            let isObject = byte == UInt8(ascii: "{")
            let mayStand = last == .none || last == .colon || open.last == false && last != .value && last != .literal
            guard mayStand else { return isObject ? .misplaced : .odd }
            guard open.count < JSONNesting.depthMax else { return .misplaced }
            open.append(isObject)
            last = .opened
            return .inside
        case UInt8(ascii: "}"): return close(true)
        case UInt8(ascii: "]"): return close(false)
        case UInt8(ascii: ","): return follow(.comma, allowed: last == .value || last == .literal)
        case UInt8(ascii: ":"): return follow(.colon, allowed: last == .value && open.last == true)
        default: return follow(.literal, allowed: last != .value)
        }
    }

    private mutating func string(_ byte: UInt8) -> Step {
        if byte == 0x0a { return .torn }
        if isEscaped {
            isEscaped = false
        } else if byte == UInt8(ascii: "\\") {
            isEscaped = true
        } else if byte == UInt8(ascii: "\"") {
            isInString = false
        }
        return .inside
    }

    private mutating func follow(_ next: Last, allowed: Bool) -> Step {
        last = next
        return allowed ? .inside : .odd
    }

    /// A bracket closes the innermost one of its kind; those inside of it were never closed.
    private mutating func close(_ isObject: Bool) -> Step {
        let isFit = open.last == isObject && last != .comma && last != .colon
        guard let place = open.lastIndex(of: isObject) else { return .unopened }
        open.removeLast(open.count - place)
        last = .value
        if open.isEmpty { return .closed }
        return isFit ? .inside : .odd
    }
}
