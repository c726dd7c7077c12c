import Foundation

/// A strict reader of the Log Event Extended Format 1.0, from IBM's guide alone: what it does not allow is an error.
struct LEEFParser {
    struct Message {
        /// Vendor, product, version, event id.
        var header: [String]
        var values: [String: String]
        /// In the order of the message.
        var keys: [String]
    }

    struct Mistake: Error, Equatable { let text: String }

    static func parse(_ text: String) throws -> Message {
        for scalar in text.unicodeScalars where scalar != "\t" && (scalar.value < 0x20 || 0x7f...0x9f ~= scalar.value) {
            throw Mistake(text: "a control character")
        }
        let parts = text.split(separator: "|", maxSplits: 5, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 6, parts[0] == "LEEF:1.0", parts[1...4].allSatisfy({ !$0.isEmpty && !$0.contains("\t") })
        else { throw Mistake(text: "the header \(parts.prefix(5))") }
        var message = Message(header: Array(parts[1...4]), values: [:], keys: [])
        for attribute in parts[5].split(separator: "\t", omittingEmptySubsequences: false) {
            guard let end = attribute.firstIndex(of: "=") else { throw Mistake(text: "no attribute: \(attribute)") }
            let key = String(attribute[..<end])
            guard !key.isEmpty,
                key.unicodeScalars.allSatisfy({ $0.isASCII && ($0.properties.isAlphabetic || "0"..."9" ~= $0) })
            else { throw Mistake(text: "the key \(key)") }
            let value = String(attribute[attribute.index(after: end)...])
            guard message.values.updateValue(value, forKey: key) == nil else { throw Mistake(text: "\(key) twice") }
            message.keys.append(key)
        }
        try check(message)
        return message
    }

    private static func check(_ message: Message) throws {
        for (key, value) in message.values {
            let isRight =
                switch key {
                case "devTime", "exitCode", "httpStatus": Int(value) != nil
                case "sev": Int(value).map { 1...10 ~= $0 } ?? false
                case "dstPort": Int(value).map { 0...65_535 ~= $0 } ?? false
                case "src": CEFParser.isAddress(value, isIPv6: false) || CEFParser.isAddress(value, isIPv6: true)
                case "usrName", "accountName": value.utf8.count <= 255
                case "userAgent": value.utf8.count <= 512
                case "isLoginEvent": false
                default: value.utf8.count <= 1023
                }
            guard isRight else { throw Mistake(text: "\(key)=\(value)") }
        }
    }
}
