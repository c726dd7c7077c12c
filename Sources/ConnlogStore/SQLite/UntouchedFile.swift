#if Server
import GRDB
import GRDBSQLite

/// What a database says of itself, read so that nothing appears beside it.
///
/// Whoever opens a file with a log, be it for reading only, makes an empty log and its index next to it. SQLite leaves that
/// out for a file of which it is told that nobody changes it; then it takes no locks either, and does not read the log.
/// Reading the bytes without SQLite would give up the locks that this process has on the file (see `FileMarks`).
@safe struct UntouchedFile {
    let applicationID: Int32
    let version: Int
    let hasTables: Bool

    /// - Returns: `nil` for what cannot be read so, such as no database.
    init?(_ path: String) {
        var opened: SQLiteConnection?
        defer { _ = unsafe sqlite3_close_v2(opened) }
        let flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX
        guard unsafe sqlite3_open_v2(UntouchedFile.address(path), &opened, flags, nil) == SQLITE_OK,
            let connection = unsafe opened,
            let mark = unsafe UntouchedFile.number("PRAGMA application_id", connection),
            let version = unsafe UntouchedFile.number("PRAGMA user_version", connection),
            let tables = unsafe UntouchedFile.number("SELECT count(*) FROM sqlite_schema", connection)
        else { return nil }
        applicationID = Int32(truncatingIfNeeded: mark)
        self.version = Int(version)
        hasTables = tables > 0
    }

    private static func address(_ path: String) -> String {
        let escaped = path.utf8.map { byte in
            // In a URI these mean something else than themselves.
            let isPlain = (0x21...0x7e).contains(byte) && !Array("%?#".utf8).contains(byte)
            let digits = String(byte, radix: 16)
            return isPlain ? String(decoding: [byte], as: UTF8.self) : "%" + (byte < 16 ? "0" : "") + digits
        }
        return (path.hasPrefix("/") ? "file://" : "file:") + escaped.joined() + "?immutable=1"
    }

    private static func number(_ sql: String, _ connection: SQLiteConnection) -> Int64? {
        var statement: SQLiteStatement?
        defer { _ = unsafe sqlite3_finalize(statement) }
        guard unsafe sqlite3_prepare_v2(connection, sql, -1, &statement, nil) == SQLITE_OK,
            unsafe sqlite3_step(statement) == SQLITE_ROW
        else { return nil }
        return unsafe sqlite3_column_int64(statement, 0)
    }
}
#endif
