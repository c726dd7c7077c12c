import ConnlogCore
import ConnlogTestSupport
import Testing

/// Text in the columns of a terminal.
@Suite struct DisplayWidthTests {
    @Test(arguments: [
        ("", 0), ("alice", 5), ("é", 1), ("e\u{301}", 1), ("日本", 4), ("한", 2), ("\u{1112}\u{1161}\u{11ab}", 2),
        ("😀", 2), ("ａ", 2), ("ﾊ", 1), ("≈", 1), ("…", 1), ("\u{300}\u{301}", 0),
    ])
    func `a text takes as many columns as it is drawn in`(text: String, columns: Int) {
        #expect(DisplayWidth.of(text) == columns)
    }

    @Test(arguments: [
        ("alice", 5, "alice"), ("alice", 4, "ali…"), ("alice", 1, "…"), ("alice", 0, ""), ("日本", 4, "日本"),
        ("日本", 3, "日…"), ("日本", 2, "…"), ("a日", 2, "a…"), ("e\u{301}x", 2, "e\u{301}x"),
    ])
    func `what does not fit is cut at a character and says so`(text: String, columns: Int, shown: String) {
        #expect(DisplayWidth.cut(text, to: columns) == shown)
    }

    @Test(arguments: 0..<50 as Range<UInt64>) func `no text is wider than its place`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let alphabet: [Unicode.Scalar] = ["a", "日", "\u{301}", "😀", " ", "é", "ﾊ", "\u{20dd}"]
        var text = String.UnicodeScalarView()
        for _ in 0..<Int.random(in: 0...40, using: &generator) {
            text.append(alphabet.randomElement(using: &generator) ?? "a")
        }
        for columns in 0...20 {
            let cut = DisplayWidth.cut(String(text), to: columns)
            #expect(DisplayWidth.of(cut) <= columns, "seed \(seed), \(columns)")
            #expect(DisplayWidth.of(DisplayWidth.padded(cut, to: columns)) == columns, "seed \(seed), \(columns)")
        }
    }

    @Test func `marks do not pile up over one character`() {
        let tower = "a" + String(repeating: "\u{301}", count: 100) + "b"
        #expect(DisplayWidth.cut(tower, to: 10).unicodeScalars.count == 6)
    }

    @Test(arguments: [
        (0, "0"), (7, "7"), (999, "999"), (1000, "1,000"), (68_646, "68,646"), (-1_234_567, "-1,234,567"),
    ])
    func `numbers are told in groups`(number: Int, text: String) { #expect(Quantity.grouped(number) == text) }
}
