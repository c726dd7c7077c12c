/// A message of RFC 5424, taken apart by the grammar of its section 6; shares nothing with the encoder.
struct SyslogMessage: Equatable {
    var priority = 0
    var timestamp: String?
    var hostname: String?
    var appName: String?
    var processID: String?
    var messageID: String?
    var elements: [(id: String, parameters: [(name: String, value: String)])] = []
    /// `nil` when there is none.
    var text: [UInt8]?
    var hasMark = false

    var facility: Int { priority / 8 }
    var severity: Int { priority % 8 }

    func value(_ name: String, in id: String = "connlog@32473") -> String? {
        elements.first { $0.id == id }?.parameters.first { $0.name == name }?.value
    }

    var names: [String] { elements.first?.parameters.map(\.name) ?? [] }

    static func == (left: SyslogMessage, right: SyslogMessage) -> Bool {
        String(describing: left) == String(describing: right)
    }
}

struct SyslogFault: Error, CustomStringConvertible {
    let description: String
}

/// Strict: what the grammar does not allow is a fault, with its place.
struct SyslogParser {
    private let bytes: [UInt8]
    private var at = 0

    private init(_ bytes: [UInt8]) { self.bytes = bytes }

    static func parse(_ bytes: [UInt8]) throws -> SyslogMessage {
        var parser = SyslogParser(bytes)
        return try parser.message()
    }

    // SYSLOG-MSG = HEADER SP STRUCTURED-DATA [SP MSG]
    private mutating func message() throws -> SyslogMessage {
        var message = SyslogMessage()
        message.priority = try priority()
        try expect("1")
        try expect(" ")
        message.timestamp = try timestamp()
        try expect(" ")
        message.hostname = try field(255)
        try expect(" ")
        message.appName = try field(48)
        try expect(" ")
        message.processID = try field(128)
        try expect(" ")
        message.messageID = try field(32)
        try expect(" ")
        message.elements = try structuredData()
        if at < bytes.count {
            try expect(" ")
            message.text = Array(bytes[at...])
            try text(&message)
        }
        return message
    }

    // PRIVAL = 1*3DIGIT ; range 0 .. 191
    private mutating func priority() throws -> Int {
        try expect("<")
        let digits = try characters(1...3) { (48...57).contains($0) }
        guard let value = Int(digits), value <= 191, digits == String(value) else { throw fault("PRI") }
        try expect(">")
        return value
    }

    // FULL-DATE "T" FULL-TIME, TIME-SECFRAC = "." 1*6DIGIT
    private mutating func timestamp() throws -> String? {
        if try skipNil() { return nil }
        let start = at
        let year = try number(4)
        try expect("-")
        let month = try number(2)
        try expect("-")
        let day = try number(2)
        try expect("T")
        let hour = try number(2)
        try expect(":")
        let minute = try number(2)
        try expect(":")
        let second = try number(2)
        let days = [
            31, year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31,
        ]
        guard (1...12).contains(month), (1...days[month - 1]).contains(day), hour < 24, minute < 60, second < 60 else {
            throw fault("TIMESTAMP")
        }
        if at < bytes.count, bytes[at] == UInt8(ascii: ".") {
            at += 1
            _ = try characters(1...6) { (48...57).contains($0) }
        }
        if at < bytes.count, bytes[at] == UInt8(ascii: "Z") {
            at += 1
        } else {
            guard at < bytes.count, bytes[at] == 0x2b || bytes[at] == 0x2d else { throw fault("TIME-OFFSET") }
            at += 1
            let hours = try number(2)
            try expect(":")
            let minutes = try number(2)
            guard hours < 24, minutes < 60 else { throw fault("TIME-NUMOFFSET") }
        }
        return String(decoding: bytes[start..<at], as: UTF8.self)
    }

    // NILVALUE / 1*nPRINTUSASCII
    private mutating func field(_ lengthMax: Int) throws -> String? {
        let text = try characters(1...lengthMax) { (33...126).contains($0) }
        return text == "-" ? nil : text
    }

    // STRUCTURED-DATA = NILVALUE / 1*SD-ELEMENT
    private mutating func structuredData() throws -> [(id: String, parameters: [(name: String, value: String)])] {
        if try skipNil() { return [] }
        var elements: [(id: String, parameters: [(name: String, value: String)])] = []
        repeat {
            let element = try element()
            guard !elements.contains(where: { $0.id == element.id }) else { throw fault("SD-ID twice") }
            elements.append(element)
        } while at < bytes.count && bytes[at] == UInt8(ascii: "[")
        return elements
    }

    private mutating func element() throws -> (id: String, parameters: [(name: String, value: String)]) {
        try expect("[")
        let id = try name()
        var parameters: [(name: String, value: String)] = []
        while at < bytes.count, bytes[at] == UInt8(ascii: " ") {
            at += 1
            let name = try name()
            try expect("=")
            try expect("\"")
            parameters.append((name, try value()))
        }
        try expect("]")
        return (id, parameters)
    }

    // SD-NAME = 1*32PRINTUSASCII ; except '=', SP, ']', %d34 (")
    private mutating func name() throws -> String {
        try characters(1...32) { (33...126).contains($0) && $0 != 0x3d && $0 != 0x5d && $0 != 0x22 }
    }

    // PARAM-VALUE = UTF-8-STRING ; characters '"', '\' and ']' MUST be escaped.
    private mutating func value() throws -> String {
        var value: [UInt8] = []
        while at < bytes.count, bytes[at] != UInt8(ascii: "\"") {
            let byte = bytes[at]
            if byte == UInt8(ascii: "]") { throw fault("']' not escaped") }
            if byte < 0x20 || byte == 0x7f { throw fault("control character") }
            at += 1
            if byte == UInt8(ascii: "\\") {
                guard at < bytes.count, [0x22, 0x5c, 0x5d].contains(bytes[at]) else { throw fault("'\\' not escaped") }
                value.append(bytes[at])
                at += 1
            } else {
                value.append(byte)
            }
        }
        try expect("\"")
        guard let text = String(validating: value, as: UTF8.self) else { throw fault("PARAM-VALUE is not UTF-8") }
        return text
    }

    // MSG-UTF8 = BOM UTF-8-STRING / MSG-ANY
    private func text(_ message: inout SyslogMessage) throws {
        guard var text = message.text else { return }
        if text.starts(with: [0xef, 0xbb, 0xbf]) {
            message.hasMark = true
            text.removeFirst(3)
            message.text = text
        }
        guard String(validating: text, as: UTF8.self) != nil else { throw fault("MSG is not UTF-8") }
        // LEEF is the one format with tabs, between its attributes.
        let isLEEF = text.starts(with: "LEEF:".utf8)
        guard !text.contains(where: { ($0 < 0x20 || $0 == 0x7f) && !(isLEEF && $0 == 0x09) }) else {
            throw fault("control character in MSG")
        }
    }

    // MARK: Characters

    private mutating func skipNil() throws -> Bool {
        guard at < bytes.count, bytes[at] == UInt8(ascii: "-") else { return false }
        at += 1
        return true
    }

    private mutating func number(_ digits: Int) throws -> Int {
        let text = try characters(digits...digits) { (48...57).contains($0) }
        return Int(text) ?? 0
    }

    private mutating func characters(_ count: ClosedRange<Int>, _ isAllowed: (UInt8) -> Bool) throws -> String {
        var text = ""
        while at < bytes.count, isAllowed(bytes[at]), text.utf8.count < count.upperBound {
            text.unicodeScalars.append(Unicode.Scalar(bytes[at]))
            at += 1
        }
        guard text.utf8.count >= count.lowerBound else { throw fault("too short") }
        return text
    }

    private mutating func expect(_ character: Character) throws {
        guard at < bytes.count, bytes[at] == character.asciiValue else { throw fault("expected '\(character)'") }
        at += 1
    }

    private func fault(_ what: String) -> SyslogFault {
        SyslogFault(description: "\(what) at byte \(at) of \(String(decoding: bytes, as: UTF8.self))")
    }
}
