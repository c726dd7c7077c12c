#if Server
import ConnlogSystem
import GRDB

/// Opens the file, and brings one of an older version up to date.
enum StoreFile {
    /// Marks the file as ours: `conl`.
    private static let applicationID: Int32 = 0x636f_6e6c

    /// The log beside the file is cut to this when it begins anew.
    private static let logBytesKept = CheckpointPace().keptBytes

    /// How long a connection waits for another one that writes.
    static let busyWait = Duration.seconds(2)

    /// For writing and reading; makes the file if there is none.
    /// - Parameters:
    ///   - cacheBytes: of pages, for the writer; readers get a quarter each.
    ///   - steps: all there are; more of them in tests.
    static func open(
        _ path: String, cacheBytes: Int, steps: [Migrations.Step] = Migrations.steps
    ) throws -> DatabasePool {
        let pool = try DatabasePool(path: path, configuration: configuration(cacheBytes))
        try pool.writeWithoutTransaction { database in try prepare(database, path, steps) }
        return pool
    }

    /// For reading only, beside the process that writes.
    /// - Throws: `StoreProblem` of the kind `absent` when there is nothing to read yet.
    static func openForReading(_ path: String, cacheBytes: Int) throws -> DatabasePool {
        guard let status = try? FileStatus(of: path), status.size > 0 else {
            throw StoreProblem("\(path) is not there yet", .absent)
        }
        try refuseByLook(path)
        var configuration = configuration(cacheBytes)
        configuration.readonly = true
        let pool = try DatabasePool(path: path, configuration: configuration)
        try pool.read { database in try checkVersion(database, path) }
        return pool
    }

    /// Refuses what another program or a newer connlog has made before anything of it is changed: opening for writing
    /// alone makes another journal and a new page.
    static func refuseUnknown(_ path: String) throws {
        guard let status = try? FileStatus(of: path), status.size > 0 else { return }
        try refuseByLook(path)
        // What stands in a log is not in the file yet; with a log there, one more look makes no new name.
        guard FileMarks(path).logBytes > 0 else { return }
        var configuration = configuration(1 << 20)
        configuration.readonly = true
        do {
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            try queue.read { database in
                let version = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
                let tables = try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_schema") ?? 0
                if tables > 0 { try refuseOthers(database, path) }
                try refuseNewer(version, path, Migrations.steps.count)
            }
            try queue.close()
        } catch is DatabaseError {
            // What cannot be read without writing, such as after a crash, is found out when it is opened.
        }
    }

    /// The same by what is in the file alone. Of another program's database nothing is touched, not even the names beside it.
    private static func refuseByLook(_ path: String) throws {
        // What cannot be read is found out when it is opened.
        guard let file = UntouchedFile(path) else { return }
        if file.hasTables { try refuseOthers(file.applicationID, path) }
        try refuseNewer(file.version, path, Migrations.steps.count)
    }

    private static func configuration(_ cacheBytes: Int) -> Configuration {
        var configuration = Configuration()
        configuration.label = "store"
        configuration.maximumReaderCount = 4
        configuration.busyMode = .timeout(busyWait / .seconds(1))
        configuration.prepareDatabase { database in
            let bytes = database.configuration.readonly ? cacheBytes / 4 : cacheBytes
            try database.execute(sql: "PRAGMA cache_size = \(-(bytes >> 10)); PRAGMA temp_store = MEMORY")
            database.keepLogOnClose()
            if database.configuration.readonly { return }
            // A batch counts as delivered once it is committed, so the commit is synced. Checkpoints are made when there
            // is enough to be worth it.
            try database.execute(
                sql: """
                    PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;
                    PRAGMA journal_size_limit = \(logBytesKept)
                    """)
        }
        return configuration
    }

    private static func prepare(_ database: Database, _ path: String, _ steps: [Migrations.Step]) throws {
        let version = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
        let tables = try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_schema") ?? 0
        if tables > 0 { try refuseOthers(database, path) }
        try refuseNewer(version, path, steps.count)
        guard version < steps.count else { return }
        if version > 0 { try copy(database, to: "\(path).v\(version)") }
        if tables == 0 { try database.execute(sql: "PRAGMA application_id = \(applicationID)") }
        try Migrations.run(steps, database, from: version)
    }

    /// What is in the file, in another one that is on the disk when this returns. After a failure there is none.
    private static func copy(_ database: Database, to backup: String) throws {
        let files = LocalFileSystem()
        try? files.remove(backup)
        do {
            // An empty file is as good as none.
            try FileMode.createPrivate(backup)
            try database.execute(sql: "VACUUM INTO ?", arguments: [backup])
            try files.open(backup, .readWrite).sync()
            try files.syncDirectory(LocalFileSystem.parent(of: backup))
        } catch {
            // Half a copy is none, and takes room on a disk that may be full.
            try? files.remove(backup)
            throw error
        }
    }

    /// Whether this connlog can read what is in the file now. Costs some microseconds.
    static func checkVersion(_ database: Database, _ path: String) throws {
        let version = try database.first("PRAGMA user_version") { Int($0.int(0)) } ?? 0
        if version == Migrations.steps.count { return }
        try refuseNewer(version, path, Migrations.steps.count)
        let tables = try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_schema") ?? 0
        if tables > 0 { try refuseOthers(database, path) }
        throw StoreProblem("\(path) is not made or brought up to date yet by the connlog that writes it", .absent)
    }

    private static func refuseOthers(_ database: Database, _ path: String) throws {
        try refuseOthers(try Int32.fetchOne(database, sql: "PRAGMA application_id") ?? 0, path)
    }

    private static func refuseOthers(_ mark: Int32, _ path: String) throws {
        if mark == applicationID { return }
        throw StoreProblem("\(path) is a database of another program; name another file")
    }

    private static func refuseNewer(_ version: Int, _ path: String, _ known: Int) throws {
        if version <= known { return }
        throw StoreProblem(
            "\(path) has format \(version), and this connlog knows up to \(known); use the newer connlog")
    }
}
#endif
