/// Reading JSON that somebody else has made, such as the answer of an API: strict (RFC 8259), and without a cost that
/// grows faster than its length.
extension JSONValue {
    /// Why a text is no JSON.
    package struct Mistake: Error, Equatable, Sendable, CustomStringConvertible {
        /// Bytes before it.
        package let offset: Int
        package let text: String
        package var description: String { "\(text) at byte \(offset)" }
    }

    /// How many objects and arrays may lie in one another.
    package static let depthMax = 64

    /// Reads one value with nothing after it. Numbers are whole (`integer`) or stay as they stand (`raw`).
    package init(reading bytes: [UInt8]) throws(Mistake) {
        var reader = JSONReader(bytes: bytes)
        self = try reader.value(depth: 0)
        reader.skipBlanks()
        guard reader.at == bytes.count else { throw reader.mistake("something after the value") }
    }

    /// The value of a member, the first of that name; `nil` where there is none, and for what is no object.
    package subscript(key: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.key == key }?.value
    }

    package var string: String? { if case .string(let text) = self { text } else { nil } }
    package var integer: Int64? { if case .integer(let number) = self { number } else { nil } }
    package var array: [JSONValue]? { if case .array(let values) = self { values } else { nil } }
}

private struct JSONReader {
    let bytes: [UInt8]
    var at = 0

    func mistake(_ text: String) -> JSONValue.Mistake { JSONValue.Mistake(offset: at, text: text) }

    private var next: UInt8? { at < bytes.count ? bytes[at] : nil }

    mutating func skipBlanks() {
        while let byte = next, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 { at += 1 }
    }

    private mutating func take(_ character: Character) -> Bool {
        guard let ascii = character.asciiValue, next == ascii else { return false }
        at += 1
        return true
    }

    mutating func value(depth: Int) throws(JSONValue.Mistake) -> JSONValue {
        guard depth < JSONValue.depthMax else { throw mistake("too many objects in one another") }
        skipBlanks()
        switch next {
        case UInt8(ascii: "{"): return try object(depth)
        case UInt8(ascii: "["): return try array(depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .boolean(true))
        case UInt8(ascii: "f"): return try word("false", .boolean(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case .some(let byte) where byte == UInt8(ascii: "-") || isDigit(byte): return try number()
        case .some: throw mistake("no JSON")
        case nil: throw mistake("the end")
        }
    }

    private mutating func word(_ text: StaticString, _ value: JSONValue) throws(JSONValue.Mistake) -> JSONValue {
        let letters = Array("\(text)".utf8)
        guard bytes[at...].starts(with: letters) else { throw mistake("no JSON") }
        at += letters.count
        return value
    }

    private mutating func object(_ depth: Int) throws(JSONValue.Mistake) -> JSONValue {
        at += 1
        var members: [JSONValue.Member] = []
        skipBlanks()
        if take("}") { return .object([]) }
        while true {
            skipBlanks()
            guard next == UInt8(ascii: "\"") else { throw mistake("no key") }
            let key = try string()
            skipBlanks()
            guard take(":") else { throw mistake("no ':'") }
            members.append(.init(key: key, value: try value(depth: depth + 1)))
            skipBlanks()
            if take("}") { return .object(members) }
            guard take(",") else { throw mistake("no ',' or '}'") }
        }
    }

    private mutating func array(_ depth: Int) throws(JSONValue.Mistake) -> JSONValue {
        at += 1
        var values: [JSONValue] = []
        skipBlanks()
        if take("]") { return .array([]) }
        while true {
            values.append(try value(depth: depth + 1))
            skipBlanks()
            if take("]") { return .array(values) }
            guard take(",") else { throw mistake("no ',' or ']'") }
        }
    }

    private mutating func string() throws(JSONValue.Mistake) -> String {
        at += 1
        let start = at
        while let byte = next, byte != UInt8(ascii: "\"") {
            if byte < 0x20 { throw mistake("a control character in a string") }
            at += 1
            if byte == UInt8(ascii: "\\") { try escape() }
        }
        guard at < bytes.count else { throw mistake("a string without an end") }
        defer { at += 1 }
        return JSONText.string(bytes.span, start..<at)
    }

    /// What follows a backslash.
    private mutating func escape() throws(JSONValue.Mistake) {
        guard let byte = next, "\"\\/bfnrtu".utf8.contains(byte) else { throw mistake("an unknown escape") }
        at += 1
        guard byte == UInt8(ascii: "u") else { return }
        for _ in 0..<4 {
            guard let digit = next, JSONText.hexValue(digit) != nil else { throw mistake("no hexadecimal digit") }
            at += 1
        }
    }

    private func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private mutating func digits() throws(JSONValue.Mistake) {
        guard let byte = next, isDigit(byte) else { throw mistake("no digit") }
        while let byte = next, isDigit(byte) { at += 1 }
    }

    private mutating func number() throws(JSONValue.Mistake) -> JSONValue {
        let start = at
        var isWhole = true
        _ = take("-")
        if !take("0") { try digits() }
        if take(".") {
            isWhole = false
            try digits()
        }
        if take("e") || take("E") {
            isWhole = false
            _ = take("+") || take("-")
            try digits()
        }
        let text = String(decoding: bytes[start..<at], as: UTF8.self)
        return isWhole ? Int64(text).map { .integer($0) } ?? .raw(text) : .raw(text)
    }
}
