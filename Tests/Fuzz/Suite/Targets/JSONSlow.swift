/// JSON by RFC 8259, slow and obvious: what the scanner must agree with.
struct SlowJSON {
    private struct Refused: Error {}
    private let bytes: [UInt8]
    private var at = 0

    static func accepts(_ bytes: [UInt8]) -> Bool {
        // The grammar is over characters, so the encoding comes first. JSON has no character outside ASCII but in
        // strings, so a wrong byte is wrong wherever it stands.
        guard String(validating: bytes, as: UTF8.self) != nil else { return false }
        var parser = SlowJSON(bytes)
        do {
            parser.blanks()
            try parser.value(0)
            parser.blanks()
            return parser.at == bytes.count
        } catch {
            return false
        }
    }

    private init(_ bytes: [UInt8]) { self.bytes = bytes }

    private var next: Unicode.Scalar? { at < bytes.count ? Unicode.Scalar(bytes[at]) : nil }

    private mutating func blanks() {
        while let next, " \t\r\n".unicodeScalars.contains(next) { at += 1 }
    }

    private mutating func take(_ character: Unicode.Scalar) throws {
        guard next == character else { throw Refused() }
        at += 1
    }

    private mutating func value(_ depth: Int) throws {
        switch next {
        case "{":
            guard depth < 512 else { throw Refused() }
            try list("{", "}") { parser in
                try parser.string()
                parser.blanks()
                try parser.take(":")
                parser.blanks()
                try parser.value(depth + 1)
            }
        case "[":
            guard depth < 512 else { throw Refused() }
            try list("[", "]") { try $0.value(depth + 1) }
        case "\"": try string()
        case "t": try "true".unicodeScalars.forEach { try take($0) }
        case "f": try "false".unicodeScalars.forEach { try take($0) }
        case "n": try "null".unicodeScalars.forEach { try take($0) }
        default: try number()
        }
    }

    private mutating func list(
        _ open: Unicode.Scalar, _ close: Unicode.Scalar, _ item: (inout SlowJSON) throws -> Void
    ) throws {
        try take(open)
        blanks()
        if next == close { return try take(close) }
        while true {
            try item(&self)
            blanks()
            if next == close { return try take(close) }
            try take(",")
            blanks()
        }
    }

    private mutating func string() throws {
        try take("\"")
        while true {
            guard at < bytes.count else { throw Refused() }
            let byte = bytes[at]
            at += 1
            if byte == 0x22 { return }
            guard byte >= 0x20 else { throw Refused() }
            guard byte == 0x5c else { continue }
            guard let escape = next, "\"\\/bfnrtu".unicodeScalars.contains(escape) else { throw Refused() }
            at += 1
            guard escape == "u" else { continue }
            for _ in 0..<4 {
                guard let digit = next, digit.properties.isASCIIHexDigit else { throw Refused() }
                at += 1
            }
        }
    }

    private mutating func digits() throws {
        guard let first = next, ("0"..."9").contains(first) else { throw Refused() }
        while let digit = next, ("0"..."9").contains(digit) { at += 1 }
    }

    private mutating func number() throws {
        if next == "-" { at += 1 }
        if next == "0" { at += 1 } else { try digits() }
        if next == "." {
            at += 1
            try digits()
        }
        if next == "e" || next == "E" {
            at += 1
            if next == "+" || next == "-" { at += 1 }
            try digits()
        }
    }
}
