import ConnlogTestSupport
import Testing

@testable import ConnlogCore

/// How a body is cut into lines and documents.
@Suite struct BodyValuesTests {
    /// What comes out, a line of text for each line, `doc ` before documents; the same whatever the pieces.
    private func cut(_ text: String, documentBytesMax: Int = 1 << 20, _ place: SourceLocation = #_sourceLocation)
        -> String
    {
        let bytes = Array(text.utf8)
        var outcomes: Set<String> = []
        for size in [1, 2, 3, 7, bytes.count + 1] {
            var values = BodyValues(documentBytesMax: documentBytesMax)
            var pieces: [BodyValues.Piece] = []
            for start in stride(from: 0, to: bytes.count, by: size) {
                values.take(bytes.span.extracting(start..<min(bytes.count, start + size)), &pieces)
            }
            values.finish(&pieces)
            var out = ""
            for piece in pieces {
                switch piece {
                case .lines(let lines): out += String(decoding: lines, as: UTF8.self)
                case .document(let document): out += "doc \(String(decoding: document, as: UTF8.self))\n"
                case .tooLarge: out += "too large\n"
                }
            }
            outcomes.insert(out)
        }
        #expect(outcomes.count == 1, "\(text): \(outcomes)", sourceLocation: place)
        return outcomes.first ?? ""
    }

    @Test(arguments: [
        (#"[{"a":1},{"b":[2,{"c":"]},{"}]}]"#, "{\"a\":1}\n{\"b\":[2,{\"c\":\"]},{\"}]}\n"),
        ("[{\"a\":\n  1\n},\n\n {\"b\":\"\\\"]\"}\n]\n", "{\"a\":   1 }\n{\"b\":\"\\\"]\"}\n\n"),
        ("[]", ""), ("[ ]", ""), (" \n[{}] \n", "{}\n \n"), ("[{},1,\"x,]\",{}]", "{}\n1\n\"x,]\"\n{}\n"),
        ("[{\"a\":1}][{\"b\":2}]", "{\"a\":1}\n{\"b\":2}\n"), ("[{\"a\":1", "{\"a\":1\n"),
        ("{\"a\":1}\n{\"b\":2}\n", "{\"a\":1}\n{\"b\":2}\n"), ("[main] 2026 [{}]\n", "[main] 2026 [{}]\n"),
        ("", ""), ("\n\n", "\n\n"), ("[", "["), ("x[{}]", "x[{}]"), ("{", "{"), ("{}{}\n", "{}{}\n"),
    ])
    func `a JSON array becomes a line for each element, lines stay as they are`(text: String, expected: String) {
        #expect(cut(text) == expected)
    }

    @Test(arguments: [
        ("{\n \"a\": 1\n}\n{\n \"b\": [\n  {}\n ]\n}\n", "doc {\n \"a\": 1\n}\ndoc {\n \"b\": [\n  {}\n ]\n}\n"),
        ("{\n\"a\":1\n}{\n\"b\":2}", "doc {\n\"a\":1\n}\ndoc {\n\"b\":2}\n"),
        ("{\r\n\"a\":1\r\n},{\"b\":\"}\\\"\"}", "doc {\r\n\"a\":1\r\n}\ndoc {\"b\":\"}\\\"\"}\n"),
        ("\n{\n}\n[{\"c\":\n3}]", "\ndoc {\n}\n{\"c\": 3}\n"),
    ])
    func `objects of several lines are documents, with line feeds between or without`(text: String, expected: String) {
        #expect(cut(text) == expected)
    }

    /// W9, and what else may be wrong in one of five.
    @Test(arguments: [
        "{\"bad\": oops}", "{\"bad\": \"a\" \"b\"}", "{\"bad\": [1, 2}", "{\"bad\": 1]", "{\"bad\": {\"x\": 1",
        "{\"bad\": \"never closed\n   \"b\": 2\n  }", "7", "}",
    ])
    func `a damaged element of a pretty array is one line, and the others are whole`(bad: String) {
        let good = (0..<4).map { "{\n    \"n\": \($0)\n  }" }
        let text = "[\n  " + ([good[0], good[1], bad] + good[2...]).joined(separator: ",\n  ") + "\n]\n"
        let lines = cut(text).split(separator: "\n")
        #expect(lines.count == 5, "\(lines)")
        for line in lines where !line.contains("\"n\"") { #expect(line == lines[2], "\(lines)") }
        #expect(lines.filter { $0.contains("\"n\"") }.count == 4, "\(lines)")
    }

    @Test func `a damaged object among documents is a line that cannot be read, and the others are whole`() {
        let text =
            "{\n \"a\": 1\n}\n{\n \"b\": \"\n}\n{\n \"c\": 3\n}\n{\n \"d\": oops\n}\n{\n \"e\": {\n{\n \"f\": 5\n}"
        let expected = [
            "doc {", " \"a\": 1", "}", "{{{  \"b\": \"", "doc {", " \"c\": 3", "}", "{{{  \"d\": oops }",
            "{{{  \"e\": { ",
            "doc {", " \"f\": 5", "}",
        ]
        #expect(cut(text).split(separator: "\n").map(String.init) == expected)
    }

    /// A crash leaves half a line, and whatever follows is a line of its own.
    @Test(arguments: [
        "{\"ts\":\"2025-", "{\"log\":\"2025", "{\"log\":", "{\"a\":[", "{\"a\":{", "{\"a\":1,", "{\"a\":1",
    ])
    func `a line that was torn takes nothing along`(torn: String) {
        let text = torn + "\n" + TestEvents.line(1) + "\n" + TestEvents.line(2) + "\n"
        #expect(cut(text) == text)
        #expect(DecodeRun(cut(text)).counts.events == 2)
    }

    /// A torn line whose string somebody's text closes, with an event behind it.
    @Test func `text that closes what was torn makes no document`() {
        for torn in ["{\"logger_names\":[", "{\"a\":\"x", "{\"ts\":\"2025\",\"logger_names\":["] {
            for closing in ["\"]}", "1]}", "2025-07-03 05:09:41 [info] x \"]}"] {
                let text = "\(torn)\n\(closing)\(TestEvents.line(1))\n"
                #expect(DecodeRun(cut(text).replacing("doc ", with: "")).counts.events == 0, "\(text)")
            }
        }
    }

    @Test(arguments: [(-1, false), (0, false), (1, true)])
    func `a document is kept up to its limit, and beyond it told as too large`(more: Int, isTooLarge: Bool) {
        for start in ["{\n\"a\":\"", "{\"streams\":\""] {
            let text = start + String(repeating: "x", count: 1000 - start.utf8.count - 2 + more) + "\"}"
            #expect(text.utf8.count == 1000 + more)
            let first = cut(text, documentBytesMax: 1000)
            #expect(first.hasPrefix("too large") == isTooLarge, "\(first.prefix(20))")
            let second = cut("{\n}\n" + text + "\n{\n}", documentBytesMax: 1000)
            #expect(second.contains("\ntoo large\n") == isTooLarge)
            #expect(second.hasPrefix("doc {\n}\n") && second.hasSuffix("doc {\n}\n"))
        }
    }

    @Test func `what is nested too deep is no document, and not followed`() {
        for depth in [63, 64, 65, 10_000] {
            let lists = depth - 1
            let text = "{\n\"a\":" + String(repeating: "[", count: lists) + String(repeating: "]", count: lists) + "}"
            #expect(cut(text).hasPrefix("doc") == (depth <= 64), "\(depth)")
        }
    }

    @Test func `base64 is read as RFC 4648 has it, and nothing else is`() {
        for (text, bytes) in [
            ("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYg==", "foob"), ("Zm9vYmFy", "foobar"),
        ] {
            #expect(plain(text) == Array(bytes.utf8))
        }
        for text in ["+/+/", "+\\/+\\/"] { #expect(plain(text) == [0xfb, 0xff, 0xbf]) }
        for bad in [
            "Z", "Zg", "Zg=", "Zg===", "====", "=", "Zm=v", "Zm9v\n", "Zm 9", "Zh==", "Zm9=", "-_-_", "Zm9v====",
        ] {
            #expect(plain(bad) == nil, "\(bad)")
        }
    }

    private func plain(_ text: String) -> [UInt8]? {
        let bytes = Array(text.utf8)
        return Envelope.bytes(of: bytes.span)
    }
}
