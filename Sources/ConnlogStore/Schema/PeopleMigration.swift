#if Server
import GRDB

/// Says whose the rows are of a file that did not know: some two minutes for ten million rows.
///
/// It says so as `PersonSearch` does today. A later step that changes the rule has to do so anew for all rows.
enum PeopleMigration {
    static func run(_ database: Database) throws {
        let extents = try database.all("SELECT partition, oldest, newest FROM partitions", []) {
            ($0.int(0), $0.optionalTime(1), $0.optionalTime(2))
        }
        let hash = KeyHash(try database.first("SELECT store FROM settings") { $0.bytes(0) } ?? [])
        for (number, _, _) in extents {
            let partition = Partition(number: number)
            try addColumns(partition, database)
            try addSessions(partition, hash, database)
        }
        let classes = try database.all(RowClass.sql, []) { ($0.int(0), RowClass($0)) }
        let search = PersonSearch(
            database: database,
            extents: extents.compactMap { number, oldest, newest in
                guard let oldest, let newest else { return nil }
                return StoreReader.Extent(partition: Partition(number: number), oldest: oldest, newest: newest)
            }, classes: Dictionary(uniqueKeysWithValues: classes), hash: hash)
        for extent in search.extents { try inferAll(extent.partition, search, database) }
    }

    private static func addColumns(_ partition: Partition, _ database: Database) throws {
        let number = "(SELECT number FROM \(partition.texts) WHERE text"
        try database.execute(
            sql: """
                ALTER TABLE \(partition.rows) ADD COLUMN access INTEGER;
                ALTER TABLE \(partition.rows) ADD COLUMN inferred INTEGER;
                UPDATE \(partition.rows) AS r SET access = (
                    SELECT CASE WHEN type = 'tunnel' THEN 1 WHEN type = 'port_forwarding' THEN 3
                        WHEN type <> 'workspace_app' THEN 4 WHEN r.slug = \(number) = 'terminal') THEN 2 ELSE 3 END
                        + CASE WHEN type NOT IN ('tunnel', 'workspace_app', 'port_forwarding') OR ifnull(r.code, 0) = 101
                            OR (type <> 'tunnel' AND ifnull(r.code, 0) BETWEEN 200 AND 299) THEN 0 ELSE 10 END
                    FROM classes c WHERE c.class = r.class)
                WHERE user IS NOT NULL AND user IS NOT \(number) = '00000000-0000-0000-0000-000000000000');
                \(partition.peopleIndices);
                """)
    }

    private static func addSessions(_ partition: Partition, _ hash: KeyHash, _ database: Database) throws {
        let packed = try database.first(
            "SELECT filter FROM partitions WHERE partition = ?", [.int(partition.number)]
        ) { $0.bytes(0) }
        var filter = KeyFilter(bytes: packed ?? [])
        var hasNames = false
        let sql = "SELECT row, session, access FROM \(partition.rows) WHERE session IS NOT NULL"
        let insert = try database.prepared("INSERT OR IGNORE INTO \(partition.keys) VALUES (?, ?)")
        try database.prepared(sql).each([]) { row in
            guard let session = row.id(1), session.isSomebody else { return true }
            try insert.run([.int(hash.ofSession(session)), .int(row.int(0))])
            if row.isNull(2) { return true }
            try insert.run([.int(hash.ofNamedSession(session)), .int(row.int(0))])
            filter?.insert(hash.ofNamedSession(session))
            hasNames = true
            return true
        }
        guard hasNames, let filter else { return }
        try database.run(
            "UPDATE partitions SET filter = ? WHERE partition = ?", [.bytes(filter.bytes), .int(partition.number)])
    }

    /// So many rows at a time: what is gone along must not change meanwhile.
    private static let step = 10_000

    private static func inferAll(_ partition: Partition, _ search: PersonSearch, _ database: Database) throws {
        var last = Int64.min
        while true {
            let rows = try database.all(
                "SELECT row FROM \(partition.rows) WHERE row > ? ORDER BY row LIMIT ?", [.int(last), .int(step)]
            ) { $0.int(0) }
            guard let end = rows.last else { return }
            for row in rows { try search.infer(TouchedRows.RowPlace(partition: partition.number, row: row)) }
            last = end
        }
    }
}
#endif
