import ConnlogCore
import Foundation
import Testing

@Suite struct LogLineTests {
    private let evil = "a\r\nb\n\u{1b}[31m\u{9b}\u{85}\u{202e}\u{2028}\t\u{7f}é"

    @Test(arguments: [true, false]) func `an entry is one line that does nothing to a terminal`(isJSON: Bool) throws {
        let line = LogLine.text(0, "info", evil, isJSON: isJSON)
        let inner = line.unicodeScalars.dropLast()
        #expect(line.unicodeScalars.last == "\n" && !inner.contains(where: TerminalText.isActive), "\(line)")
        if isJSON {
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: String]
            #expect(object?["msg"] == evil && object?["level"] == "info")
        } else {
            #expect(
                line
                    == "1970-01-01T00:00:00.000Z [info] a\\r\\nb\\n\\u001b[31m\\u009b\\u0085\\u202e\\u2028\\t\\u007fé\n"
            )
        }
    }

    @Test(arguments: [-1, 0, 1]) func `a message that is too long is cut, and says how long it was`(step: Int) {
        let size = LogLine.messageBytesMax + step
        for isJSON in [true, false] {
            let line = LogLine.text(0, "info", String(repeating: "x", count: size), isJSON: isJSON)
            #expect(line.contains("(cut; \(size) bytes)") == (step > 0))
            #expect(line.contains(String(repeating: "x", count: min(size, LogLine.messageBytesMax))))
        }
    }
}
