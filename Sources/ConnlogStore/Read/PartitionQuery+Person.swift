#if Server
import GRDB

/// `person:`, who a connection was, whether the event names that user or it was inferred.
///
/// Where a user is recorded, nobody is inferred, so the two indices have no row in common.
extension PartitionQuery {
    /// The number of who it was, in SQL; null where nobody can be named.
    static let person = "CASE WHEN access IS NULL THEN inferred ELSE user END"

    mutating func add(
        people ids: [String], _ term: RowQuery.Term, _ candidates: inout [(path: Path, values: [Int64])],
        _ database: Database
    ) throws {
        let numbers = try numbers(of: ids, database)
        ask(.oneOf(["user", "inferred"], numbers), term)
        if term.isNegated { return }
        isEmpty = isEmpty || numbers.isEmpty
        candidates.append((.person, numbers))
    }

    /// Which index a piece of `starts` goes along; none where it asks for both at once.
    static func personIndex(_ start: SQLPiece, _ partition: Partition) -> String {
        for column in ["user", "inferred"] where start.text.hasPrefix("\(column) =") {
            return "INDEXED BY \(partition.rows)_\(column)"
        }
        return ""
    }
}
#endif
