#if Server
import ConnlogCore
import ConnlogSystem
import ConnlogTestSupport
import Foundation
import Testing

@testable import ConnlogStore

/// Whatever somebody does to the file while it is open: what is called stored afterwards is in the file at the path.
@Suite struct FileGoneTests {
    enum Deed: CaseIterable {
        case removeAll, removeFile, removeLog, removeIndex, moveAll, moveFile, replaceAll, replaceFile
        case cutFile, cutFileToNothing, cutLog, removeDirectory

        /// What came before it is still there afterwards.
        var keepsAll: Bool { [.removeLog, .removeIndex].contains(self) }
    }

    private static let queue = [UInt8](repeating: 7, count: 16)

    private static func place(_ first: Int) -> EventPlace {
        EventPlace(queue: queue, offsets: .contiguous(UInt64(first)))
    }

    private static func events(_ numbers: Range<Int>) -> [ToldEvent] {
        numbers.map { ToldEvent(id: ToldEvent.uuid($0), time: Int64($0), type: "tunnel") }
    }

    private func perform(_ deed: Deed, _ folder: StoreFolder, _ other: StoreFolder) throws {
        let files = FileManager.default
        func remove(_ names: [String]) throws {
            for name in names where files.fileExists(atPath: folder.file + name) {
                try files.removeItem(atPath: folder.file + name)
            }
        }
        func move(_ names: [String]) throws {
            for name in names { try files.moveItem(atPath: folder.file + name, toPath: folder.path + "/away" + name) }
        }
        func take(_ names: [String]) throws {
            for name in names { try files.copyItem(atPath: other.file + name, toPath: folder.file + name) }
        }
        func cut(_ name: String, to part: UInt64) throws {
            let handle = try FileHandle(forUpdating: URL(filePath: folder.file + name))
            try handle.truncate(atOffset: try handle.seekToEnd() * part / 2)
            try handle.close()
        }
        switch deed {
        case .removeAll: try remove(["", "-wal", "-shm"])
        case .removeFile: try remove([""])
        case .removeLog: try remove(["-wal"])
        case .removeIndex: try remove(["-shm"])
        case .moveAll: try move(["", "-wal", "-shm"])
        case .moveFile: try move([""])
        case .replaceAll:
            try remove(["", "-wal", "-shm"])
            try take(["", "-wal", "-shm"])
        case .replaceFile:
            try remove([""])
            try take([""])
        case .cutFile: try cut("", to: 1)
        case .cutFileToNothing: try cut("", to: 0)
        case .cutLog: try cut("-wal", to: 0)
        case .removeDirectory: try files.removeItem(atPath: folder.path)
        }
    }

    /// As the delivery does: the same batch again until it is taken.
    private func deliver(_ numbers: Range<Int>, _ store: ConnectionStore, _ reader: ConnectionStore? = nil) throws {
        for attempt in 1...5 {
            do {
                try store.apply(Self.events(numbers), at: Self.place(numbers.lowerBound))
                return
            } catch {
                let problem = try #require(error as? StoreProblem)
                // Who reads looks once a second too.
                if let reader { try? reader.look() }
                #expect(problem.kind == .replaced || reader != nil, "attempt \(attempt): \(problem)")
            }
        }
        Issue.record("five attempts were not enough")
    }

    private func stored(_ folder: StoreFolder) async throws -> Set<Int> {
        let store = try folder.open()
        let ids = Dictionary(uniqueKeysWithValues: (0..<100).map { (ToldEvent.uuid($0), $0) })
        return Set(try await store.everything().compactMap { $0.id.flatMap { ids[$0] } })
    }

    /// - Parameter isAtCheckpoint: the log is empty when it happens.
    @Test(arguments: Deed.allCases, [false, true])
    func `what is stored after the deed is in the file that is there`(deed: Deed, isAtCheckpoint: Bool) async throws {
        for hasReader in [false, true] { try await run(deed, isAtCheckpoint, hasReader) }
    }

    private func run(_ deed: Deed, _ isAtCheckpoint: Bool, _ hasReader: Bool) async throws {
        let (folder, other) = (StoreFolder(), StoreFolder())
        try other.open().apply(Self.events(80..<90), at: nil)
        let store = try folder.open()
        try store.apply(Self.events(0..<20), at: Self.place(0))
        if isAtCheckpoint { try store.checkpointNow() }
        let reader = hasReader ? folder.openForReading() : nil
        if let reader { #expect(try await reader.newestEvent() == 20) }
        let isNothing = isAtCheckpoint && deed == .cutLog
        try perform(deed, folder, other)
        try deliver(20..<30, store, reader)
        try deliver(30..<40, store, reader)
        #expect(isNothing || !store.takeNotices().isEmpty)
        let found = try await stored(folder)
        #expect(found.isSuperset(of: 20..<40))
        if deed.keepsAll || isNothing { #expect(found == Set(0..<40)) }
        #expect(found.intersection(80..<90).isEmpty || deed == .replaceAll || deed == .replaceFile)
        if let reader { #expect(try await reader.count(RowQuery(), cap: 0) == found.count) }
        #expect(store.trouble == nil)
    }

    @Test(arguments: Deed.allCases) func `a deed in the middle of a batch is noticed before it is committed`(deed: Deed)
        async throws
    {
        let (folder, other) = (StoreFolder(), StoreFolder())
        try other.open().apply(Self.events(80..<90), at: nil)
        let store = try folder.open()
        try store.apply(Self.events(0..<20), at: Self.place(0))
        var problem: StoreProblem?
        do {
            try store.write { (_, database) in try perform(deed, folder, other) }
        } catch {
            problem = error
        }
        #expect(problem?.kind == .replaced)
        #expect(store.trouble == problem)
        try deliver(20..<30, store)
        #expect(try await stored(folder).isSuperset(of: 20..<30))
    }

    @Test(arguments: [Deed.removeAll, .moveAll, .removeFile, .removeLog, .cutLog])
    func `a look alone notices it, and tells it once`(deed: Deed) async throws {
        let folder = StoreFolder()
        let store = try folder.open()
        try store.apply(Self.events(0..<20), at: Self.place(0))
        #expect(store.takeNotices().isEmpty)
        try perform(deed, folder, folder)
        try store.look()
        #expect(store.takeNotices().count == 1)
        try store.look()
        #expect(store.takeNotices().isEmpty)
        #expect(try await store.newestEvent() == (deed.keepsAll ? 20 : 0))
    }

    @Test func `what was moved away is whole and can be opened there`() async throws {
        for deed in [Deed.moveFile, .moveAll] {
            let folder = StoreFolder()
            let store = try folder.open()
            try store.apply(Self.events(0..<20), at: Self.place(0))
            try perform(deed, folder, folder)
            try store.look()
            let moved = try ConnectionStore(
                folder.path + "/away", cacheBytes: 1 << 20, partitionRows: 7, questionLimit: StoreFolder.hangGuard)
            #expect(try await moved.everything().count == 20)
        }
    }

    @Test func `a question that goes on does not keep a log that lost its name from being saved`() async throws {
        let folder = StoreFolder()
        let store = try folder.open()
        try store.apply(Self.events(0..<20), at: Self.place(0))
        try perform(.removeLog, folder, folder)
        try store.look()
        #expect(try await stored(folder) == Set(0..<20))
    }
}

/// Who may read the store, whatever the umask and whatever was there before.
@Suite struct StoreModeTests {
    private func mode(_ path: String) throws -> UInt32 { try FileMode.of(path) }

    @Test func `the file, its log and its index are their owner's alone`() throws {
        let folder = StoreFolder()
        let store = try folder.open()
        try store.apply([ToldEvent(time: 1)])
        for name in ["", "-wal", "-shm"] { #expect(try mode(folder.file + name) == 0o600, "\(name)") }
        #expect(store.takeNotices().isEmpty)
    }

    @Test(arguments: [0o644, 0o666, 0o640, 0o604, 0o700] as [UInt32])
    func `what was there before is set right and told`(mode before: UInt32) throws {
        let folder = StoreFolder()
        try folder.open().apply([ToldEvent(time: 1)])
        try "a copy".write(toFile: folder.file + ".v1", atomically: true, encoding: .utf8)
        let names = ["", "-wal", "-shm", ".v1"]
        for name in names { try FileMode.set(folder.file + name, before) }
        let store = try folder.open()
        try store.apply([ToldEvent(time: 2)])
        for name in names { #expect(try mode(folder.file + name) == 0o600, "\(name)") }
        #expect(store.takeNotices().count == names.count)
    }

    @Test func `an empty file of another mode is set right before anything is written`() throws {
        let folder = StoreFolder()
        try FileManager.default.createDirectory(atPath: folder.path, withIntermediateDirectories: true)
        #expect(FileManager.default.createFile(atPath: folder.file, contents: nil))
        try FileMode.set(folder.file, 0o666)
        try folder.open().apply([ToldEvent(time: 1)])
        for name in ["", "-wal", "-shm"] { #expect(try mode(folder.file + name) == 0o600, "\(name)") }
    }

    @Test(arguments: [(0o700, false), (0o755, false), (0o775, true), (0o757, true), (0o1777, false)])
    func `a directory that others can write in is told`(mode: Int, isTold: Bool) throws {
        let folder = StoreFolder()
        try FileManager.default.createDirectory(atPath: folder.path, withIntermediateDirectories: true)
        try FileMode.set(folder.path, UInt32(mode))
        let notices = try folder.open().takeNotices()
        #expect(notices.contains { $0.contains("others can write in") } == isTold)
    }
}
#endif
