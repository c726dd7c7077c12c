#if Server
package import ConnlogCore
import ConnlogSystem
import GRDB

/// Who asked and exported what, beside the connections: a row for each audit event.
///
/// `time` is when the answer was over, `came` when the event came in by connlog's own clock, which retention goes by.
enum AuditTable {
    static func create(_ database: Database) throws {
        try database.execute(
            sql: """
                CREATE TABLE audit(
                    number INTEGER PRIMARY KEY, time INTEGER NOT NULL, came INTEGER NOT NULL, line TEXT NOT NULL);
                CREATE INDEX audit_time ON audit(time, number);
                CREATE INDEX audit_came ON audit(came);
                """)
    }

    /// - Parameter came: when.
    static func add(_ events: [AuditEvent], came: Microseconds, _ database: Database) throws {
        for event in events {
            try database.run(
                "INSERT INTO audit(time, came, line) VALUES (?, ?, ?)",
                [.time(Microseconds(nanoseconds: event.time)), .time(came), .text(event.line)])
        }
    }

    /// Those that came in before a time, some hundreds at once.
    /// - Returns: how many.
    static func remove(before cutoff: Microseconds, _ database: Database) throws -> Int {
        try database.run(
            "DELETE FROM audit WHERE number IN (SELECT number FROM audit WHERE came < ? ORDER BY came LIMIT ?)",
            [.time(cutoff), .int(removedAtOnce)])
        return database.changesCount
    }

    /// Whoever may ask, and asks without end, must not push connections out of a store of a bounded size: of that a tenth
    /// is for who asked, and what is more goes first, the oldest first.
    /// - Parameter bytes: of the store.
    /// - Returns: how many went.
    static func remove(above bytes: Int, _ database: Database) throws -> Int {
        guard try about(database) > bytes / 10 else { return 0 }
        try database.run(
            "DELETE FROM audit WHERE number IN (SELECT number FROM audit ORDER BY number LIMIT ?)",
            [.int(removedAtOnce)])
        return database.changesCount
    }

    private static let removedAtOnce: Int64 = 500
    /// What a row and its indices take beside its line.
    private static let rowBytes = 80

    /// About how many bytes they take. Numbers rise by one, and the oldest go first, so none is counted.
    private static func about(_ database: Database) throws -> Int {
        let ends = try database.first("SELECT min(number), max(number) FROM audit") { row in
            row.optionalInt(0).map { (first: $0, last: row.int(1)) }
        }
        guard let ends = ends ?? nil else { return 0 }
        let sql = "SELECT sum(length(line)), count(*) FROM (SELECT line FROM audit ORDER BY number DESC LIMIT 100)"
        let sample = try database.first(sql) { (bytes: Int($0.int(0)), count: Int($0.int(1))) }
        guard let sample, sample.count > 0 else { return 0 }
        return (Int(clamping: ends.last - ends.first) + 1) * (sample.bytes / sample.count + rowBytes)
    }
}

extension ConnectionStore {
    /// An audit event as it is stored.
    package struct Audit: Sendable, Equatable {
        /// Rises as they come in.
        package let number: Int64
        package let event: AuditEvent
    }

    /// Audit events, the newest first.
    /// - Parameters:
    ///   - range: of their times.
    ///   - number: only those that came in before the one of this number.
    package func audits(
        in range: Range<Microseconds>, before number: Int64 = .max, limit: Int
    ) async throws(StoreProblem) -> [Audit] {
        try await read { reader in
            let sql = """
                SELECT number, line FROM audit WHERE time >= ? AND time < ? AND number < ?
                ORDER BY number DESC LIMIT ?
                """
            let bounds = [
                SQLValue.time(range.lowerBound), .time(range.upperBound), .int(number), .int(Int64(limit)),
            ]
            return try reader.database.all(sql, bounds) { row in (row.int(0), row.text(1) ?? "") }.compactMap {
                number, line in AuditEvent(line: Array(line.utf8)).map { Audit(number: number, event: $0) }
            }
        }
    }
}

/// The audit events of a batch, apart from its connections.
struct AuditPart {
    private(set) var events: [AuditEvent] = []
    /// The batch from its first unknown event on without them; `nil` where there are none.
    private(set) var connections: EventBatch?

    init(_ batch: borrowing EventBatch, from first: Int, _ scanner: inout EventScanner) {
        var audits: Set<Int> = []
        for index in first..<batch.count where AuditEvent.isOne(batch, index, &scanner) {
            audits.insert(index)
            if let event = AuditText(batch.record(index))?.event { events.append(event) }
        }
        if audits.isEmpty { return }
        var rest = copy batch
        rest.filter { index, _ in index >= first && !audits.contains(index) }
        connections = rest
    }
}
#endif
