#if Server
import GRDB
import GRDBSQLite

/// A statement that is bound, stepped and read without GRDB's arguments and rows.
///
/// Measured: binding 25 values as GRDB's `StatementArguments` and reading its `Row`s took more than half of the time of
/// a batch. This is the one file of the store with unsafe code: SQLite's own calls on a statement that GRDB owns.
/// Used where GRDB gives the database out, by one thread at a time.
@safe struct Prepared {
    // Keeps the pointer valid.
    private let owner: Statement
    private let statement: SQLiteStatement

    init(_ owner: Statement) {
        self.owner = owner
        unsafe statement = owner.sqliteStatement
    }

    /// Runs a statement that gives no rows.
    func run(_ values: [SQLValue]) throws {
        try each(values) { _ in true }
    }

    /// The first row, if there is one.
    func first<Value>(_ values: [SQLValue], _ read: (Columns) throws -> Value) throws -> Value? {
        var found: Value?
        try each(values) { columns in
            found = try read(columns)
            return false
        }
        return found
    }

    /// Each row, until `body` says `false`. What it gets is good during the call only.
    func each(_ values: [SQLValue], _ body: (Columns) throws -> Bool) throws {
        defer { unsafe sqlite3_reset(statement) }
        for (index, value) in values.enumerated() { try bind(value, CInt(index + 1)) }
        while true {
            switch unsafe sqlite3_step(statement) {
            case SQLITE_ROW:
                guard try body(unsafe Columns(statement)) else { return }
            case SQLITE_DONE: return
            case let code: throw failure(code)
            }
        }
    }

    private func bind(_ value: SQLValue, _ place: CInt) throws {
        let code =
            switch value {
            case .null: unsafe sqlite3_bind_null(statement, place)
            case .int(let number): unsafe sqlite3_bind_int64(statement, place, number)
            case .text(let text): bind(text, place)
            case .bytes(let bytes):
                unsafe bytes.withUnsafeBytes { memory in
                    unsafe sqlite3_bind_blob64(
                        statement, place, memory.baseAddress, UInt64(memory.count), Prepared.copied)
                }
            case .uuid(let high, let low):
                unsafe withUnsafeBytes(of: (high.bigEndian, low.bigEndian)) { memory in
                    unsafe sqlite3_bind_blob64(statement, place, memory.baseAddress, 16, Prepared.copied)
                }
            }
        guard code == SQLITE_OK else { throw failure(code) }
    }

    private func bind(_ text: String, _ place: CInt) -> CInt {
        var text = text
        return text.withUTF8 { memory in
            unsafe memory.withMemoryRebound(to: CChar.self) { memory in
                unsafe sqlite3_bind_text64(
                    statement, place, memory.baseAddress, UInt64(memory.count), Prepared.copied, UInt8(SQLITE_UTF8))
            }
        }
    }

    /// SQLITE_TRANSIENT: SQLite makes a copy at once.
    private static var copied: sqlite3_destructor_type { unsafe unsafeBitCast(-1, to: sqlite3_destructor_type.self) }

    private func failure(_ code: CInt) -> DatabaseError {
        let words = unsafe sqlite3_errmsg(sqlite3_db_handle(statement)).map { unsafe String(cString: $0) }
        return DatabaseError(resultCode: ResultCode(rawValue: code), message: words)
    }
}

/// The row that a statement stands at.
@safe struct Columns {
    private let statement: SQLiteStatement

    fileprivate init(_ statement: SQLiteStatement) { unsafe self.statement = unsafe statement }

    /// 0 for what is null.
    func int(_ column: Int) -> Int64 { unsafe sqlite3_column_int64(statement, CInt(column)) }

    func optionalInt(_ column: Int) -> Int64? { isNull(column) ? nil : int(column) }

    func time(_ column: Int) -> Microseconds { Microseconds(int(column)) }
    func optionalTime(_ column: Int) -> Microseconds? { optionalInt(column).map { Microseconds($0) } }

    func isNull(_ column: Int) -> Bool { unsafe sqlite3_column_type(statement, CInt(column)) == SQLITE_NULL }

    func text(_ column: Int) -> String? {
        if isNull(column) { return nil }
        guard let start = unsafe sqlite3_column_text(statement, CInt(column)) else { return nil }
        let count = Int(unsafe sqlite3_column_bytes(statement, CInt(column)))
        return unsafe String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
    }

    func bytes(_ column: Int) -> [UInt8] {
        guard let start = unsafe sqlite3_column_blob(statement, CInt(column)) else { return [] }
        return unsafe Array(
            UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(statement, CInt(column)))))
    }

    func id(_ column: Int) -> Identifier? {
        switch unsafe sqlite3_column_type(statement, CInt(column)) {
        case SQLITE_BLOB:
            let bytes = bytes(column)
            func word(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
            return .uuid(word(bytes.prefix(8)), word(bytes.dropFirst(8)))
        case SQLITE_TEXT: return text(column).map { .text($0) }
        default: return nil
        }
    }
}

extension Database {
    /// A statement that is prepared once per connection. Two that are the same must not be used inside one another.
    func prepared(_ sql: String) throws -> Prepared { Prepared(try cachedStatement(sql: sql)) }

    func run(_ sql: String, _ values: [SQLValue] = []) throws { try prepared(sql).run(values) }

    func first<Value>(_ sql: String, _ values: [SQLValue] = [], _ read: (Columns) throws -> Value) throws -> Value? {
        try prepared(sql).first(values, read)
    }

    func all<Value>(_ sql: String, _ values: [SQLValue] = [], _ read: (Columns) throws -> Value) throws -> [Value] {
        var found: [Value] = []
        try prepared(sql).each(values) { columns in
            found.append(try read(columns))
            return true
        }
        return found
    }
}
#endif
