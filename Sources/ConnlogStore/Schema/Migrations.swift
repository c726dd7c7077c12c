#if Server
import GRDB

/// The steps from one version of the file to the next. A step that has been released never changes; `user_version` in
/// the file is the number of the last one that was done.
enum Migrations {
    static let steps: [Step] = [first, arrival, PeopleMigration.run, AuditTable.create]

    typealias Step = @Sendable (Database) throws -> Void

    /// Does what is missing, each step and its number in one transaction.
    static func run(_ steps: [Step], _ database: Database, from version: Int) throws {
        for step in steps.indices.dropFirst(version) {
            try database.inTransaction {
                try steps[step](database)
                try database.execute(sql: "PRAGMA user_version = \(step + 1)")
                return .commit
            }
        }
    }

    /// - `settings`: one line: the store's own id, the number of the next event.
    /// - `queues`: how far each queue's events are in here, and the checksum of the last one.
    /// - `classes`: what every list is asked by, as one number: organization, type, app.
    /// - `partitions`: half a million connections each, in tables of their own (see `Partition`), so that what is
    ///   written at random places stays small. `filter` is the Bloom filter of its keys once no more rows come.
    /// - `census`: how many rows of each class a partition has.
    /// - `raw`: the events as received, some dozens in a gzip member; `first` is the number of the first of them.
    private static func first(_ database: Database) throws {
        try database.execute(
            sql: """
                CREATE TABLE settings(store BLOB NOT NULL, next_event INTEGER NOT NULL);
                INSERT INTO settings VALUES (randomblob(16), 1);
                CREATE TABLE queues(
                    queue BLOB PRIMARY KEY, next_offset INTEGER NOT NULL, last_event INTEGER NOT NULL) WITHOUT ROWID;
                CREATE TABLE classes(class INTEGER PRIMARY KEY, organization TEXT, type TEXT NOT NULL, app TEXT);
                CREATE UNIQUE INDEX classes_all ON classes(ifnull(organization, ''), type, ifnull(app, ''));
                CREATE TABLE partitions(
                    partition INTEGER PRIMARY KEY, oldest INTEGER, newest INTEGER, next_row INTEGER NOT NULL,
                    filter BLOB);
                CREATE TABLE census(
                    partition INTEGER NOT NULL, class INTEGER NOT NULL, rows INTEGER NOT NULL,
                    PRIMARY KEY (partition, class)) WITHOUT ROWID;
                CREATE TABLE raw(
                    first INTEGER PRIMARY KEY, count INTEGER NOT NULL, newest INTEGER NOT NULL, lines BLOB NOT NULL);
                """)
    }

    /// `arrival` of each row: when the newest of its events that is kept came in, or now.
    private static func arrival(_ database: Database) throws {
        for number in try database.all("SELECT partition FROM partitions", [], { $0.int(0) }) {
            let partition = Partition(number: number)
            try database.execute(
                sql: """
                    ALTER TABLE \(partition.rows) ADD COLUMN arrival INTEGER NOT NULL DEFAULT 0;
                    UPDATE \(partition.rows) AS r SET arrival = (
                        SELECT (ifnull(came, strftime('%s', 'now') * 1000000) + 3599999999) / 3600000000 FROM (
                            SELECT (SELECT CASE WHEN first + count > event THEN newest END FROM raw
                                WHERE first <= event ORDER BY first DESC LIMIT 1) AS came
                            FROM (SELECT max(ifnull(r.first, 0), ifnull(r.second, 0), ifnull(
                                (SELECT max(event) FROM \(partition.more) WHERE row = r.row), 0)) AS event)));
                    CREATE INDEX \(partition.rows)_arrival ON \(partition.rows)(arrival);
                    """)
        }
    }
}
#endif
