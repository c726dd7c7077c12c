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

    /// - Parameter isOrdered: an index gives the rows in order; else SQLite sorts all of them for each chunk.
    init(
        _ sql: String, _ arguments: [SQLValue], _ partition: Int64, after: (Microseconds, Int64), isOrdered: Bool,
        _ database: Database
    ) throws {
        if !isOrdered { chunk = RowStream.chunkMax }
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
        if classes.count * max(1, values.count) * (path == .person ? 2 : 1) > PartitionQuery.startsMax {
            return [together]
        }
        switch path {
        case .time: return [ofClasses]
        case .rowClass: return byClass
        case .open: return byClass.map { SQLPiece("open = 1").and($0) }
        case .owner: return withValues("owner", byClass)
        case .workspace: return withValues("workspace", byClass)
        case .user: return withValues("user", byClass)
        case .person: return withValues("user", byClass) + withValues("inferred", byClass)
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
        case .person: SQLPiece.oneOf(["user", "inferred"], values).and(ofClasses)
        case .keys:
            SQLPiece("row IN (SELECT row FROM \(partition.keys) WHERE hash = ?)", [.int(values.first ?? 0)]).and(
                ofClasses)
        }
    }

    private func withValues(_ column: String, _ pieces: [SQLPiece]) -> [SQLPiece] {
        values.flatMap { value in pieces.map { SQLPiece("\(column) = ?", [.int(value)]).and($0) } }
    }

    private func index(_ start: SQLPiece) -> String {
        switch path {
        case .time: "INDEXED BY \(partition.rows)_time"
        case .rowClass: "INDEXED BY \(partition.rows)_class"
        case .open: "INDEXED BY \(partition.rows)_open"
        case .owner: "INDEXED BY \(partition.rows)_owner"
        case .workspace: "INDEXED BY \(partition.rows)_workspace"
        case .user: "INDEXED BY \(partition.rows)_user"
        case .person: PartitionQuery.personIndex(start, partition)
        case .keys: "NOT INDEXED"
        }
    }

    private func times(from: Microseconds?, through: Microseconds?) -> SQLPiece {
        var piece = SQLPiece.none
        if let from { piece = piece.and(SQLPiece("time >= ?", [.time(from)])) }
        if let through { piece = piece.and(SQLPiece("time <= ?", [.time(through)])) }
        return piece
    }

    /// What one statement goes along: an index, and what is asked of the rows there.
    struct Branch {
        let index: String
        let piece: SQLPiece
        /// The index gives them in the order of the list.
        var isOrdered = true
    }

    /// All rows that match, each in one branch.
    var branches: [Branch] {
        if isEmpty { return [] }
        guard let overlap, path == .rowClass || path == .time, from.map({ $0 < overlap }) ?? true else {
            return starts.map {
                Branch(index: index($0), piece: $0.and(times(from: from, through: through)).and(filter))
            }
        }
        let begun = starts.map {
            Branch(index: index($0), piece: $0.and(times(from: overlap, through: through)).and(filter))
        }
        return begun + carried(into: overlap)
    }

    /// Connections that were open at the beginning of a range: those without an end, and those whose end came in after it,
    /// which an index knows.
    private func carried(into overlap: Microseconds) -> [Branch] {
        guard extent.oldest < overlap else { return [] }
        let before = SQLPiece("time < ?", [.time(overlap)]).and(times(from: from, through: through)).and(filter)
        let bounds = arrivals(since: overlap)
        let ended = SQLPiece("disconnect >= ?", [.time(overlap)]).and(ofClasses).and(before)
        // When the second kind came in is not known.
        let arrivals = [SQLPiece("arrival >= ?", [bounds[0]]), SQLPiece("arrival < ?", [bounds[1]])]
        let open = Branch(
            index: "INDEXED BY \(partition.rows)_open", piece: SQLPiece("open = 1").and(ofClasses).and(before),
            isOrdered: false)
        return [open]
            + arrivals.map {
                Branch(index: "INDEXED BY \(partition.rows)_arrival", piece: $0.and(ended), isOrdered: false)
            }
    }

    /// The streams of rows after a place in the list.
    func streams(after position: RowPosition?, _ database: Database) throws -> [RowStream] {
        let after = start(position)
        return try branches.map { branch in
            let sql = """
                SELECT time, row FROM \(partition.rows) \(branch.index) WHERE \(branch.piece.text) AND (time, row) < (?, ?)
                ORDER BY time DESC, row DESC LIMIT ?
                """
            return try RowStream(
                sql, branch.piece.arguments, partition.number, after: after, isOrdered: branch.isOrdered, database)
        }
    }

    /// Rows of one time stand in the order of their partitions.
    private func start(_ position: RowPosition?) -> (Microseconds, Int64) {
        guard let position else { return (Microseconds(.max), .max) }
        if partition.number == position.partition { return (position.time, position.row) }
        return (position.time, partition.number < position.partition ? .max : .min)
    }

    /// The connect time of the oldest row that matches.
    func oldest(_ database: Database) throws -> Microseconds? {
        if isEmpty { return nil }
        return try branches.compactMap { branch in
            let from = "\(partition.rows) \(branch.index) WHERE \(branch.piece.text)"
            let sql = "SELECT time FROM \(from) ORDER BY time, row LIMIT 1"
            return try database.first(sql, branch.piece.arguments) { $0.time(0) }
        }.min()
    }

    /// How many rows match, or `limit` if there are more.
    func count(limit: Int, _ database: Database) throws -> Int {
        var count = 0
        for branch in branches where count < limit {
            let sql = """
                SELECT count(*) FROM (SELECT 1 FROM \(partition.rows) \(branch.index) WHERE \(branch.piece.text) LIMIT ?)
                """
            let arguments = branch.piece.arguments + [.int(limit - count)]
            count += Int(try database.first(sql, arguments) { $0.int(0) } ?? 0)
        }
        return count
    }

    /// Whether the census alone can tell how many rows match.
    var isCensus: Bool {
        needsOnlyClass && from == nil && through == nil && classes.allSatisfy(\.filter.isNone)
    }

    /// `FROM ... WHERE ...` of all rows that match, in no order.
    var source: SQLPiece {
        let branches = branches
        if branches.isEmpty { return SQLPiece("FROM \(partition.rows) WHERE 0") }
        let text = branches.map { "SELECT * FROM \(partition.rows) \($0.index) WHERE \($0.piece.text)" }
        return SQLPiece("FROM (\(text.joined(separator: " UNION ALL ")))", branches.flatMap(\.piece.arguments))
    }
}
#endif
