import ConnlogCore
import ConnlogSystem
import Foundation
import Testing

extension EventEncoder {
    /// One record as text, by a copy of the encoder; `nil` when it is refused.
    func text(_ record: String) -> String? {
        var copy = self
        return copy.next(record)
    }

    /// The same by the encoder itself, which counts.
    mutating func next(_ record: String) -> String? {
        var output = ByteBuffer()
        return append(Array(record.utf8).span, to: &output) ? output.text : nil
    }
}

/// Messages as the tests want them: the same sender each time.
func testOptions(_ change: (inout RFC5424Options) -> Void = { _ in }) -> RFC5424Options {
    var options = RFC5424Options()
    options.hostname = "coder-1"
    options.pid = 4711
    change(&options)
    return options
}

/// A record made of an event's fields, in JSON.
func record(_ fields: [(String, String)], ts: String = "\"2026-03-03T07:00:00Z\"") -> String {
    let members = fields.map { "\(quoted($0.0)):\($0.1)" }.joined(separator: ",")
    return
        "{\"ts\":\(ts),\"level\":\"INFO\",\"msg\":\"connection_log\",\"logger_names\":[\"coderd\"],\"fields\":{\(members)}}"
}

/// Text as a JSON string with as few escapes as JSON allows.
func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"": result += "\\\""
        case "\\": result += "\\\\"
        case _ where scalar.value < 0x20: result += String(format: "\\u%04x", scalar.value)
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result + "\""
}

/// How syslog text shows control characters, line ends above ASCII and marks that turn the direction of text.
func syslogShown(_ text: String) -> String {
    let hidden: [ClosedRange<UInt32>] = [0...0x1f, 0x7f...0x9f, 0x2028...0x202e, 0x2066...0x2069]
    var result = ""
    for scalar in text.unicodeScalars {
        if hidden.contains(where: { $0 ~= scalar.value }) {
            for byte in String(scalar).utf8 { result += String(format: "#%03o", Int(byte)) }
        } else {
            result.unicodeScalars.append(scalar)
        }
    }
    return result
}
