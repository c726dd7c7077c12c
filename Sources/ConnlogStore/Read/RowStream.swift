#if Server
import GRDB

/// The rows of one class (and one owner, workspace or user) that match, newest first, read some at a time.
struct RowStream {
    /// A row that matches: where it is in the list.
    private(set) var head: RowPosition?

    private let sql: String
    private let arguments: [SQLValue]
    private let partition: Int64
    private var buffer: [RowPosition] = []
    private var next = 0
    private var isAtEnd = false
    /// The next to read come after this one.
    private var after: (time: Microseconds, row: Int64)
    /// Few at first: most streams of a merge give a few rows or none.
    private var chunk = 16
    private static let chunkMax = 1024

    init(_ sql: String, _ arguments: [SQLValue], _ partition: Int64, after: (Microseconds, Int64), _ database: Database)
        throws
    {
        self.sql = sql
        self.arguments = arguments
        self.partition = partition
        self.after = after
        try advance(database)
    }

    mutating func advance(_ database: Database) throws {
        if next == buffer.count { try refill(database) }
        guard next < buffer.count else {
            head = nil
            return
        }
        head = buffer[next]
        next += 1
    }

    private mutating func refill(_ database: Database) throws {
        buffer = []
        next = 0
        guard !isAtEnd else { return }
        let keyset = [SQLValue.time(after.time), .int(after.row), .int(chunk)]
        buffer = try database.all(sql, arguments + keyset) { row in
            RowPosition(time: row.time(0), partition: partition, row: row.int(1))
        }
        isAtEnd = buffer.count < chunk
        chunk = min(chunk * 4, RowStream.chunkMax)
        if let last = buffer.last { after = (last.time, last.row) }
    }
}

extension PartitionQuery {
    /// What is gone along: for each class, or owner and class, a condition that one index answers in order.
    /// Where those would be very many, one that SQLite sorts.
    private var starts: [SQLPiece] {
        let byClass = classes.map { SQLPiece("class = ?", [.int($0.number)]).and($0.filter) }
        if classes.count * max(1, values.count) > PartitionQuery.startsMax { return [together] }
        switch path {
        case .time: return [ofClasses]
        case .rowClass: return byClass
        case .open: return byClass.map { SQLPiece("open = 1").and($0) }
        case .owner: return withValues("owner", byClass)
        case .workspace: return withValues("workspace", byClass)
        case .user: return withValues("user", byClass)
        case .keys:
            let rows = "row IN (SELECT row FROM \(partition.keys) WHERE hash = ?)"
            return [SQLPiece(rows, [.int(values.first ?? 0)]).and(ofClasses)]
        }
    }

    /// All classes at once, each with what is asked of it alone.
    private var ofClasses: SQLPiece {
        let groups = Dictionary(grouping: classes) { $0.filter }
        let pieces = groups.map { filter, classes in
            SQLPiece.oneOf(["class"], classes.map(\.number)).and(filter)
        }
        if pieces.count == 1 { return pieces[0] }
        let text = pieces.map { "(\($0.text))" }.joined(separator: " OR ")
        return SQLPiece("(\(text))", pieces.flatMap(\.arguments))
    }

    private var together: SQLPiece {
        switch path {
        case .time, .rowClass: ofClasses
        case .open: SQLPiece("open = 1").and(ofClasses)
        case .owner: SQLPiece.oneOf(["owner"], values).and(ofClasses)
        case .workspace: SQLPiece.oneOf(["workspace"], values).and(ofClasses)
        case .user: SQLPiece.oneOf(["user"], values).and(ofClasses)
        case .keys:
            SQLPiece("row IN (SELECT row FROM \(partition.keys) WHERE hash = ?)", [.int(values.first ?? 0)]).and(
                ofClasses)
        }
    }

    private func withValues(_ column: String, _ pieces: [SQLPiece]) -> [SQLPiece] {
        values.flatMap { value in pieces.map { SQLPiece("\(column) = ?", [.int(value)]).and($0) } }
    }

    private var index: String {
        switch path {
        case .time: "INDEXED BY \(partition.rows)_time"
        case .rowClass: "INDEXED BY \(partition.rows)_class"
        case .open: "INDEXED BY \(partition.rows)_open"
        case .owner: "INDEXED BY \(partition.rows)_owner"
        case .workspace: "INDEXED BY \(partition.rows)_workspace"
        case .user: "INDEXED BY \(partition.rows)_user"
        case .keys: "NOT INDEXED"
        }
    }

    private var times: SQLPiece {
        var piece = SQLPiece.none
        if let from { piece = piece.and(SQLPiece("time >= ?", [.time(from)])) }
        if let through { piece = piece.and(SQLPiece("time <= ?", [.time(through)])) }
        return piece
    }

    /// The streams of rows after a place in the list.
    func streams(after position: RowPosition?, _ database: Database) throws -> [RowStream] {
        if isEmpty { return [] }
        let after = start(position)
        return try starts.map { start in
            let piece = start.and(times).and(filter)
            let sql = """
                SELECT time, row FROM \(partition.rows) \(index) WHERE \(piece.text) AND (time, row) < (?, ?)
                ORDER BY time DESC, row DESC LIMIT ?
                """
            return try RowStream(sql, piece.arguments, partition.number, after: after, database)
        }
    }

    /// Rows of one time stand in the order of their partitions.
    private func start(_ position: RowPosition?) -> (Microseconds, Int64) {
        guard let position else { return (Microseconds(.max), .max) }
        if partition.number == position.partition { return (position.time, position.row) }
        return (position.time, partition.number < position.partition ? .max : .min)
    }

    /// How many rows match, or `limit` if there are more.
    func count(limit: Int, _ database: Database) throws -> Int {
        if isEmpty { return 0 }
        var count = 0
        for start in starts where count < limit {
            let piece = start.and(times).and(filter)
            let sql = """
                SELECT count(*) FROM (SELECT 1 FROM \(partition.rows) \(index) WHERE \(piece.text) LIMIT ?)
                """
            count += Int(try database.first(sql, piece.arguments + [.int(limit - count)]) { $0.int(0) } ?? 0)
        }
        return count
    }

    /// Whether the census alone can tell how many rows match.
    var isCensus: Bool {
        needsOnlyClass && from == nil && through == nil && classes.allSatisfy(\.filter.isNone)
    }

    /// `FROM ... WHERE ...` of all rows that match, in no order.
    var source: SQLPiece {
        if isEmpty { return SQLPiece("FROM \(partition.rows) WHERE 0") }
        let branches = starts.map { $0.and(times).and(filter) }
        let text = branches.map { "SELECT * FROM \(partition.rows) \(index) WHERE \($0.text)" }
        return SQLPiece("FROM (\(text.joined(separator: " UNION ALL ")))", branches.flatMap(\.arguments))
    }
}
#endif
