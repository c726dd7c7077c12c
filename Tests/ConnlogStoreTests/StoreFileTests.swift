#if Server
import ConnlogTestSupport
import Foundation
import GRDB
import Testing

@testable import ConnlogStore

/// Opening files of other versions and other programs, and broken ones.
@Suite struct StoreFileTests {
    private func sql(_ text: String, _ path: String) throws {
        try DatabaseQueue(path: path).write { try $0.execute(sql: text) }
    }

    private func problem(_ folder: StoreFolder) -> StoreProblem? {
        do {
            _ = try folder.open()
            return nil
        } catch {
            return error as? StoreProblem
        }
    }

    /// Every byte in the store's directory but those of the log's index, and the mode of the file. Whoever reads a file
    /// that has a log makes an empty one.
    private func state(_ folder: StoreFolder) throws -> [String: Data] {
        let files = FileManager.default
        var state: [String: Data] = [:]
        for name in try files.contentsOfDirectory(atPath: folder.path) where !name.hasSuffix("-shm") {
            let bytes = try Data(contentsOf: URL(filePath: "\(folder.path)/\(name)"))
            if !bytes.isEmpty { state[name] = bytes }
        }
        let mode = try files.attributesOfItem(atPath: folder.file)[.posixPermissions] as? Int
        state["mode"] = Data("\(mode ?? 0)".utf8)
        return state
    }

    @Test func `a file that a newer connlog has written is left alone, with the reason`() throws {
        let folder = StoreFolder()
        try folder.open().apply([ToldEvent(time: 1)])
        try DatabaseQueue(path: folder.file).inDatabase { try $0.execute(sql: "PRAGMA user_version = 99") }
        let before = try state(folder)
        let words = try #require(problem(folder)).description
        #expect(try state(folder) == before)
        #expect(words.contains("has format 99") && words.contains("use the newer connlog"))
    }

    @Test func `an older file is brought up to date step by step, and a copy of it as it was stays`() async throws {
        let folder = StoreFolder()
        try folder.open().apply([ToldEvent(id: ToldEvent.uuid(1), time: 1)])
        let more: [Migrations.Step] = [
            { try $0.execute(sql: "CREATE TABLE second(x)") }, { try $0.execute(sql: "INSERT INTO second VALUES (3)") },
        ]
        let pool = try StoreFile.open(folder.file, cacheBytes: 1 << 20, steps: Migrations.steps + more)
        let now = try await pool.read { database in
            (
                try Int.fetchOne(database, sql: "PRAGMA user_version"),
                try Int.fetchOne(database, sql: "SELECT x FROM second")
            )
        }
        #expect(now.0 == Migrations.steps.count + 2 && now.1 == 3)
        try pool.close()
        let copy = try ConnectionStore(
            folder.file + ".v\(Migrations.steps.count)", cacheBytes: 1 << 20, partitionRows: 7,
            questionLimit: StoreFolder.hangGuard)
        #expect(try await copy.everything().map(\.id) == [ToldEvent.uuid(1)])
    }

    @Test func `a step that fails leaves the file as it was`() async throws {
        let folder = StoreFolder()
        try folder.open().apply([ToldEvent(id: ToldEvent.uuid(1), time: 1)])
        let bad: [Migrations.Step] = [
            {
                try $0.execute(sql: "CREATE TABLE second(x)")
                try $0.execute(sql: "nonsense")
            }
        ]
        #expect(throws: (any Error).self) {
            _ = try StoreFile.open(folder.file, cacheBytes: 1 << 20, steps: Migrations.steps + bad)
        }
        #expect(try await folder.open().everything().count == 1)
    }

    @Test func `another program's database is left alone`() throws {
        let folder = StoreFolder()
        try FileManager.default.createDirectory(atPath: folder.path, withIntermediateDirectories: true)
        try sql("CREATE TABLE cookies(name TEXT)", folder.file)
        let before = try state(folder)
        #expect(try #require(problem(folder)).description.contains("is a database of another program"))
        #expect(try state(folder) == before)
    }

    @Test(arguments: [false, true], ["/plain", "/a%41 b?c#d", "/größer"])
    func `beside another program's database with a log, which is closed, nothing appears`(
        isReading: Bool, name: String
    ) async throws {
        let folder = StoreFolder()
        let path = folder.path + name
        try FileManager.default.createDirectory(atPath: folder.path, withIntermediateDirectories: true)
        let other = try DatabasePool(path: path)
        try await other.write { try $0.execute(sql: "CREATE TABLE cookies(name TEXT)") }
        try other.close()
        let before = try Data(contentsOf: URL(filePath: path))
        // The last one to close it has moved everything into it.
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).count == 1)
        #expect(before[18] == 2, "it has a log when it is open")
        for _ in 0..<2 {
            let problem = await #expect(throws: StoreProblem.self) {
                if isReading {
                    _ = try await ConnectionStore(readingOnly: path, cacheBytes: 1 << 20).newestEvent()
                } else {
                    _ = try ConnectionStore(path, cacheBytes: 1 << 20)
                }
            }
            #expect(problem?.description.contains("is a database of another program") == true)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).count == 1)
            #expect(try Data(contentsOf: URL(filePath: path)) == before)
        }
    }

    @Test func `another program's database of which all is in its log is left alone too`() throws {
        let folder = StoreFolder()
        try FileManager.default.createDirectory(atPath: folder.path, withIntermediateDirectories: true)
        let other = try DatabasePool(path: folder.file)
        try other.write { try $0.execute(sql: "CREATE TABLE cookies(name TEXT)") }
        let before = try state(folder)
        #expect(before["connlog.db-wal"] != nil)
        #expect(try #require(problem(folder)).description.contains("is a database of another program"))
        #expect(try state(folder) == before)
    }

    @Test func `what is no database is damage, and says what to do`() throws {
        let folder = StoreFolder()
        try FileManager.default.createDirectory(atPath: folder.path, withIntermediateDirectories: true)
        try String(repeating: "not a database ", count: 1000).write(
            toFile: folder.file, atomically: true, encoding: .utf8)
        let found = try #require(problem(folder))
        #expect(found.isDamage && found.description.contains("move it away"))
    }

    @Test func `a page that is damaged later is told as damage, by questions and by events`() async throws {
        let folder = StoreFolder()
        let store = try folder.open(partitionRows: 10_000)
        try store.apply((0..<5000).map { ToldEvent(id: ToldEvent.uuid($0), time: Int64($0), type: "tunnel") })
        try DatabaseQueue(path: folder.file).inDatabase { _ = try $0.checkpoint(.truncate) }
        let handle = try FileHandle(forUpdating: URL(filePath: folder.file))
        let size = try handle.seekToEnd()
        for page in stride(from: UInt64(4096 * 12), to: size, by: 4096) {
            try handle.seek(toOffset: page)
            try handle.write(contentsOf: Data(repeating: 0xa5, count: 4096))
        }
        try handle.close()
        let other = try? folder.open(partitionRows: 10_000)
        var problems: [StoreProblem] = []
        do { _ = try await other?.rows(RowQuery(), limit: 5000) } catch { problems.append(error) }
        do { _ = try other?.apply([ToldEvent(id: ToldEvent.uuid(9999), time: 1, type: "tunnel")], at: nil) } catch {
            if let problem = error as? StoreProblem { problems.append(problem) }
        }
        #expect(other == nil || !problems.isEmpty)
        let areAllDamage = problems.allSatisfy { $0.isDamage }
        #expect(areAllDamage, "\(problems)")
    }
}
#endif
