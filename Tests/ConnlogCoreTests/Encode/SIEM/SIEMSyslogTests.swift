import ConnlogSystem
import ConnlogTestSupport
import Foundation
import Testing

@testable import ConnlogCore

/// The formats as messages of syslog.
@Suite struct SIEMSyslogTests {
    private static let vectors = zip(1..., Vectors.json).filter { ![23, 24].contains($0.0) }

    private func options(_ format: SIEMFormat, _ change: (inout RFC5424Options) -> Void = { _ in }) throws
        -> RFC5424Options
    {
        let message = try #require(RFC5424Options.Message(rawValue: format.rawValue))
        return testOptions {
            $0.message = message
            change(&$0)
        }
    }

    private func parsed(_ text: String) throws -> SyslogMessage { try SyslogParser.parse(Array(text.utf8)) }

    @Test(arguments: SIEMFormat.allCases)
    func `the header is the one of every message, and the event is all of the text`(
        format: SIEMFormat
    ) throws {
        let plain = RFC5424Encoder(testOptions())
        let encoder = RFC5424Encoder(try options(format))
        let event = SIEMEncoder(format, hostname: "coder-1")
        for (number, line) in Self.vectors {
            let message = try parsed(try #require(encoder.text(line)))
            var expected = try parsed(try #require(plain.text(line)))
            expected.elements = []
            expected.text = Array(try #require(event.text(line)).utf8)
            expected.hasMark = false
            #expect(message == expected, "J\(number)")
        }
    }

    @Test(arguments: SIEMFormat.allCases) func `elements that were asked for are there`(format: SIEMFormat) throws {
        var encoder = RFC5424Encoder(
            try options(format) {
                $0.addsSequence = true
                $0.originVersion = "1.2.3"
            })
        for number in 1...3 {
            let text = encoder.next(Vectors.json[0])
            let message = try parsed(try #require(text))
            #expect(message.elements.map(\.id) == ["meta", "origin"])
            #expect(message.value("sequenceId", in: "meta") == "\(number)")
        }
    }

    @Test(arguments: SIEMFormat.allCases) func `no mark stands before the event unless it is asked for`(
        format: SIEMFormat
    ) throws {
        let line = record([("WorkspaceName", "\"é\""), ("Type", "\"ssh\"")])
        #expect(try !parsed(try #require(RFC5424Encoder(try options(format)).text(line))).hasMark)
        let marked = RFC5424Encoder(try options(format) { $0.byteOrderMark = .always })
        #expect(try parsed(try #require(marked.text(line))).hasMark)
    }

    @Test(arguments: SIEMFormat.allCases) func `RFC 3164 has it after the tag`(format: SIEMFormat) throws {
        var legacy = RFC3164Options()
        legacy.zone = .utc
        let encoder = RFC3164Encoder(try options(format), legacy)
        let event = try #require(SIEMEncoder(format, hostname: "coder-1").text(Vectors.json[0]))
        #expect(encoder.text(Vectors.json[0]) == "<134>Jul 10 10:14:38 coder-1 coder[4711]: " + event)
    }

    @Test(arguments: [SIEMFormat.cef, .leef]) func `a message that is too long ends after a whole value`(
        format: SIEMFormat
    ) throws {
        for line in [Vectors.json[7], Vectors.json[11]] {
            let whole = try values(try #require(SIEMEncoder(format, hostname: "coder-1").text(line)), format)
            for bytesMax in 480...1100 {
                var encoder = RFC5424Encoder(try options(format) { $0.bytesMax = bytesMax })
                let text = encoder.next(line) ?? ""
                #expect(text.utf8.count <= bytesMax)
                let message = try parsed(text)
                let found = try values(String(decoding: message.text ?? [], as: UTF8.self), format, isCut: true)
                for (key, value) in found { #expect(whole[key] == value, "\(key) of \(bytesMax)") }
                #expect((found.count < whole.count) == (encoder.truncations == 1))
                #expect((message.value("trunc") == "1") == (encoder.truncations == 1))
                var legacy = RFC3164Encoder(try options(format) { $0.bytesMax = bytesMax })
                let old = legacy.next(line) ?? ""
                #expect(old.utf8.count <= bytesMax)
                let content = try #require(old.split(separator: "]: ", maxSplits: 1).last)
                for (key, value) in try values(String(content), format, isCut: true) { #expect(whole[key] == value) }
            }
        }
    }

    /// A label may be cut off from its value.
    private func values(_ text: String, _ format: SIEMFormat, isCut: Bool = false) throws -> [String: String] {
        if format == .leef { return try LEEFParser.parse(text).values }
        return try CEFParser.parse(text, needsLabels: !isCut).values
    }

    @Test(arguments: [SIEMFormat.ecs, .ocsf]) func `JSON that is too long is cut like any text and said to be`(
        format: SIEMFormat
    ) throws {
        let line = record([("WorkspaceName", quoted(String(repeating: "é", count: 2000))), ("Type", "\"ssh\"")])
        for bytesMax in 600...608 {
            var encoder = RFC5424Encoder(try options(format) { $0.bytesMax = bytesMax })
            let text = encoder.next(line) ?? ""
            #expect(bytesMax - 1...bytesMax ~= text.utf8.count)
            #expect(try parsed(text).value("trunc") == "1" && encoder.truncations == 1)
        }
    }

    @Test(arguments: SIEMFormat.allCases) func `names are the format's own, not parameters`(format: SIEMFormat) throws {
        let people = ListedNames(users: [UserName(id: "u-1", username: "alice")], organizations: [])
        let line = record([("UserID", "\"u-1\""), ("Type", "\"tunnel\"")])
        let message = try parsed(try #require(RFC5424Encoder(try options(format), names: people).text(line)))
        #expect(message.elements.isEmpty)
        #expect(String(decoding: message.text ?? [], as: UTF8.self).contains("alice"))
        let legacy = RFC3164Encoder(try options(format), names: people)
        #expect(try #require(legacy.text(line)).contains("alice"))
    }
}
