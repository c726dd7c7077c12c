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

    /// What a cell must hold, from the rule: a text that a spreadsheet would take for a formula after a `'`.
    private func guarded(_ text: String) -> String {
        let start = text.drop { $0 == " " }
        let isFormula = "=+-@\t\r\n＋－＝＠".unicodeScalars.contains { $0 == start.unicodeScalars.first }
        return isFormula && !start.contains(/^-[0-9]+$/) ? "'" + text : text
    }

    @Test(arguments: 0..<100 as Range<UInt64>)
    func `any text comes back from its cell, and none is a formula`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let pieces = [
            "a", "\"", ",", "\r", "\n", "\r\n", " ", "=", "+", "-", "@", "1", "é", "😀", "'", "\\", "\u{0}", ";", "\t",
            "＝", "\u{9b}",
        ]
        for _ in 0..<20 {
            let length = Int.random(in: 0...8, using: &generator)
            let text = (0..<length).map { _ in pieces.randomElement(using: &generator) ?? "" }.joined()
            let row = try #require(CSVEncoder().text(record([("UserAgent", quoted(text)), ("Code", "-1")])))
            let cells = rows(row)[0]
            #expect(cells.count == CSVEncoder.columns.count)
            #expect(cells[16] == guarded(text), "seed \(seed)")
            #expect(cells[13] == "-1")
            // The export's way to the same.
            #expect(rows(CSVText.row([text, nil, text]))[0] == [guarded(text), "", guarded(text)], "seed \(seed)")
        }
    }

    @Test func `formulas are disarmed, whoever writes them, and every cell is quoted`() throws {
        for formula in ["=1+1", "+1", "-a", "-", "@a", "\t=1", "\r=1", "\n=1", "  =1", "＝1", "=cmd|' /C calc'!A0"] {
            let line = try #require(CSVEncoder().text(record([("UserAgent", quoted(formula)), ("Code", "-1")])))
            #expect(rows(line)[0][16] == "'" + formula)
            #expect(CSVText.cell(formula).hasPrefix("\"'"))
        }
        // Where a semicolon separates, what stands after one must not begin a cell.
        #expect(CSVText.cell("x;=HYPERLINK(1)") == "\"x;=HYPERLINK(1)\"")
        #expect(CSVText.cell("") == "" && CSVText.cell("1") == "\"1\"" && CSVText.cell("-1") == "\"-1\"")
    }
}
