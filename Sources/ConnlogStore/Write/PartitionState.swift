#if Server
import GRDB

/// What the writer remembers of a partition.
struct PartitionState {
    let partition: Partition
    var filter: KeyFilter
    private(set) var nextRow: Int64 = 1
    /// Of the connect times, or beyond them; `nil` without rows.
    private(set) var oldest: Microseconds?
    private(set) var newest: Microseconds?
    private var isChanged = false
    private let kept = Kept()

    private final class Kept { var statements: PartitionStatements? }

    init(_ partition: Partition, capacity: Int) {
        self.partition = partition
        filter = KeyFilter(capacity: capacity)
    }

    func statements(_ database: Database) throws -> PartitionStatements {
        if let statements = kept.statements { return statements }
        let statements = try PartitionStatements(partition, database)
        kept.statements = statements
        return statements
    }

    /// All there are, the newest last.
    static func all(_ database: Database, capacity: Int) throws -> [PartitionState] {
        let sql = "SELECT partition, oldest, newest, next_row, filter FROM partitions ORDER BY partition"
        return try database.all(sql) { row in
            var state = PartitionState(Partition(number: row.int(0)), capacity: capacity)
            (state.oldest, state.newest, state.nextRow) = (row.optionalTime(1), row.optionalTime(2), row.int(3))
            if let filter = KeyFilter(bytes: row.bytes(4)) {
                state.filter = filter
            } else {
                try state.readKeys(database)
            }
            return state
        }
    }

    private mutating func readKeys(_ database: Database) throws {
        try database.prepared("SELECT hash FROM \(partition.keys)").each([]) { row in
            filter.insert(row.int(0))
            return true
        }
    }

    func create(_ database: Database) throws {
        try partition.create(database)
        try database.run("INSERT INTO partitions(partition, next_row) VALUES (?, 1)", [.int(partition.number)])
    }

    mutating func add(_ time: Microseconds) {
        nextRow += 1
        note(time)
        isChanged = true
    }

    /// A row has this connect time now.
    mutating func note(_ time: Microseconds) {
        guard oldest.map({ time < $0 }) ?? true || newest.map({ time > $0 }) ?? true else { return }
        oldest = min(oldest ?? time, time)
        newest = max(newest ?? time, time)
        isChanged = true
    }

    /// Rows have gone; `nil`: all of them.
    mutating func narrow(oldest: Microseconds?) {
        self.oldest = oldest
        if oldest == nil { newest = nil }
        isChanged = true
    }

    mutating func save(_ database: Database) throws {
        guard isChanged else { return }
        isChanged = false
        try database.run(
            "UPDATE partitions SET oldest = ?, newest = ?, next_row = ? WHERE partition = ?",
            [.time(oldest), .time(newest), .int(nextRow), .int(partition.number)])
    }

    /// No more rows will come.
    func close(_ database: Database) throws {
        try database.run(
            "UPDATE partitions SET filter = ? WHERE partition = ?",
            [.bytes(filter.bytes), .int(partition.number)])
    }
}
#endif
