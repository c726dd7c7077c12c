#if Server
import GRDB

/// The tables of one partition. Their names hold nothing but its number.
///
/// - `rows_N`: a row is a connection. Texts and ids of people and things are numbers of `texts_N`; a connection's own
///   ids are their 16 bytes. `open` is 1 while an agent's connection has no end. `first` and `second` are numbers of
///   its events, the others are in `more_N`. `arrival` is the hour in which the newest of them came in. `access` says how the user
///   whom a row names came in (see `Access`), and `inferred` who an agent's row that names nobody was (`PersonSearch`):
///   it follows from other rows, and no answer gives it as what an event says.
/// - `keys_N`: hashes of merge keys, row ids and client sessions, to the row.
/// - `texts_N`: each text once; `folded` in lower case, `address` its 16 bytes when it is an address.
struct Partition: Hashable, Sendable {
    let number: Int64

    var rows: String { "rows_\(number)" }
    var keys: String { "keys_\(number)" }
    var texts: String { "texts_\(number)" }
    var more: String { "more_\(number)" }

    func create(_ database: Database) throws {
        try database.execute(
            sql: """
                CREATE TABLE \(rows)(
                    row INTEGER PRIMARY KEY, time INTEGER NOT NULL, class INTEGER NOT NULL,
                    disconnect INTEGER, reason INTEGER, reason_time INTEGER, code INTEGER, code_time INTEGER,
                    open INTEGER, events INTEGER NOT NULL, first INTEGER, second INTEGER,
                    id, connection, session,
                    owner INTEGER, workspace INTEGER, name INTEGER, agent INTEGER, user INTEGER,
                    ip INTEGER, user_agent INTEGER, slug INTEGER, type INTEGER, app INTEGER,
                    arrival INTEGER NOT NULL, access INTEGER, inferred INTEGER);
                CREATE INDEX \(rows)_time ON \(rows)(time);
                CREATE INDEX \(rows)_class ON \(rows)(class, time);
                CREATE INDEX \(rows)_owner ON \(rows)(owner, class, time);
                CREATE INDEX \(rows)_workspace ON \(rows)(workspace, class, time);
                CREATE INDEX \(rows)_user ON \(rows)(user, class, time) WHERE user IS NOT NULL;
                CREATE INDEX \(rows)_open ON \(rows)(class, time) WHERE open = 1;
                CREATE INDEX \(rows)_arrival ON \(rows)(arrival);
                \(peopleIndices);
                CREATE TABLE \(keys)(
                    hash INTEGER NOT NULL, row INTEGER NOT NULL, PRIMARY KEY (hash, row)) WITHOUT ROWID;
                CREATE TABLE \(texts)(
                    number INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE, folded TEXT NOT NULL, address BLOB);
                CREATE INDEX \(texts)_folded ON \(texts)(folded);
                CREATE TABLE \(more)(
                    row INTEGER NOT NULL, event INTEGER NOT NULL, PRIMARY KEY (row, event)) WITHOUT ROWID;
                """)
    }

    var peopleIndices: String {
        """
        CREATE INDEX \(rows)_access ON \(rows)(workspace, agent, time, access, class, user) WHERE \(Access.letIn);
        CREATE INDEX \(rows)_inferred ON \(rows)(inferred, class, time) WHERE inferred IS NOT NULL
        """
    }

    func drop(_ database: Database) throws {
        for table in [rows, keys, texts, more] { try database.execute(sql: "DROP TABLE \(table)") }
        try database.execute(sql: "DELETE FROM partitions WHERE partition = ?", arguments: [number])
        try database.execute(sql: "DELETE FROM census WHERE partition = ?", arguments: [number])
    }
}
#endif
