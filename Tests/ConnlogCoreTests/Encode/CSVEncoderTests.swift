import ConnlogCore
import ConnlogSystem
import ConnlogTestSupport
import Testing

@Suite struct CSVEncoderTests {
    /// Rows of cells, by the grammar of RFC 4180.
    private func rows(_ text: String) -> [[String]] {
        var rows: [[String]] = [[""]]
        var isQuoted = false
        var scalars = Array(text.unicodeScalars)[...]
        func add(_ scalar: Unicode.Scalar) {
            rows[rows.count - 1][rows[rows.count - 1].count - 1].unicodeScalars.append(scalar)
        }
        while let scalar = scalars.popFirst() {
            if isQuoted {
                if scalar != "\"" {
                    add(scalar)
                } else if scalars.first == "\"" {
                    add(scalars.removeFirst())
                } else {
                    isQuoted = false
                }
            } else if scalar == "\"" {
                isQuoted = true
            } else if scalar == "," {
                rows[rows.count - 1].append("")
            } else if scalar == "\r", scalars.first == "\n" {
                scalars.removeFirst()
                rows.append([""])
            } else {
                add(scalar)
            }
        }
        return rows
    }

    @Test func `the golden vectors become the rows of the golden file`() throws {
        let encoder = CSVEncoder()
        var outcome = String(decoding: CSVEncoder.fileHeader, as: UTF8.self)
        for line in Vectors.json.prefix(22) { outcome += try #require(encoder.text(line)) + "\r\n" }
        for row in rows(outcome).dropLast() { #expect(row.count == CSVEncoder.columns.count) }
        let shown = outcome.replacing("\r\n", with: "\n")
        let golden = GoldenFolder("../Golden/Encode").case("csv.txt", input: "The vectors J1 to J22, in order.\n")
        #expect(golden.difference(from: shown) == nil)
    }

    @Test(arguments: 0..<100 as Range<UInt64>)
    func `any text comes back from its cell`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let pieces = ["a", "\"", ",", "\r", "\n", "\r\n", " ", "=", "é", "😀", "'", "\\", "\u{0}", ";"]
        let text = "x" + (0..<8).map { _ in pieces.randomElement(using: &generator) ?? "" }.joined()
        let encoder = CSVEncoder()
        let row = try #require(encoder.text(record([("UserAgent", quoted(text)), ("Code", "-1")])))
        let cells = rows(row)[0]
        #expect(cells[16] == text, "seed \(seed)")
        #expect(cells[13] == "-1")
    }

    @Test func `formulas are disarmed when asked for, and only then`() throws {
        let plain = CSVEncoder()
        let guarded = CSVEncoder(guardsFormulas: true)
        for formula in ["=1+1", "+1", "-1", "@a", "\t=1"] {
            let line = record([("UserAgent", quoted(formula)), ("Code", "-1")])
            #expect(rows(try #require(plain.text(line)))[0][16] == formula)
            let cells = rows(try #require(guarded.text(line)))[0]
            #expect(cells[16] == "'" + formula)
            #expect(cells[13] == "-1")
        }
    }
}
