internal import ConnlogCore

/// What stands in a reply's body, whatever it is.
enum HECReplyBody: Equatable, Sendable {
    /// A whole JSON object with a number under `code`.
    case reply(HECReply)
    /// The answer of `/ack`: which requests are indexed.
    case acks([UInt64: Bool])
    case empty
    /// JSON that breaks off.
    case cut
    /// Some page; its beginning.
    case html(String)
    /// Anything else; its beginning.
    case other(String)

    init(_ bytes: [UInt8], contentType: String?, isCut: Bool) {
        let text = HECText.printable(bytes)
        if text.isEmpty {
            self = .empty
            return
        }
        switch HECJSON.parse(bytes) {
        case .value(.object(let members)) where !isCut: self = HECReplyBody(members, text)
        case .cut: self = .cut
        default:
            let isPage = text.hasPrefix("<") || contentType?.lowercased().contains("html") == true
            self = isPage ? .html(text) : .other(text)
        }
    }

    private init(_ members: [String: HECJSON], _ text: String) {
        if case .object(let states)? = members["acks"] {
            var acks: [UInt64: Bool] = [:]
            for (key, value) in states {
                guard let number = UInt64(key), case .boolean(let isIndexed) = value else { continue }
                acks[number] = isIndexed
            }
            self = .acks(acks)
        } else if let code = members["code"]?.code {
            var reply = HECReply(code: code)
            if case .string(let words)? = members["text"] { reply.text = HECText.printable(Array(words.utf8)) }
            if case .integer(let number)? = members["invalid-event-number"] { reply.invalidEventNumber = number }
            if case .integer(let number)? = members["ackId"], number >= 0 { reply.ackID = UInt64(number) }
            self = .reply(reply)
        } else {
            self = .other(text)
        }
    }
}

extension HECJSON {
    /// A whole number, also as text, which some collectors other than Splunk's make of it.
    fileprivate var code: Int? {
        switch self {
        case .integer(let code): code
        case .string(let text) where (1...3).contains(text.utf8.count) && text.utf8.allSatisfy { 0x30...0x39 ~= $0 }:
            Int(text)
        default: nil
        }
    }
}

/// A reply of the collector.
struct HECReply: Equatable, Sendable {
    var code: Int
    /// Splunk's words, printable and at most 200 bytes.
    var text = ""
    var invalidEventNumber: Int?
    var ackID: UInt64?
}

/// What others wrote, made fit for our log.
enum HECText {
    static let bytesMax = 200

    /// One line of printable text, at most `bytesMax` bytes; blanks run together.
    static func printable(_ bytes: [UInt8]) -> String {
        var text = ""
        var isBlankPending = false
        for scalar in String(decoding: bytes.prefix(4 * bytesMax), as: UTF8.self).unicodeScalars {
            if scalar.properties.isWhitespace || scalar.properties.generalCategory == .control {
                isBlankPending = !text.isEmpty
                continue
            }
            // Marks that turn the direction of text round, and the like, have no place in a log either.
            if scalar.properties.generalCategory == .format { continue }
            let length = UTF8.width(scalar) + (isBlankPending ? 1 : 0)
            if text.utf8.count + length > bytesMax - 3 { return text + "..." }
            if isBlankPending { text += " " }
            isBlankPending = false
            text.unicodeScalars.append(scalar)
        }
        return text
    }
}

/// JSON values as far as replies need them: small documents, strictly read, at most 16 levels deep.
enum HECJSON: Equatable, Sendable {
    case object([String: HECJSON])
    case array([HECJSON])
    case string(String)
    /// A number without fraction and exponent.
    case integer(Int)
    /// Any other number.
    case number
    case boolean(Bool)
    case null

    enum Outcome: Equatable {
        case value(HECJSON)
        /// The text ends where more was to come.
        case cut
        case invalid
    }

    static func parse(_ bytes: [UInt8]) -> Outcome {
        var parser = HECJSONParser(bytes)
        do throws(HECJSONParser.Fault) {
            let value = try parser.value(depth: 0)
            return parser.isAtEnd ? .value(value) : .invalid
        } catch {
            return error == .cut ? .cut : .invalid
        }
    }
}

private struct HECJSONParser {
    enum Fault: Error { case cut, invalid }

    private static let depthMax = 16
    private let bytes: [UInt8]
    private var place = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool {
        mutating get {
            skipBlanks()
            return place == bytes.count
        }
    }

    mutating func value(depth: Int) throws(Fault) -> HECJSON {
        guard depth < HECJSONParser.depthMax else { throw .invalid }
        switch try peek() {
        case UInt8(ascii: "{"): return try object(depth)
        case UInt8(ascii: "["): return try array(depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .boolean(true))
        case UInt8(ascii: "f"): return try word("false", .boolean(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try number()
        }
    }

    private mutating func skipBlanks() {
        while place < bytes.count, [0x20, 0x09, 0x0a, 0x0d].contains(bytes[place]) { place += 1 }
    }

    /// The next byte that is no blank.
    private mutating func peek() throws(Fault) -> UInt8 {
        skipBlanks()
        guard place < bytes.count else { throw .cut }
        return bytes[place]
    }

    private mutating func take(_ byte: UInt8) throws(Fault) {
        guard try peek() == byte else { throw .invalid }
        place += 1
    }

    private mutating func object(_ depth: Int) throws(Fault) -> HECJSON {
        var members: [String: HECJSON] = [:]
        try take(UInt8(ascii: "{"))
        if try peek() == UInt8(ascii: "}") {
            place += 1
            return .object(members)
        }
        while true {
            guard try peek() == UInt8(ascii: "\"") else { throw .invalid }
            let key = try string()
            try take(UInt8(ascii: ":"))
            members[key] = try value(depth: depth + 1)
            if try peek() == UInt8(ascii: "}") { break }
            try take(UInt8(ascii: ","))
        }
        place += 1
        return .object(members)
    }

    private mutating func array(_ depth: Int) throws(Fault) -> HECJSON {
        var elements: [HECJSON] = []
        try take(UInt8(ascii: "["))
        if try peek() == UInt8(ascii: "]") {
            place += 1
            return .array(elements)
        }
        while true {
            elements.append(try value(depth: depth + 1))
            if try peek() == UInt8(ascii: "]") { break }
            try take(UInt8(ascii: ","))
        }
        place += 1
        return .array(elements)
    }

    private mutating func string() throws(Fault) -> String {
        place += 1
        let start = place
        while place < bytes.count, bytes[place] != UInt8(ascii: "\"") {
            guard bytes[place] >= 0x20 else { throw .invalid }
            place += bytes[place] == UInt8(ascii: "\\") ? 2 : 1
        }
        guard place < bytes.count else { throw .cut }
        place += 1
        return JSONText.string(bytes.span, start..<(place - 1))
    }

    private mutating func word(_ text: String, _ value: HECJSON) throws(Fault) -> HECJSON {
        for byte in text.utf8 {
            guard place < bytes.count else { throw .cut }
            guard bytes[place] == byte else { throw .invalid }
            place += 1
        }
        return value
    }

    private mutating func number() throws(Fault) -> HECJSON {
        let start = place
        let letters = Array("+-.0123456789eE".utf8)
        while place < bytes.count, letters.contains(bytes[place]) { place += 1 }
        let text = String(decoding: bytes[start..<place], as: UTF8.self)
        // Nothing follows a number in a reply but more of its object.
        guard place < bytes.count || start == 0 else { throw .cut }
        guard Double(text) != nil, !text.hasPrefix("+") else { throw .invalid }
        return Int(text).map { .integer($0) } ?? .number
    }
}
