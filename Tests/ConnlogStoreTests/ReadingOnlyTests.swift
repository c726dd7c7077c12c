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
            let mark = try await reader.newestMark()
            #expect(mark.number == number - 1)
            let waiting = Task { try await reader.waitForEvents(after: mark) }
            try writer.apply([ToldEvent(time: Int64(number))])
            if number.isMultiple(of: 2) { reader.noteChange() }
            try await waiting.value
            #expect(try await reader.newestEvent() == number)
        }
    }

    @Test(arguments: [0, 1, 3, 5, 8]) func `who waits is told when the file is another one, whatever its numbers`(
        count: Int
    ) async throws {
        let (folder, other) = (StoreFolder(), StoreFolder())
        func events(_ count: Int, from first: Int) -> [ToldEvent] {
            (0..<count).map { ToldEvent(id: ToldEvent.uuid(first + $0), time: Int64($0)) }
        }
        try folder.open().apply(events(5, from: 0))
        try other.open().apply(events(count, from: 100))
        let reader = folder.openForReading()
        let mark = try await reader.newestMark()
        let waiting = Task { try await reader.waitForEvents(after: mark) }
        for name in ["", "-wal", "-shm"] { try FileManager.default.removeItem(atPath: folder.file + name) }
        for name in ["", "-wal", "-shm"] {
            try FileManager.default.copyItem(atPath: other.file + name, toPath: folder.file + name)
        }
        // In between there was nothing to read.
        var result = await waiting.result
        while case .failure = result {
            result = await Result.catching { try await reader.waitForEvents(after: mark) }
        }
        let new = try await reader.events(after: mark, limit: 100, bytesMax: .max)
        #expect(new.restart?.number == 0)
        #expect(new.events.map(\.number) == (0..<count).map { Int64($0 + 1) })
        #expect(new.mark.number == count)
        #expect(try await reader.events(after: new.mark, limit: 100, bytesMax: .max).restart == nil)
    }

    @Test func `a backup that was put back begins anew, since its numbers are given again`() async throws {
        let folder = StoreFolder()
        let writer = try folder.open()
        func event(_ number: Int) -> ToldEvent { ToldEvent(id: ToldEvent.uuid(number), time: Int64(number)) }
        try writer.apply((0..<5).map(event))
        try writer.checkpointNow()
        let backup = folder.path + "/backup"
        try FileManager.default.copyItem(atPath: folder.file, toPath: backup)
        try writer.apply((5..<9).map(event))
        let mark = try await writer.newestMark()
        for name in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: folder.file + name) }
        try FileManager.default.copyItem(atPath: backup, toPath: folder.file)
        try writer.look()
        try writer.apply([event(20)])
        let new = try await writer.events(after: mark, limit: 100, bytesMax: .max)
        #expect(new.restart?.number == 0 && new.events.map(\.number) == [1, 2, 3, 4, 5, 6])
        try writer.apply([event(21)])
        #expect(try await writer.events(after: new.mark, limit: 100, bytesMax: .max).events.map(\.number) == [7])
    }
}

extension Result where Failure == any Error {
    fileprivate static func catching(_ body: () async throws -> Success) async -> Self {
        do { return .success(try await body()) } catch { return .failure(error) }
    }
}
#endif
