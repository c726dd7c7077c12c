/// The formats in which products for security events (SIEMs) want their input.
public enum SIEMFormat: String, Sendable, CaseIterable {
    /// ArcSight's Common Event Format, which Microsoft Sentinel and nearly all others read: see `CEF`.
    case cef
    /// IBM QRadar's Log Event Extended Format: see `LEEF`.
    case leef
    /// A JSON object in the words of the Elastic Common Schema: see `ECS`.
    case ecs
    /// A JSON object of the Open Cybersecurity Schema Framework: see `OCSF`.
    case ocsf

    /// A byte of a record may become so many, in all the places where its value stands together.
    var growthMax: Int {
        switch self {
        // The type stands in the header and in `cat`; an escape doubles.
        case .cef: 4
        case .leef: 2
        // At most three copies, and `\u007f` of one byte.
        case .ecs, .ocsf: 3 * SIEMText.growthMax
        }
    }

    /// How much of a message that is cut to `length` bytes still says what was meant: of CEF and LEEF whole pairs, since half
    /// an id is another id and half a key becomes a part of the value before it.
    func wholeLength(_ message: Span<UInt8>, cutTo length: Int) -> Int {
        guard length < message.count else { return message.count }
        switch self {
        case .ecs, .ocsf: return length
        case .leef:
            for place in stride(from: length, to: 0, by: -1) where message[place] == UInt8(ascii: "\t") { return place }
        case .cef:
            for place in stride(from: length, to: 0, by: -1) where SIEMFormat.isPairStart(message, place) {
                return place
            }
        }
        return length
    }

    /// Whether a blank, a key and `=` begin here; in a value `=` has a backslash before it.
    private static func isPairStart(_ message: Span<UInt8>, _ place: Int) -> Bool {
        guard message[place] == UInt8(ascii: " ") else { return false }
        var next = place + 1
        while next < message.count, isKeyByte(message[next]) { next += 1 }
        return next > place + 1 && next < message.count && message[next] == UInt8(ascii: "=")
    }

    private static func isKeyByte(_ byte: UInt8) -> Bool {
        byte &- 0x30 < 10 || (byte | 0x20) &- 0x61 < 26
    }
}
