#if Server
import ConnlogSystem
import GRDB

/// Letting go of what is old, in small steps between which events are taken in.
///
/// Age is when an event came in by connlog's own clock, kept with each row, never a date that an event says.
extension ConnectionStore {
    /// How much is kept.
    package struct Retention: Sendable, Equatable {
        /// Connections of which nothing came in for so long go, and events that came in longer ago; `nil` keeps them.
        package var age: Duration?
        /// The oldest go when the file's contents take more; `nil` lets them.
        package var bytes: Int?

        package init(age: Duration? = nil, bytes: Int? = nil) {
            self.age = age
            self.bytes = bytes
        }
    }

    /// What one step let go.
    package struct Step: Sendable, Equatable {
        package var rows = 0
        package var events = 0
        /// Audit events.
        package var audits = 0
        /// There is more to let go of now.
        package var isPartial = false
    }

    /// How many rows there are, and how many of which nothing has come in since `cutoff`, counted up to `limit` for
    /// each part of them. Waits for the disk.
    func due(before cutoff: Microseconds, atMost limit: (_ rows: Int) -> Int) throws(StoreProblem) -> (
        rows: Int, due: Int
    ) {
        try write { (writer, database) in
            let rows = try database.first("SELECT ifnull(sum(rows), 0) FROM census", [], { Int($0.int(0)) }) ?? 0
            return (rows, try writer.due(before: cutoff, atMost: limit(rows), database))
        }
    }

    /// Rows that came in while the machine's clock was not set count as having come in now. Waits for the disk.
    func dateUnknown(_ now: Nanoseconds) throws(StoreProblem) {
        let hour = ArrivalHour(Microseconds(nanoseconds: now))
        guard hour.isKnown else { return }
        try write { (writer, database) in try writer.dateUnknown(hour, database) }
    }

    /// Lets go of some hundreds of rows at most, which takes some milliseconds. Waits for the disk.
    func letGo(before cutoff: Microseconds) throws(StoreProblem) -> Step {
        defer { checkpoint() }
        return try write { (writer, database) in try writer.remove(before: cutoff, database) }
    }

    /// The same of the oldest, if the contents take more than `bytes`. Waits for the disk.
    func letGo(above bytes: Int) throws(StoreProblem) -> Step {
        defer { checkpoint() }
        return try write { (writer, database) in
            guard try writer.contentBytes(database) > bytes else { return Step() }
            let audits = try AuditTable.remove(above: bytes, database)
            if audits > 0 { return Step(audits: audits, isPartial: true) }
            return try writer.removeOldest(database)
        }
    }

    /// Classes of no row any more go. Waits for the disk.
    func tidy() throws(StoreProblem) {
        try write { (writer, database) in try writer.dropClasses(database) }
    }

    /// Bytes that rows, indices and events take in the file.
    package func contentBytes() throws(StoreProblem) -> Int {
        try write { (writer, database) in try writer.contentBytes(database) }
    }

    /// Bytes of pages that are free in the file: they are used before it grows. Waits for the disk.
    func freeBytes() throws(StoreProblem) -> Int {
        try write { (_, database) in
            try StoreWriter.pragma("freelist_count", database) * StoreWriter.pragma("page_size", database)
        }
    }
}

extension StoreWriter {
    private static let rowsOfStep = 500
    private static let membersOfStep = 50

    /// Pages in use; those that are free are used again before the file grows.
    func contentBytes(_ database: Database) throws -> Int {
        let pages = try StoreWriter.pragma("page_count", database) - StoreWriter.pragma("freelist_count", database)
        return try pages * StoreWriter.pragma("page_size", database)
    }

    fileprivate static func pragma(_ name: String, _ database: Database) throws -> Int {
        try Int.fetchOne(database, sql: "PRAGMA \(name)") ?? 0
    }

    fileprivate func due(before cutoff: Microseconds, atMost limit: Int, _ database: Database) throws -> Int {
        var count = 0
        for state in partitions where count < limit {
            let sql = """
                SELECT count(*) FROM (SELECT 1 FROM \(state.partition.rows) WHERE arrival >= ? AND arrival < ? LIMIT ?)
                """
            let bounds = [ArrivalHour.unknownBefore, ArrivalHour(notBefore: cutoff)].map { SQLValue.int($0.hour) }
            count += Int(try database.first(sql, bounds + [.int(limit - count)]) { $0.int(0) } ?? 0)
        }
        return count
    }

    fileprivate func dateUnknown(_ hour: ArrivalHour, _ database: Database) throws {
        let bound = SQLValue.int(ArrivalHour.unknownBefore.hour)
        var isAny = false
        for state in partitions {
            try database.run(
                "UPDATE \(state.partition.rows) SET arrival = ? WHERE arrival < ?", [.int(hour.hour), bound])
            isAny = isAny || database.changesCount > 0
        }
        guard isAny else { return }
        try database.run(
            "UPDATE raw SET newest = ? WHERE newest < ?", [.time(hour.time), .time(ArrivalHour.unknownBefore.time)])
    }

    /// Rows of which nothing came in, and events that came, since a time.
    fileprivate mutating func remove(
        before cutoff: Microseconds, _ database: Database
    ) throws -> ConnectionStore.Step {
        var step = ConnectionStore.Step()
        let hours = ArrivalHour.unknownBefore..<max(.unknownBefore, ArrivalHour(notBefore: cutoff))
        for index in partitions.indices where step.rows < StoreWriter.rowsOfStep {
            step.rows += try removeRows(of: index, hours, StoreWriter.rowsOfStep - step.rows, database).rows
        }
        try dropEmpty(database)
        step.events = try removeEvents(database) { newest, _ in newest < cutoff }
        step.audits = try AuditTable.remove(before: cutoff, database)
        step.isPartial = step.rows >= StoreWriter.rowsOfStep || step.events > 0 || step.audits > 0
        return step
    }

    /// Those that came in first of all, and as many events as they had; the last row of all stays.
    fileprivate mutating func removeOldest(_ database: Database) throws -> ConnectionStore.Step {
        var step = ConnectionStore.Step()
        let arrivals = try partitions.indices.compactMap { index -> (ArrivalHour, Int)? in
            let sql = "SELECT min(arrival) FROM \(partitions[index].partition.rows)"
            let hour = try database.first(sql, [], { $0.optionalInt(0) }) ?? nil
            return hour.map { (ArrivalHour(hour: $0), index) }
        }
        if let (_, index) = arrivals.min(by: { $0 < $1 }) {
            let all = ArrivalHour(hour: .min)..<ArrivalHour(hour: .max)
            let removed = try removeRows(of: index, all, StoreWriter.rowsOfStep, database)
            step.rows = removed.rows
            eventsOwed += removed.events
        }
        try dropEmpty(database)
        var owed = eventsOwed
        step.events = try removeEvents(database) { _, count in
            guard owed >= count else { return false }
            owed -= count
            return true
        }
        eventsOwed = owed
        step.isPartial = step.rows + step.events > 0
        return step
    }

    private mutating func removeRows(
        of index: Int, _ hours: Range<ArrivalHour>, _ limit: Int, _ database: Database
    ) throws -> (rows: Int, events: Int) {
        let partition = partitions[index].partition
        let sql = """
            SELECT row, class, id, connection, events, session FROM \(partition.rows) WHERE arrival >= ? AND arrival < ?
            ORDER BY arrival, row LIMIT ?
            """
        let bounds = [SQLValue.int(hours.lowerBound.hour), .int(hours.upperBound.hour), .int(limit)]
        var events = 0
        let found = try database.all(sql, bounds) { row in
            let session = row.id(5)
            let hashes = [
                row.id(3).map(hash.ofConnection), row.id(2).map(hash.ofRow), session.map(hash.ofSession),
                session.map(hash.ofNamedSession),
            ].compactMap { $0 }
            events += Int(row.int(4))
            return (row: row.int(0), rowClass: row.int(1), hashes: hashes)
        }
        if found.isEmpty { return (0, 0) }
        try noteRemoval(found.map(\.row), of: partition, database)
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
        try settlePeople(database)
        return (found.count, events)
    }

    /// A partition that gets no more rows and has none left goes as a whole.
    private mutating func dropEmpty(_ database: Database) throws {
        for state in partitions.dropLast() where state.oldest == nil { try state.partition.drop(database) }
        partitions = partitions.dropLast().filter { $0.oldest != nil } + partitions.suffix(1)
    }

    /// The first of them, as long as `goes` says so of when they came in and how many they are.
    private func removeEvents(
        _ database: Database, _ goes: (_ newest: Microseconds, _ count: Int) -> Bool
    ) throws -> Int {
        let sql = "SELECT first, count, newest FROM raw ORDER BY first LIMIT \(StoreWriter.membersOfStep)"
        let first = try database.all(sql) { (first: $0.int(0), count: Int($0.int(1)), newest: $0.time(2)) }
        let found = first.prefix { goes($0.newest, $0.count) }
        for member in found { try database.run("DELETE FROM raw WHERE first = ?", [.int(member.first)]) }
        return found.reduce(0) { $0 + $1.count }
    }
}
#endif
