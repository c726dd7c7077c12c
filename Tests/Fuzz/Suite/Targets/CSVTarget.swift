@testable import ConnlogCore
@testable import ConnlogSystem

/// Comma-separated values, both ways: whatever somebody is called, a row stays one row of as many cells, no spreadsheet
/// takes one for a formula, and what was meant is what is read; and a file of names is read whole, or refused with a line
/// that it has.
enum CSVTarget {
    static func check(_ bytes: [UInt8]) throws(Finding) {
        try checkRow(bytes)
        try checkNames(bytes)
        try checkNamesOfOurOwn(bytes)
    }

    /// Cells are what stands between bytes that text has none of.
    private static func checkRow(_ bytes: [UInt8]) throws(Finding) {
        let cells = bytes.split(separator: 0, omittingEmptySubsequences: false).map {
            String(decoding: $0, as: UTF8.self)
        }
        let row = Array(CSVText.row(cells.map { Optional($0) }).utf8)
        let read = try rows(row)
        try expect(read.count == 1, "\(read.count) rows of one")
        try expect(read[0].count == cells.count, "\(read[0].count) cells of \(cells.count)")
        for (cell, found) in zip(cells, read[0]) {
            try expect(found == cell || found == "'" + cell, "'\(cell)' became '\(found)'")
            try expect(!isFormula(found), "'\(found)' is a formula")
            if found != cell { try expect(isFormula(cell), "'\(cell)' was guarded, and is no formula") }
        }
    }

    private static func checkNames(_ bytes: [UInt8]) throws(Finding) {
        let lines = bytes.count { $0 == 0x0a || $0 == 0x0d } + 1
        let table: NameTable
        do throws(NameTable.Mistake) { table = try NameTable(csv: bytes) } catch {
            try expect((1...lines).contains(error.line), "line \(error.line) of \(lines)")
            return try expect(!error.text.isEmpty, "refused without a word")
        }
        try expect(table.users.count + table.organizations.count < lines, "more names than lines after the first")
    }

    /// A file with the bytes as somebody's name, written as spreadsheets write it, gives that name.
    private static func checkNamesOfOurOwn(_ bytes: [UInt8]) throws(Finding) {
        let name = String(decoding: bytes, as: UTF8.self)
        let id = "7a6fafdc-e3d0-43cb-a1b7-1f19802d7908"
        let file = "id,username,email,name\r\n\(id),alice,a@x.org,\(CSVText.quoted(name))\r\n"
        guard let table = try? NameTable(csv: Array(file.utf8)) else { throw Finding("'\(name)' cannot be read") }
        try expect(table.users.map(\.name) == [name], "'\(name)' became \(table.users.map(\.name))")
    }

    // MARK: - The slow way

    /// RFC 4180, a byte at a time: only a quote begins and ends what may hold anything.
    private static func rows(_ bytes: [UInt8]) throws(Finding) -> [[String]] {
        var rows: [[String]] = []
        var (row, cell) = ([String](), [UInt8]())
        var (isQuoted, wasQuote, hasBegun) = (false, false, false)
        func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
        var place = 0
        while place < bytes.count {
            let byte = bytes[place]
            place += 1
            if isQuoted, !wasQuote {
                if byte == 0x22 { wasQuote = true } else { cell.append(byte) }
                continue
            }
            switch byte {
            case 0x22 where wasQuote:
                cell.append(byte)
                wasQuote = false
            case 0x22 where !hasBegun: (isQuoted, hasBegun) = (true, true)
            case 0x2c:
                row.append(text(cell))
                (cell, isQuoted, wasQuote, hasBegun) = ([], false, false, false)
            case 0x0d where place < bytes.count && bytes[place] == 0x0a:
                place += 1
                rows.append(row + [text(cell)])
                (row, cell, isQuoted, wasQuote, hasBegun) = ([], [], false, false, false)
            default: throw Finding("byte \(byte) stands outside of quotes")
            }
        }
        try expect(row.isEmpty && cell.isEmpty && !hasBegun, "the last row has no end")
        return rows
    }

    private static func isFormula(_ text: String) -> Bool {
        let rest = text.unicodeScalars.drop { $0 == " " }
        guard let first = rest.first else { return false }
        switch first {
        case "=", "+", "@", "\t", "\n", "\r", "\u{ff0b}", "\u{ff0d}", "\u{ff1d}", "\u{ff20}": return true
        case "-":
            let digits = rest.dropFirst()
            return digits.isEmpty || !digits.allSatisfy { ("0"..."9").contains($0) }
        default: return false
        }
    }
}
