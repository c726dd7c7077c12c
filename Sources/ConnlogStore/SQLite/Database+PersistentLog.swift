#if Server
import GRDB
import GRDBSQLite

extension Database {
    /// How long this connection waits for others.
    func waitForOthers(_ limit: Duration) throws {
        try execute(sql: "PRAGMA busy_timeout = \(Int(limit / .milliseconds(1)))")
    }

    /// The log beside the file stays there when the last connection closes.
    ///
    /// SQLite removes it by its name otherwise, and after somebody has put another database in our place, that would be
    /// the other one's log. A process that only reads could not open a file without one either where it may not write.
    func keepLogOnClose() {
        var isKept: CInt = 1
        _ = unsafe sqlite3_file_control(sqliteConnection, "main", SQLITE_FCNTL_PERSIST_WAL, &isKept)
    }
}
#endif
