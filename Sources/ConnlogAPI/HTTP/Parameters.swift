#if Server
import ConnlogCore
import ConnlogStore
import ConnlogSystem
import Hummingbird

/// The parameters of a URL, read as Go's servers do: `+` is a blank, what cannot be read is passed over.
struct Parameters {
    private var values: [String: String] = [:]
    /// A part that cannot be read; Coder's clients are answered without it, as Go's servers do.
    private(set) var unreadable: String?

    init(_ query: String?) {
        for pair in (query ?? "").utf8.split(separator: UInt8(ascii: "&")) {
            let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            let key = Parameters.decoded(parts[0])
            guard let key, let value = parts.count == 2 ? Parameters.decoded(parts[1]) : "" else {
                unreadable = unreadable ?? String(decoding: parts[0], as: UTF8.self)
                continue
            }
            guard !key.isEmpty, values[key] == nil else { continue }
            values[key] = value
        }
    }

    subscript(name: String) -> String? { values[name].flatMap { $0.isEmpty ? nil : $0 } }

    /// A filter that is passed over would be an answer to another question.
    func refuseWhatIsNotRead() throws(APIError) {
        if let unreadable {
            throw Parameters.invalid(
                TerminalText.cut(unreadable, bytesMax: 100), "has a '%' without two hexadecimal digits after it")
        }
        for name in ["filter", "query"] where values[name] != nil {
            throw Parameters.invalid(name, "is not known; the filter is called 'q'")
        }
    }

    func isOn(_ name: String) -> Bool { ["true", "1", "yes", "on"].contains(values[name]?.lowercased()) }

    /// `nil` for a `%` without two hex digits after it.
    static func decoded(_ text: some Sequence<UInt8>) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text)[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "+"): bytes.append(0x20)
            case UInt8(ascii: "%"):
                let digits = rest.prefix(2)
                let text = String(decoding: digits, as: UTF8.self)
                guard digits.count == 2, !text.hasPrefix("+"), !text.hasPrefix("-"), let value = UInt8(text, radix: 16)
                else { return nil }
                bytes.append(value)
                rest = rest.dropFirst(2)
            default: bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// A number that is not negative; 0 if it is absent.
    func count(_ name: String) throws(APIError) -> Int {
        guard let text = self[name] else { return 0 }
        guard let number = Int(text), !text.hasPrefix("+") else {
            let why = "must be a valid integer: strconv.Atoi: parsing \"\(text)\": invalid syntax"
            throw Parameters.invalid(name, why)
        }
        guard number >= 0 else {
            throw Parameters.invalid(name, "must be a valid 32-bit positive integer: value is negative")
        }
        guard number <= Int32.max else {
            throw Parameters.invalid(name, "must be a valid 32-bit positive integer: value out of range")
        }
        return number
    }

    /// `zone`: an IANA name; UTC without it.
    func zone() throws(APIError) -> Zone {
        guard let name = self["zone"] else { return .utc }
        return try Parameters.zone(name)
    }

    static func zone(_ name: String) throws(APIError) -> Zone {
        do throws(Zone.Problem) {
            return try Zone(named: name)
        } catch {
            throw Parameters.invalid("zone", "cannot be used: \(error.description)")
        }
    }

    /// An RFC 3339 time; `nil` if it is absent.
    func time(_ name: String) throws(APIError) -> Microseconds? {
        guard let text = self[name] else { return nil }
        guard let time = EventTime.parse(text.uppercased()) else {
            throw Parameters.invalid(name, "must be a time such as 2026-01-31T08:00:00Z")
        }
        return Microseconds(nanoseconds: time)
    }

    static func invalid(_ name: String, _ why: String) -> APIError {
        APIError(
            status: .badRequest, message: "Query parameters have invalid values.",
            validations: [.init(field: name, detail: "Query param \"\(name)\" \(why)")])
    }
}
#endif
