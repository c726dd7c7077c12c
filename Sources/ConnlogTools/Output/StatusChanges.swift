import ConnlogCore

/// What is different in a status since it was looked at last.
///
///     siem  syslog  working  120  1204  (-80 +1204)
package enum StatusChanges {
    package struct Line: Sendable, Equatable {
        package var text: String
        /// Its words that are other ones than before, as places in `text` by characters.
        package var marks: [Range<Int>] = []
        /// By how much its numbers have changed, in their order: `+1204 -80`; empty where none has.
        package var note = ""

        package var isChanged: Bool { !marks.isEmpty }
    }

    /// - Parameter old: the status before; `nil` at the first look, when nothing has changed.
    package static func lines(_ new: String, since old: String?) -> [Line] {
        let lines = new.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        guard let old else { return lines.map { Line(text: $0) } }
        let before = old.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        // Lines stand where they stood, unless a part has come or gone: then each is known by its beginning.
        if before.count == lines.count { return zip(lines, before).map { line($0, since: $1) } }
        let known = Dictionary(before.map { (key($0), $0) }, uniquingKeysWith: { first, _ in first })
        return lines.map { line($0, since: known[key($0)] ?? "") }
    }

    private static func key(_ line: String) -> [Substring] { Array(line.split(separator: " ").prefix(2)) }

    private static func words(_ line: String) -> [(text: Substring, range: Range<Int>)] {
        var place = 0
        return line.split(separator: " ", omittingEmptySubsequences: false).compactMap { word in
            defer { place += word.count + 1 }
            return word.isEmpty ? nil : (word, place..<place + word.count)
        }
    }

    private static func line(_ new: String, since old: String) -> Line {
        var line = Line(text: new)
        if new == old { return line }
        let (words, before) = (words(new), words(old))
        guard words.count == before.count else {
            if let first = words.first, let last = words.last {
                line.marks = [first.range.lowerBound..<last.range.upperBound]
            }
            return line
        }
        var notes: [String] = []
        for (place, pair) in zip(words, before).enumerated() where pair.0.text != pair.1.text {
            line.marks.append(pair.0.range)
            let isMeasured = place + 1 < words.count && units.contains(words[place + 1].text)
            guard !isMeasured, let now = number(pair.0.text), let then = number(pair.1.text) else { continue }
            let (change, overflows) = now.subtractingReportingOverflow(then)
            if !overflows, change != 0 { notes.append(change > 0 ? "+\(change)" : "\(change)") }
        }
        line.note = notes.joined(separator: " ")
        return line
    }

    /// An age or a size is another one all the time.
    private static let units: Set<Substring> = ["s", "min", "h", "d", "B", "KiB", "MiB", "GiB", "of"]

    private static func number(_ word: Substring) -> Int? { Int(word.filter { $0 != "," && $0 != ";" }) }

    // MARK: - How they are shown

    /// A frame that is drawn over the one before, without a flicker: each line to its end, then what was below it.
    /// - Parameters:
    ///   - columns: of a line; what is longer is cut.
    ///   - rows: of the terminal; with more lines, the last one says how many are missing.
    ///   - isColoured: what has changed is bold.
    package static func frame(_ lines: [Line], columns: Int, rows: Int, isColoured: Bool) -> String {
        var lines = lines
        while lines.last?.text.isEmpty == true { lines.removeLast() }
        var rest = 0
        if lines.count >= rows {
            rest = lines.count - max(0, rows - 2)
            lines = Array(lines.prefix(max(0, rows - 2)))
        }
        var text = "\u{1b}[H"
        for line in lines { text += drawn(line, columns, isColoured) + "\u{1b}[K\n" }
        if rest > 0 {
            text += DisplayWidth.cut("... \(rest) lines more: a taller window shows them", to: columns) + "\u{1b}[K\n"
        }
        return text + "\u{1b}[J"
    }

    private static func drawn(_ line: Line, _ columns: Int, _ isColoured: Bool) -> String {
        let note = line.note.isEmpty ? "" : "  (\(line.note))"
        let whole = DisplayWidth.cut(TerminalText.line(line.text) + note, to: columns)
        // Places are those of the text as it came, which has nothing but its words where it is plain.
        guard isColoured, line.isChanged, TerminalText.line(line.text) == line.text else { return whole }
        var text = ""
        for (place, character) in whole.enumerated() {
            if line.marks.contains(where: { $0.lowerBound == place }) { text += "\u{1b}[1m" }
            text.append(character)
            if line.marks.contains(where: { $0.upperBound == place + 1 }) { text += "\u{1b}[0m" }
        }
        return text + "\u{1b}[0m"
    }

    /// For a pipe: the lines that have changed, each with by how much.
    package static func report(_ lines: [Line]) -> String {
        lines.filter(\.isChanged).map { $0.text + ($0.note.isEmpty ? "" : "  (\($0.note))") + "\n" }.joined()
    }
}
