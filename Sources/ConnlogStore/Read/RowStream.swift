#if Server
import GRDB

/// The rows of one class (and one owner, workspace or user), newest first, read some at a time: those that match, and between
/// them how far has been looked.
struct RowStream {
    enum Head {
        /// It matches.
        case row(RowPosition)
        /// All down to this place, itself included, were looked at; what is after it was not.
        case mark(RowPosition)

        var place: RowPosition {
            switch self {
            case .row(let place), .mark(let place): place
            }
        }
    }

    private(set) var head: Head?

    private let sql: String
    private let arguments: [SQLValue]
    private let partition: Int64
    /// Rows that do not match are given too, and reading may stop at any of them.
    private let isStepping: Bool
    private var buffer: [RowPosition] = []
    private var next = 0
    private var isAtEnd = false
    /// The next to read come after this one.
    private var after: (time: Microseconds, row: Int64)
    private var hasLooked = false
    /// Few at first: most streams of a merge give a few rows or none.
    private var chunk: Int
    private var matchesMax = 16
    private static let matchesAtMost = 1024
    /// More would be looked at in vain, in each stream, when time is up.
    private static let stepsAtMost = 4096

    /// - Parameters:
    ///   - sql: gives `time`, `row`, and whether it matches.
    ///   - isOrdered: an index gives the rows in order; else SQLite sorts all of them for each chunk.
    ///   - bound: it has no rows at or after this place; nothing is read before somebody comes down to it.
    init(
        _ sql: String, _ arguments: [SQLValue], _ partition: Int64, after: (Microseconds, Int64), isOrdered: Bool,
        isStepping: Bool, bound: RowPosition?, _ database: Database, _ meter: LookMeter
    ) throws {
        chunk = isStepping ? 64 : isOrdered ? 16 : RowStream.matchesAtMost
        self.sql = sql
        self.arguments = arguments
        self.partition = partition
        self.isStepping = isStepping
        self.after = after
        if let bound {
            head = .mark(bound)
        } else {
            try refill(database, meter)
        }
    }

    /// Passes the head: the next that matches comes, or more are read.
    mutating func advance(_ database: Database, _ meter: LookMeter) throws {
        if case .mark = head {
            if isAtEnd { head = nil } else { try refill(database, meter) }
        } else {
            settle()
        }
    }

    private mutating func settle() {
        if next < buffer.count {
            head = .row(buffer[next])
            next += 1
        } else {
            let place = RowPosition(time: after.time, partition: partition, row: after.row)
            // After the last row that matches others may have been looked at.
            let isNews = hasLooked && head.map { place < $0.place } ?? true
            head = isAtEnd && !isNews ? nil : .mark(place)
        }
    }

    private mutating func refill(_ database: Database, _ meter: LookMeter) throws {
        buffer = []
        next = 0
        var (looked, isStopped) = (0, false)
        let keyset = [SQLValue.time(after.time), .int(after.row), .int(chunk)]
        try database.prepared(sql).each(arguments + keyset) { row in
            looked += 1
            after = (row.time(0), row.int(1))
            if row.int(2) != 0 { buffer.append(RowPosition(time: after.time, partition: partition, row: after.row)) }
            meter.look()
            isStopped = isStepping && (buffer.count == matchesMax || meter.isOver)
            return !isStopped
        }
        hasLooked = hasLooked || looked > 0
        isAtEnd = looked < chunk && !isStopped
        if isStepping {
            chunk = min(chunk * 2, RowStream.stepsAtMost)
        } else {
            chunk = min(chunk * 4, RowStream.matchesAtMost)
        }
        matchesMax = min(matchesMax * 4, RowStream.matchesAtMost)
        if looked == 0 { head = nil } else { settle() }
    }
}

extension PartitionQuery {
    /// What is gone along: for each class, or owner and class, a condition that one index answers in order, and what is asked
    /// of rows of this class alone. Where those would be very many, one that SQLite sorts.
    private var starts: [(range: SQLPiece, filter: SQLPiece)] {
        if isTooMany { return [(together, .none)] }
        switch path {
        case .time: return [(ofClasses, .none)]
        case .rowClass: return byClass(.none)
        case .open: return byClass(SQLPiece("open = 1"))
        case .owner: return withValues("owner")
        case .workspace: return withValues("workspace")
        case .user: return withValues("user")
        case .person: return withValues("user") + withValues("inferred")
        case .keys:
            let rows = "row IN (SELECT row FROM \(partition.keys) WHERE hash = ?)"
            return [(SQLPiece(rows, [.int(values.first ?? 0)]).and(ofClasses), .none)]
        }
    }

    private func byClass(_ first: SQLPiece) -> [(range: SQLPiece, filter: SQLPiece)] {
        classes.map { (first.and(SQLPiece("class = ?", [.int($0.number)])), $0.filter) }
    }

    private func withValues(_ column: String) -> [(range: SQLPiece, filter: SQLPiece)] {
        values.flatMap { byClass(SQLPiece("\(column) = ?", [.int($0)])) }
    }

    private var isTooMany: Bool {
        classes.count * max(1, values.count) * (path == .person ? 2 : 1) > PartitionQuery.startsMax
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

    /// What one statement goes along: an index, what it gives, and what is asked of the rows there.
    struct Branch {
        let index: String
        let range: SQLPiece
        let filter: SQLPiece
        /// The index gives them in the order of the list.
        var isOrdered = true
        /// Its rows are all before this time.
        var before: Microseconds?

        var piece: SQLPiece { range.and(filter) }
    }

    /// Whether the index of `starts` gives rows in the order of the list.
    private var isInOrder: Bool { path == .time || path != .keys && !isTooMany }

    /// All rows that match, each in one branch.
    var branches: [Branch] {
        if isEmpty { return [] }
        guard let overlap, path == .rowClass || path == .time, from.map({ $0 < overlap }) ?? true else {
            return begun(times(from: from, through: through))
        }
        return begun(times(from: overlap, through: through)) + carried(into: overlap)
    }

    private func begun(_ times: SQLPiece) -> [Branch] {
        starts.map { Branch(index: index($0.range), range: $0.range.and(times), filter: $0.filter.and(filter)) }
    }

    /// Connections that were open at the beginning of a range: those without an end, and those whose end came in after it,
    /// which an index knows.
    private func carried(into overlap: Microseconds) -> [Branch] {
        guard extent.oldest < overlap else { return [] }
        let before = SQLPiece("time < ?", [.time(overlap)]).and(times(from: from, through: through))
        let bounds = arrivals(since: overlap)
        let ended = SQLPiece("disconnect >= ?", [.time(overlap)]).and(ofClasses).and(before)
        // When the second kind came in is not known.
        let arrivals = [SQLPiece("arrival >= ?", [bounds[0]]), SQLPiece("arrival < ?", [bounds[1]])]
        let open = Branch(
            index: "INDEXED BY \(partition.rows)_open", range: SQLPiece("open = 1").and(ofClasses).and(before),
            filter: filter, isOrdered: false, before: overlap)
        return [open]
            + arrivals.map {
                Branch(
                    index: "INDEXED BY \(partition.rows)_arrival", range: $0.and(ended), filter: filter,
                    isOrdered: false, before: overlap)
            }
    }

    /// The streams of rows after a place in the list; those with nothing to give are left out.
    func streams(after position: RowPosition?, _ database: Database, _ meter: LookMeter) throws -> [RowStream] {
        let after = start(position)
        return try branches.map { branch in
            let isStepping = meter.isLimited && branch.isOrdered && isInOrder
            let asked = isStepping ? branch.filter : .none
            let range = isStepping ? branch.range : branch.piece
            // After the first that does not hold, SQLite asks no others here, and mostly need not go from the index to the row.
            let sql = """
                SELECT time, row, \(asked.isNone ? "1" : "CASE WHEN \(asked.text) THEN 1 ELSE 0 END")
                FROM \(partition.rows) \(branch.index) WHERE \(range.text) AND (time, row) < (?, ?)
                ORDER BY time DESC, row DESC LIMIT ?
                """
            let bound = branch.before.map { RowPosition(time: $0, partition: 0, row: 0) }
            return try RowStream(
                sql, asked.arguments + range.arguments, partition.number, after: after,
                isOrdered: branch.isOrdered, isStepping: isStepping,
                bound: bound.map { min($0, position ?? $0) }, database, meter)
        }.filter { $0.head != nil }
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
