#if Server
import ConnlogSystem
import GRDB
import Synchronization

/// The open file, as long as it is the one at the path.
///
/// SQLite opens a file once and then holds on to it, whatever happens to its name: what is written after somebody has
/// removed, moved, replaced or cut the file would be nowhere. So the names are looked at before each question, before
/// and after each commit, and once a second by whoever runs the store. When they are not what is open, everything is
/// closed and opened anew: all connections of a process must be closed before, since they share the index of the log.
final class StoreAccess: Sendable {
    enum Use: Sendable {
        case writing
        /// Beside the process that writes. The file may come, go and change.
        case reading
    }

    let path: String
    private let use: Use
    private let cacheBytes: Int
    private let opened = Mutex<OpenStore?>(nil)
    /// Held while the file is opened or closed, which waits for the disk.
    private let opening = Mutex<Void>(())
    private let notices = Mutex<[String]>([])
    /// Questions that find the file changed open it here, not on Swift's pool.
    private let thread = ThreadExecutor("store")

    init(_ path: String, _ use: Use, cacheBytes: Int) {
        self.path = path
        self.use = use
        self.cacheBytes = cacheBytes
    }

    private var isWriter: Bool { if case .writing = use { true } else { false } }

    /// What happened to the file since this was asked last: sentences for the log.
    func takeNotices() -> [String] {
        notices.withLock { notices in
            defer { notices = [] }
            return notices
        }
    }

    /// The open file, if it is open and is still the one at the path. Waits for nothing.
    var current: OpenStore? {
        guard let store = opened.withLock({ $0 }), store.change(isWriter: isWriter) == nil else { return nil }
        return store
    }

    /// The file at the path, opened anew if need be. Waits for the disk.
    func store() throws -> OpenStore {
        if let current { return current }
        return try opening.withLock { _ in
            if let current { return current }
            if let old = opened.withLock({ $0 }) { leave(old) }
            let new = try open()
            opened.withLock { $0 = new }
            return new
        }
    }

    /// The same, for who must not wait.
    func storeSoon() async throws -> OpenStore {
        if let current { return current }
        return try await withTaskExecutorPreference(thread) { try self.store() }
    }

    // MARK: - Opening

    private func open() throws -> OpenStore {
        if isWriter {
            try LocalFileSystem().createDirectory(LocalFileSystem.parent(of: path))
        }
        let before = FileMarks(path)
        let pool =
            switch use {
            case .writing: try StoreFile.open(path, cacheBytes: cacheBytes)
            case .reading: try StoreFile.openForReading(path, cacheBytes: cacheBytes)
            }
        let store = OpenStore(path, pool)
        if let file = before.file, file.identity != store.marks.file?.identity {
            store.close()
            throw StoreProblem("\(path) changed while it was opened", .replaced)
        }
        return store
    }

    // MARK: - Leaving what is no longer there

    private func leave(_ old: OpenStore) {
        old.close()
        opened.withLock { $0 = nil }
    }
}

/// The connections to one file.
final class OpenStore: Sendable {
    let pool: DatabasePool
    let memory = WriterMemory()
    private let path: String
    private let kept: Mutex<FileMarks>

    fileprivate init(_ path: String, _ pool: DatabasePool) {
        self.path = path
        self.pool = pool
        kept = Mutex(FileMarks(path))
    }

    var marks: FileMarks { kept.withLock { $0 } }

    /// What became of the file since connlog was last at work on it.
    func change(isWriter: Bool) -> FileMarks.Change? {
        let now = FileMarks(path)
        return kept.withLock { marks in
            if let change = marks.change(to: now, isWriter: isWriter) { return change }
            // A reader may be there before the log is.
            if !isWriter { marks = now }
            return nil
        }
    }

    /// Closes everything, after the questions that are under way; they are interrupted.
    func close() {
        pool.interrupt()
        pool.writeWithoutTransaction { _ in memory.writer = nil }
        try? pool.close()
    }
}

/// The writer between two transactions; `nil` at first and after a failure.
///
/// `@unchecked Sendable`: only what runs on GRDB's writer touches it, and its queue is a lock: one thread at a time.
final class WriterMemory: @unchecked Sendable {
    var writer: StoreWriter?

    /// So that nobody else holds what the writer then changes.
    func take() -> StoreWriter? {
        defer { writer = nil }
        return writer
    }
}
#endif
