#if Server
import ConnlogSystem
import GRDB

/// Opens the file, and brings one of an older version up to date.
enum StoreFile {
    /// Marks the file as ours: `conl`.
    private static let applicationID: Int32 = 0x636f_6e6c

    /// - Parameters:
    ///   - cacheBytes: of pages, for the writer; readers get a quarter each.
    ///   - steps: all there are; more of them in tests.
    static func open(
        _ path: String, cacheBytes: Int, steps: [Migrations.Step] = Migrations.steps
    ) throws -> DatabasePool {
        var configuration = Configuration()
        configuration.label = "store"
        configuration.maximumReaderCount = 4
        configuration.prepareDatabase { database in
            let bytes = database.configuration.readonly ? cacheBytes / 4 : cacheBytes
            try database.execute(sql: "PRAGMA cache_size = \(-(bytes >> 10)); PRAGMA temp_store = MEMORY")
            // A batch counts as delivered once it is committed, so the commit is synced. Checkpoints are made when there
            // is enough to be worth it.
            try database.execute(sql: "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0")
        }
        let pool = try DatabasePool(path: path, configuration: configuration)
        try pool.writeWithoutTransaction { database in try prepare(database, path, steps) }
        return pool
    }

    private static func prepare(_ database: Database, _ path: String, _ steps: [Migrations.Step]) throws {
        let version = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
        let mark = try Int32.fetchOne(database, sql: "PRAGMA application_id") ?? 0
        let tables = try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_schema") ?? 0
        guard tables == 0 || mark == applicationID else {
            throw StoreProblem("\(path) is a database of another program; name another file")
        }
        guard version <= steps.count else {
            throw StoreProblem(
                "\(path) has format \(version), and this connlog knows up to \(steps.count); use the newer connlog"
            )
        }
        guard version < steps.count else { return }
        if version > 0 {
            let backup = "\(path).v\(version)"
            try? LocalFileSystem().remove(backup)
            try database.execute(sql: "VACUUM INTO ?", arguments: [backup])
        }
        if tables == 0 { try database.execute(sql: "PRAGMA application_id = \(applicationID)") }
        try Migrations.run(steps, database, from: version)
    }
}
#endif
