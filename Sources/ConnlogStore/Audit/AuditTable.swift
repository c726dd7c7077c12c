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
            "DELETE FROM audit WHERE number IN (SELECT number FROM audit WHERE came < ? ORDER BY came LIMIT 500)",
            [.time(cutoff)])
        return database.changesCount
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
