import ConnlogSystem
import Foundation

/// A strict reader of the Common Event Format 1.2, from its document alone: what it does not allow is an error.
struct CEFParser {
    struct Message {
        /// Vendor, product, version, class id, name, severity.
        var header: [String]
        var values: [String: String]
        /// In the order of the message.
        var keys: [String]
    }

    struct Mistake: Error, Equatable { let text: String }

    /// Keys of the dictionary, with the longest value that each may have; 0 of what is no text.
    private static let lengths: [String: Int] = [
        "rt": 0, "start": 0, "end": 0, "externalId": 40, "cat": 1023, "act": 63, "outcome": 63, "reason": 1023,
        "src": 0,
        "c6a2": 0, "c6a2Label": 1023, "suid": 1023, "suser": 1023, "duid": 1023, "duser": 1023, "dhost": 1023, "dpt": 0,
        "destinationServiceName": 1023, "sourceServiceName": 1023, "requestClientApplication": 1023, "dvchost": 100,
        "cn1": 0, "cn1Label": 1023, "cs1": 4000, "cs1Label": 1023, "cs2": 4000, "cs2Label": 1023, "cs3": 4000,
        "cs3Label": 1023, "cs4": 4000, "cs4Label": 1023, "cs5": 4000, "cs5Label": 1023, "cs6": 4000, "cs6Label": 1023,
        "flexString1": 1023, "flexString1Label": 128, "flexString2": 1023, "flexString2Label": 128,
    ]

    static func parse(_ text: String, needsLabels: Bool = true) throws -> Message {
        let scalars = Array(text.unicodeScalars)
        for scalar in scalars where scalar.value < 0x20 || 0x7f...0x9f ~= scalar.value {
            throw Mistake(text: "a control character")
        }
        var place = 0
        var header: [String] = []
        while header.count < 7 { header.append(try headerPart(scalars, &place)) }
        guard header[0] == "CEF:0" else { throw Mistake(text: "no CEF: \(header[0])") }
        guard header[4].utf8.count <= 1023, header[5].utf8.count <= 512, let severity = Int(header[6]),
            0...10 ~= severity
        else { throw Mistake(text: "the header \(header)") }
        var message = Message(header: Array(header[1...]), values: [:], keys: [])
        try values(Array(scalars[place...]), into: &message)
        try check(message)
        if needsLabels { try checkLabels(message) }
        return message
    }

    /// Up to the next bare pipe; only a pipe and a backslash are escaped.
    private static func headerPart(_ scalars: [Unicode.Scalar], _ place: inout Int) throws -> String {
        var part = String.UnicodeScalarView()
        while place < scalars.count, scalars[place] != "|" {
            if scalars[place] == "\\" {
                place += 1
                guard place < scalars.count, scalars[place] == "|" || scalars[place] == "\\" else {
                    throw Mistake(text: "an escape in the header")
                }
            }
            part.append(scalars[place])
            place += 1
        }
        guard place < scalars.count else { throw Mistake(text: "the header has no end") }
        place += 1
        return String(part)
    }

    /// Keys stand before bare equals signs, values up to the blank before the next key.
    private static func values(_ scalars: [Unicode.Scalar], into message: inout Message) throws {
        var marks: [(key: Range<Int>, value: Int)] = []
        var place = 0
        while place < scalars.count {
            if scalars[place] == "\\" {
                place += 2
                continue
            }
            if scalars[place] == "=" {
                var start = place
                while start > 0, isKey(scalars[start - 1]) { start -= 1 }
                guard start < place, start == 0 || scalars[start - 1] == " " else {
                    throw Mistake(text: "an equals sign that no key stands before")
                }
                marks.append((start..<place, place + 1))
            }
            place += 1
        }
        guard marks.first?.key.lowerBound == 0 else { throw Mistake(text: "text before the first key") }
        for (number, mark) in marks.enumerated() {
            let end = number + 1 < marks.count ? marks[number + 1].key.lowerBound - 1 : scalars.count
            let key = text(scalars[mark.key])
            let value = try unescaped(Array(scalars[mark.value..<max(mark.value, end)]))
            guard message.values.updateValue(value, forKey: key) == nil else { throw Mistake(text: "\(key) twice") }
            message.keys.append(key)
        }
    }

    private static func isKey(_ scalar: Unicode.Scalar) -> Bool {
        scalar.isASCII && (scalar.properties.isAlphabetic || "0"..."9" ~= scalar)
    }

    private static func text(_ scalars: some Sequence<Unicode.Scalar>) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }

    /// Readers lose blanks at the ends.
    private static func unescaped(_ scalars: [Unicode.Scalar]) throws -> String {
        var result: [Unicode.Scalar] = []
        var place = 0
        while place < scalars.count {
            guard scalars[place] == "\\" else {
                result.append(scalars[place])
                place += 1
                continue
            }
            guard place + 1 < scalars.count else { throw Mistake(text: "a backslash at the end") }
            switch scalars[place + 1] {
            case "\\", "=": result.append(scalars[place + 1])
            case "n": result.append("\n")
            case "r": result.append("\r")
            default: throw Mistake(text: "the escape \\\(scalars[place + 1])")
            }
            place += 2
        }
        return trimmed(text(result))
    }

    static func trimmed(_ text: String) -> String {
        text.trimmingCharacters(in: CharacterSet(charactersIn: " "))
    }

    private static func check(_ message: Message) throws {
        for (key, value) in message.values {
            guard let length = lengths[key] else { throw Mistake(text: "no key of the dictionary: \(key)") }
            guard length == 0 || value.utf8.count <= length else { throw Mistake(text: "\(key) is too long") }
            let isRight =
                switch key {
                case "rt", "start", "end", "cn1": Int(value) != nil
                case "dpt": Int(value).map { 0...65_535 ~= $0 } ?? false
                case "src": isAddress(value, isIPv6: false)
                case "c6a2": isAddress(value, isIPv6: true)
                default: true
                }
            guard isRight else { throw Mistake(text: "\(key)=\(value)") }
        }
    }

    private static func checkLabels(_ message: Message) throws {
        for key in message.keys where key.hasSuffix("Label") {
            guard message.values[String(key.dropLast(5))] != nil else { throw Mistake(text: "\(key) of nothing") }
        }
        for key in message.keys where key.hasPrefix("cs") || key.hasPrefix("flex") || key == "cn1" || key == "c6a2" {
            guard key.hasSuffix("Label") || message.values[key + "Label"] != nil else {
                throw Mistake(text: "\(key) without a label")
            }
        }
    }

    /// By the C library's inet_pton.
    static func isAddress(_ text: String, isIPv6: Bool) -> Bool {
        text.contains(":") == isIPv6 && IPAddress(Array(text.utf8)) != nil
    }
}
