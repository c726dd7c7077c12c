/// A condition in SQL: names of columns and `?`, and what is bound to them.
struct SQLPiece: Hashable {
    private(set) var text: String
    private(set) var arguments: [SQLValue]

    /// Always true.
    static let none = SQLPiece("")
    /// Never true.
    static let never = SQLPiece("0")

    init(_ text: String, _ arguments: [SQLValue] = []) {
        self.text = text
        self.arguments = arguments
    }

    /// One of the columns holds one of the numbers.
    static func oneOf(_ columns: [String], _ numbers: [Int64]) -> SQLPiece {
        guard let first = numbers.first else { return .never }
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

    /// At least one of them.
    static func any(_ pieces: [SQLPiece]) -> SQLPiece {
        let possible = pieces.filter { $0 != .never }
        if possible.contains(where: \.isNone) { return SQLPiece("1") }
        guard !possible.isEmpty else { return .never }
        let text = possible.map { "(\($0.text))" }.joined(separator: " OR ")
        return SQLPiece("(\(text))", possible.flatMap(\.arguments))
    }

    /// All of them.
    static func all(_ pieces: [SQLPiece]) -> SQLPiece {
        pieces.contains(.never) ? .never : pieces.reduce(.none) { $0.and($1) }
    }

    /// What can never be true is that alone: SQLite passes over what stands beside a constant, and then a partial index can
    /// no longer be gone along.
    func and(_ other: SQLPiece) -> SQLPiece {
        if self == .never || other == .never { return .never }
        if isNone { return other }
        if other.isNone { return self }
        return SQLPiece("\(text) AND \(other.text)", arguments + other.arguments)
    }
}
