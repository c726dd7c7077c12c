/// A condition in SQL: names of columns and `?`, and what is bound to them.
struct SQLPiece: Hashable {
    private(set) var text: String
    private(set) var arguments: [SQLValue]

    /// Always true.
    static let none = SQLPiece("")

    init(_ text: String, _ arguments: [SQLValue] = []) {
        self.text = text
        self.arguments = arguments
    }

    /// One of the columns holds one of the numbers.
    static func oneOf(_ columns: [String], _ numbers: [Int64]) -> SQLPiece {
        guard let first = numbers.first else { return SQLPiece("0") }
        if numbers.count == 1 {
            let pieces = columns.map { "\($0) = ?" }
            return SQLPiece("(\(pieces.joined(separator: " OR ")))", columns.map { _ in .int(first) })
        }
        let list = SQLValue.text("[\(numbers.map { String($0) }.joined(separator: ","))]")
        let pieces = columns.map { "\($0) IN (SELECT value FROM json_each(?))" }
        return SQLPiece("(\(pieces.joined(separator: " OR ")))", columns.map { _ in list })
    }

    var isNone: Bool { text.isEmpty }

    /// What is null, and so neither true nor false, does not match, and its opposite does.
    var negated: SQLPiece { SQLPiece("(\(text)) IS NOT TRUE", arguments) }

    func and(_ other: SQLPiece) -> SQLPiece {
        if isNone { return other }
        if other.isNone { return self }
        return SQLPiece("\(text) AND \(other.text)", arguments + other.arguments)
    }
}
