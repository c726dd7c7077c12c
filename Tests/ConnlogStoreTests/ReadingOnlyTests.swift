#if Server
import ConnlogCore
import ConnlogStore
import ConnlogTestSupport
import Foundation
import GRDB
import Testing

/// Questions from another process than the one that writes: whatever becomes of the file, the next question opens what
/// is there.
@Suite struct ReadingOnlyTests {
    private func kind(_ store: ConnectionStore) async -> StoreProblem.Kind? {
        do {
            _ = try await store.newestEvent()
            return nil
        } catch {
            return error.kind
        }
    }

    @Test func `a file that is not there yet is absent, and is read as soon as it is there`() async throws {
        let folder = StoreFolder()
        let reader = folder.openForReading()
        #expect(await kind(reader) == .absent)
        #expect(!FileManager.default.fileExists(atPath: folder.path))
        try FileManager.default.createDirectory(atPath: folder.path, withIntermediateDirectories: true)
        #expect(FileManager.default.createFile(atPath: folder.file, contents: nil))
        #expect(await kind(reader) == .absent)
        let writer = try folder.open()
        try writer.apply([ToldEvent(id: ToldEvent.uuid(1), time: 1)])
        #expect(try await reader.everything().map(\.id) == [ToldEvent.uuid(1)])
        try writer.apply([ToldEvent(id: ToldEvent.uuid(2), time: 2)])
        #expect(try await reader.newestEvent() == 2)
    }

    @Test func `nothing can be written`() async throws {
        let folder = StoreFolder()
        try folder.open().apply([ToldEvent(time: 1)])
        let reader = folder.openForReading()
        #expect(throws: StoreProblem.self) { try reader.apply([ToldEvent(time: 2)]) }
        #expect(try await reader.newestEvent() == 1)
    }

    @Test func `a file of a newer connlog is told, and one of an older is absent until it is brought up to date`()
        async throws
    {
        let folder = StoreFolder()
        try folder.open().apply([ToldEvent(time: 1)])
        let reader = folder.openForReading()
        let version = try #require(
            try await DatabaseQueue(path: folder.file).read { try Int.fetchOne($0, sql: "PRAGMA user_version") })
        for (number, expected) in [(99, StoreProblem.Kind.other), (0, .absent)] {
            try await DatabaseQueue(path: folder.file).write { try $0.execute(sql: "PRAGMA user_version = \(number)") }
            #expect(await kind(reader) == expected)
        }
        try await DatabaseQueue(path: folder.file).write { try $0.execute(sql: "PRAGMA user_version = \(version)") }
        #expect(await kind(reader) == nil)
    }

    @Test func `a file that is removed, or replaced by another, is opened anew`() async throws {
        let (folder, other) = (StoreFolder(), StoreFolder())
        try folder.open().apply([ToldEvent(time: 1)])
        try other.open().apply([ToldEvent(time: 1), ToldEvent(time: 2)])
        let reader = folder.openForReading()
        #expect(try await reader.newestEvent() == 1)
        for name in ["", "-wal", "-shm"] { try FileManager.default.removeItem(atPath: folder.file + name) }
        #expect(await kind(reader) == .absent)
        for name in ["", "-wal", "-shm"] {
            try FileManager.default.copyItem(atPath: other.file + name, toPath: folder.file + name)
        }
        #expect(try await reader.newestEvent() == 2)
    }

    @Test func `who waits for events is woken by a note, and without one looks by itself`() async throws {
        let folder = StoreFolder()
        let writer = try folder.open()
        let reader = folder.openForReading()
        for number in 1...4 {
            let waiting = Task { try await reader.waitForEvents(after: Int64(number - 1)) }
            try writer.apply([ToldEvent(time: Int64(number))])
            if number.isMultiple(of: 2) { reader.noteChange() }
            try await waiting.value
            #expect(try await reader.newestEvent() == number)
        }
    }
}
#endif
