/// A table for people: columns under their headings, two blanks between them, nothing after the last.
package struct Table: Sendable {
    package enum Side: Sendable { case left, right }

    private let columns: [(heading: String, side: Side)]
    private var rows: [[String]] = []

    package init(_ columns: (heading: String, side: Side)...) { self.columns = columns }

    package var isEmpty: Bool { rows.isEmpty }

    package mutating func add(_ cells: String...) {
        precondition(cells.count == columns.count)
        rows.append(cells)
    }

    /// With its headings; each line with its line feed.
    package var text: String {
        let all = [columns.map(\.heading)] + rows
        let widths = columns.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        return all.map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                let blanks = String(repeating: " ", count: widths[column] - cell.count)
                line += (column > 0 ? "  " : "") + (columns[column].side == .left ? cell + blanks : blanks + cell)
            }
            while line.hasSuffix(" ") { line.removeLast() }
            return line + "\n"
        }.joined()
    }
}
