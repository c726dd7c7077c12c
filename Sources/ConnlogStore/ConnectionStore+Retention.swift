#if Server
public import ConnlogSystem
import GRDB

/// Letting go of what is old, in small steps between which events are taken in.
extension ConnectionStore {
    /// How much is kept.
    public struct Retention: Sendable, Equatable {
        /// Connections that began longer ago go, and events that came in longer ago; `nil` keeps them.
        public var age: Duration?
        /// The oldest go when the file's contents take more; `nil` lets them.
        public var bytes: Int?

        public init(age: Duration? = nil, bytes: Int? = nil) {
            self.age = age
            self.bytes = bytes
        }
    }

    /// What one step let go.
    public struct Step: Sendable, Equatable {
        public var rows = 0
        public var events = 0
        /// There is more to let go of now.
        public var isPartial = false
    }

    /// Lets go of some hundreds of rows at most, which takes some milliseconds. Waits for the disk.
    public func retain(_ retention: Retention, now: Nanoseconds) throws(StoreProblem) -> Step {
        try write { (writer, database) in
            var step = Step()
            if let age = retention.age {
                let cutoff = Microseconds(nanoseconds: now).advanced(by: .zero - age)
                step = try writer.remove(before: cutoff, database)
            }
            if let bytes = retention.bytes, !step.isPartial, try writer.contentBytes(database) > bytes {
                step = try writer.removeOldest(database)
            }
            return step
        }
    }

    /// Bytes that rows, indices and events take in the file.
    public func contentBytes() throws(StoreProblem) -> Int {
        try write { (writer, database) in try writer.contentBytes(database) }
    }
}

extension StoreWriter {
    private static let rowsOfStep = 500
    private static let membersOfStep = 50

    /// Pages in use; those that are free are used again before the file grows.
    func contentBytes(_ database: Database) throws -> Int {
        func number(_ pragma: String) throws -> Int { try Int.fetchOne(database, sql: "PRAGMA \(pragma)") ?? 0 }
        return try (number("page_count") - number("freelist_count")) * number("page_size")
    }

    /// Rows that began, and events that came, before a time.
    mutating func remove(before cutoff: Microseconds, _ database: Database) throws -> ConnectionStore.Step {
        var step = ConnectionStore.Step()
        for index in partitions.indices {
            if let oldest = partitions[index].oldest, oldest < cutoff {
                step.rows += try removeRows(of: index, before: cutoff, StoreWriter.rowsOfStep - step.rows, database)
            }
            if step.rows >= StoreWriter.rowsOfStep { break }
        }
        try dropEmpty(database)
        step.events = try removeEvents("WHERE newest < ?", [.time(cutoff)], database)
        step.isPartial = step.rows >= StoreWriter.rowsOfStep || step.events > 0
        return step
    }

    /// The oldest of all, whatever their age; the last row of all stays.
    mutating func removeOldest(_ database: Database) throws -> ConnectionStore.Step {
        var step = ConnectionStore.Step()
        let oldest = partitions.indices.filter { partitions[$0].oldest != nil }
            .min { (partitions[$0].oldest ?? .earliest, $0) < (partitions[$1].oldest ?? .earliest, $1) }
        if let oldest {
            step.rows = try removeRows(of: oldest, before: Microseconds(.max), StoreWriter.rowsOfStep, database)
        }
        try dropEmpty(database)
        step.events = try removeEvents("", [], database)
        step.isPartial = step.rows + step.events > 0
        return step
    }

    private mutating func removeRows(
        of index: Int, before cutoff: Microseconds, _ limit: Int, _ database: Database
    ) throws -> Int {
        let partition = partitions[index].partition
        let sql = "SELECT row, class, id, connection FROM \(partition.rows) WHERE time < ? ORDER BY time LIMIT ?"
        let found = try database.all(sql, [.time(cutoff), .int(limit)]) { row in
            let hashes = [row.id(3).map(hash.ofConnection), row.id(2).map(hash.ofRow)].compactMap { $0 }
            return (row: row.int(0), rowClass: row.int(1), hashes: hashes)
        }
        for (row, rowClass, hashes) in found {
            try database.run("DELETE FROM \(partition.rows) WHERE row = ?", [.int(row)])
            try database.run("DELETE FROM \(partition.more) WHERE row = ?", [.int(row)])
            for hash in hashes {
                try database.run("DELETE FROM \(partition.keys) WHERE hash = ? AND row = ?", [.int(hash), .int(row)])
            }
            try database.run(
                "UPDATE census SET rows = rows - 1 WHERE partition = ? AND class = ?",
                [.int(partition.number), .int(rowClass)])
        }
        let oldest = try database.first("SELECT min(time) FROM \(partition.rows)") { $0.optionalTime(0) }
        partitions[index].narrow(oldest: oldest ?? nil)
        try partitions[index].save(database)
        return found.count
    }

    /// A partition that gets no more rows and has none left goes as a whole.
    private mutating func dropEmpty(_ database: Database) throws {
        for state in partitions.dropLast() where state.oldest == nil { try state.partition.drop(database) }
        partitions = partitions.dropLast().filter { $0.oldest != nil } + partitions.suffix(1)
    }

    private func removeEvents(_ condition: String, _ arguments: [SQLValue], _ database: Database) throws -> Int {
        let sql = "SELECT first, count FROM raw \(condition) ORDER BY first LIMIT \(StoreWriter.membersOfStep)"
        let found = try database.all(sql, arguments) { (first: $0.int(0), count: Int($0.int(1))) }
        for member in found { try database.run("DELETE FROM raw WHERE first = ?", [.int(member.first)]) }
        return found.reduce(0) { $0 + $1.count }
    }
}
#endif
