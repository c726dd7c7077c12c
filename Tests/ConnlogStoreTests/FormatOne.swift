#if Server
import ConnlogCore
import ConnlogSystem
import ConnlogTestSupport
import Foundation
import GRDB
import Synchronization

@testable import ConnlogStore

/// A store as the connlog wrote it whose format was 1, from the SQL that its file was dumped to.
///
/// Four runs of that connlog made it: one, another three hours later, another forty days later, and one whose machine had
/// lost its clock. Its partitions took 20 rows, so that there are several. In the first there are an event dated 1980, one
/// dated 2200, one without any id, and one whose ids are no UUIDs.
struct FormatOne {
    static let partitionRows: Int64 = 20

    /// How many events came in each run and when, and of how many connections nothing came later.
    static let runs: [(events: Int, arrival: Nanoseconds, rows: Int)] = [
        (40, 1_768_004_400_000_000_000, 25), (13, 1_768_015_200_000_000_000, 13), (7, 1_771_460_400_000_000_000, 7),
        (4, 1_200_000_000_000, 4),
    ]

    static func rowsHeardOf(in runs: ClosedRange<Int>) -> Int { FormatOne.runs[runs].reduce(0) { $0 + $1.rows } }

    private let sql: String

    init() throws {
        sql = try String(contentsOfFile: GoldenFolder("Golden").path + "/format-1.sql", encoding: .utf8)
    }

    func write(to folder: StoreFolder) throws {
        try FileManager.default.createDirectory(atPath: folder.path, withIntermediateDirectories: true)
        try DatabaseQueue(path: folder.file).inDatabase { try $0.execute(sql: sql) }
    }

    /// Everything that is in a file.
    static func content(of path: String) throws -> [[DatabaseValue]] {
        try DatabaseQueue(path: path).read { database in
            var rows = try ["PRAGMA user_version", "SELECT type, name, sql FROM sqlite_schema ORDER BY name"].flatMap {
                try Row.fetchAll(database, sql: $0)
            }
            let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name"
            for table in try String.fetchAll(database, sql: tables) {
                rows += try Row.fetchAll(database, sql: "SELECT '\(table)', * FROM \(table)")
            }
            return rows.map { Array($0.databaseValues) }
        }
    }

    /// Brings a file up to date, and keeps a copy of all that is on the disk before each statement and at the end: what
    /// somebody finds who kills connlog there.
    /// - Returns: how many copies there are in `copies`: folders 0, 1 and so on.
    static func copyAtEachStatement(of victim: StoreFolder, to copies: StoreFolder) throws -> Int {
        let (from, to) = (victim.path, copies.path)
        try FileManager.default.createDirectory(atPath: to, withIntermediateDirectories: true)
        let count = Mutex(0)
        let copy: @Sendable () -> Void = {
            let number = count.withLock { count in
                defer { count += 1 }
                return count
            }
            do { try FileManager.default.copyItem(atPath: from, toPath: "\(to)/\(number)") } catch {
                preconditionFailure("\(error)")
            }
        }
        let pool = try StoreFile.open(
            victim.file, cacheBytes: 1 << 20,
            steps: [
                Migrations.steps[0],
                { database in
                    // So little memory that pages are written before the commit.
                    try database.execute(sql: "PRAGMA cache_size = 1")
                    database.trace { _ in copy() }
                    try Migrations.steps[1](database)
                },
            ])
        try pool.close()
        copy()
        return count.withLock { $0 }
    }
}
#endif
