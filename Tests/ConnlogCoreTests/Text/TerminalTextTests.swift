import ConnlogCore
import ConnlogTestSupport
import Testing

/// What others can influence does nothing to a terminal.
@Suite struct TerminalTextTests {
    /// Written from the rule, not from the code: what a terminal acts upon.
    private func isHarmless(_ bytes: [UInt8], keepsLines: Bool) -> Bool {
        guard let text = String(validating: bytes, as: UTF8.self) else { return false }
        return text.unicodeScalars.allSatisfy { scalar in
            switch scalar.value {
            case 0x0a: return keepsLines
            case 0..<0x20, 0x7f..<0xa0, 0xad, 0x61c, 0x200b...0x200f, 0x2028...0x202e, 0x2060...0x2064,
                0x2066...0x206f, 0xfeff, 0xe0001, 0xe0020...0xe007f:
                return false
            default: return true
            }
        }
    }

    private static let pieces: [[UInt8]] =
        ["a", "\"", "\\", " ", ",", "é", "😀", "\u{1b}[2J", "\r", "\n", "\r\n", "\t", "\u{7}", "\u{7f}", "\u{9b}31m"]
        .map { Array($0.utf8) }
        + ["\u{2028}", "\u{202e}", "\u{200f}", "\u{61c}", "\u{feff}", "\u{e0041}", "\0"].map { Array($0.utf8) }
        + [[0x9b], [0xc2], [0xe2, 0x80], [0xf0, 0x9f, 0x98], [0xff], [0xed, 0xa0, 0x80], [0xc0, 0x9b]]

    private func bytes(_ generator: inout SeededGenerator) -> [UInt8] {
        let known = (0..<Int.random(in: 0...12, using: &generator)).flatMap { _ in
            Self.pieces.randomElement(using: &generator) ?? []
        }
        return known
            + (0..<Int.random(in: 0...8, using: &generator)).map { _ in .random(in: .min ... .max, using: &generator) }
    }

    @Test func `every character alone is harmless, and stays when it was`() {
        for value in UInt32(0)...0x10ffff {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let before = Array(String(scalar).utf8)
            let after = Array(TerminalText.line(String(scalar)).utf8)
            if !isHarmless(after, keepsLines: false) { Issue.record("U+\(String(value, radix: 16)) goes through") }
            if TerminalText.isActive(scalar) == (before == after) { Issue.record("U+\(String(value, radix: 16))") }
        }
    }

    @Test(arguments: 0..<50 as Range<UInt64>)
    func `whatever comes, in whatever pieces, is harmless and the same`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            let input = bytes(&generator)
            for form in [TerminalFilter.Form.lines, .csv] {
                var whole = TerminalFilter(form)
                let expected = whole.clean(input) + whole.finish()
                var filter = TerminalFilter(form)
                var rest = input[...]
                var output: [UInt8] = []
                while !rest.isEmpty {
                    let count = min(rest.count, .random(in: 1...4, using: &generator))
                    output += filter.clean(Array(rest.prefix(count)))
                    rest = rest.dropFirst(count)
                }
                output += filter.finish()
                #expect(output == expected, "seed \(seed): \(input)")
                #expect(isHarmless(output, keepsLines: true), "seed \(seed): \(input)")
            }
            let text = String(decoding: input, as: UTF8.self)
            #expect(isHarmless(Array(TerminalText.line(text).utf8), keepsLines: false), "seed \(seed): \(input)")
            #expect(isHarmless(Array(TerminalText.lines(text).utf8), keepsLines: true), "seed \(seed): \(input)")
        }
    }

    @Test func `it reads as JSON writes it, and JSON stays the same JSON`() {
        #expect(
            TerminalText.line("a\r\nb\t\u{1b}[31m\u{9b}\u{202e}\u{e0041}\\n")
                == #"a\r\nb\t\u001b[31m\u009b\u202e\udb40\udc41\n"#)
        #expect(TerminalText.lines("a\nb\r\n") == "a\nb\\r\n")
        let text = "{\"k\":\"\u{9b}\u{202e}\u{e0041}\u{2028}é\"}"
        let cleaned = Array(TerminalText.line(text).utf8)
        #expect(JSONText.string(cleaned.span, 6..<cleaned.count - 2) == "\u{9b}\u{202e}\u{e0041}\u{2028}é")
    }

    @Test func `a cell of several lines stays in its row, and rows end with a line feed`() {
        var filter = TerminalFilter(.csv)
        let output = filter.clean(Array("\"a\r\nb\"\"\n\",c\r\n\"d\"\r\n".utf8)) + filter.finish()
        #expect(String(decoding: output, as: UTF8.self) == "\"a\\r\\nb\"\"\\n\",c\n\"d\"\n")
    }

    @Test(arguments: 0...12) func `a line that is too long is cut between characters and says so`(size: Int) {
        let text = "aé😀b\u{9b}"
        let cut = TerminalText.cut(text, bytesMax: size)
        guard size < text.utf8.count else {
            #expect(cut == text)
            return
        }
        #expect(cut.hasSuffix("... (cut; \(text.utf8.count) bytes)"))
        let head = cut.dropLast("... (cut; \(text.utf8.count) bytes)".count)
        #expect(text.hasPrefix(head) && head.utf8.count <= size && head.utf8.count + 4 > size, "\(cut)")
    }
}
