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
        guard let store = opened.withLock({ $0 }), store.change == nil else { return nil }
        return store
    }

    /// The file at the path, opened anew if need be. Waits for the disk.
    func store() throws -> OpenStore {
        if let current { return current }
        return try opening.withLock { _ in
            if let current { return current }
            if let old = opened.withLock({ $0 }) { try leave(old) }
            if let current { return current }
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
            try StoreFile.refuseUnknown(path)
            notice(try StoreModes.prepare(path))
        }
        let before = FileMarks(path)
        let pool =
            switch use {
            case .writing: try StoreFile.open(path, cacheBytes: cacheBytes)
            case .reading: try StoreFile.openForReading(path, cacheBytes: cacheBytes)
            }
        let store = OpenStore(path, pool, isWriter: isWriter)
        if let file = before.file, file.identity != store.marks.file?.identity {
            store.close()
            throw StoreProblem("\(path) changed while it was opened", .replaced)
        }
        return store
    }

    // MARK: - Leaving what is no longer there

    /// Closes what is open. What a log that has lost its name still has is moved into the file before.
    private func leave(_ old: OpenStore) throws {
        guard isWriter else {
            old.close()
            return opened.withLock { $0 = nil }
        }
        // Put back in its place meanwhile.
        guard let change = old.change else { return }
        let isSettled = change.keepsFile ? try old.settle(isNeeded: change == .logGone) : false
        old.close()
        opened.withLock { $0 = nil }
        try putAside(old.marks, after: change, isSettled: isSettled)
        switch change {
        case .gone, .replaced, .cut:
            notice(
                [
                    "\(path) \(change.words): the store begins anew; what the queue still has of the time before can be "
                        + "stored again with 'connlog replay --sink store'"
                ])
        case .logGone: notice(["\(path) \(change.words); nothing is lost"])
        case .logCut:
            notice(
                [
                    "\(path) \(change.words): the newest events may be missing; what the queue still has of them can be "
                        + "stored again with 'connlog replay --sink store'"
                ])
        }
    }

    /// Takes from the names of the file what does not belong to what will be there: SQLite would apply an old log to
    /// another database, and believe an index of a log that is no more.
    private func putAside(_ marks: FileMarks, after change: FileMarks.Change, isSettled: Bool) throws {
        let now = FileMarks(path)
        let files = LocalFileSystem()
        // Who reads in another process finds it gone, and opens the file anew too.
        if let index = marks.index, index.identity == now.index?.identity { try files.remove(path + "-shm") }
        switch change {
        case .logGone, .logCut: return
        case .gone, .replaced:
            if let log = marks.log, log.identity == now.log?.identity {
                // Whoever moved the file may want to join them again.
                if isSettled {
                    try files.remove(path + "-wal")
                } else {
                    try files.rename(path + "-wal", to: path + ".left-wal")
                }
            }
        case .cut:
            try files.rename(path, to: path + ".cut")
            if now.log != nil { try files.rename(path + "-wal", to: path + ".cut-wal") }
        }
    }

    private func notice(_ words: [String]) {
        notices.withLock { notices in
            // Nobody may be taking them.
            if notices.count < 100 { notices += words }
        }
    }
}

/// The connections to one file.
final class OpenStore: Sendable {
    let pool: DatabasePool
    let memory = WriterMemory()
    private let path: String
    private let isWriter: Bool
    private let kept: Mutex<FileMarks>
    /// What the writer found to have happened.
    private let found = Mutex<FileMarks.Change?>(nil)

    fileprivate init(_ path: String, _ pool: DatabasePool, isWriter: Bool) {
        self.path = path
        self.pool = pool
        self.isWriter = isWriter
        kept = Mutex(FileMarks(path))
    }

    var marks: FileMarks { kept.withLock { $0 } }

    /// What became of the file since connlog was last at work on it. Any thread may ask.
    var change: FileMarks.Change? {
        if let found = found.withLock({ $0 }) { return found }
        let now = FileMarks(path)
        return kept.withLock { marks in
            if let change = marks.change(to: now) { return change }
            // Others write, and the log may be made behind us.
            if !isWriter { marks = now }
            return nil
        }
    }

    /// The same for the thread that writes: nobody else makes the log shorter.
    func refuseChange() throws {
        let change = found.withLock { $0 } ?? marks.change(to: FileMarks(path), knowsLog: true)
        guard let change else { return }
        found.withLock { $0 = change }
        throw StoreProblem("\(path) \(change.words); it is opened anew", .replaced)
    }

    /// Connlog has changed the file: this is what it should look like from now on.
    /// - Throws: `StoreProblem` of the kind `replaced` when what was changed is not what stands at the path.
    func noteOwnWork() throws {
        let now = FileMarks(path)
        let change = kept.withLock { marks in
            let change = marks.change(to: now)
            if change == nil { marks = now }
            return change
        }
        if let change { throw StoreProblem("\(path) \(change.words)", .replaced) }
    }

    /// Moves everything out of the log into the file, wherever both are now, and begins the log anew.
    /// - Parameter isNeeded: what is in the log would be lost otherwise.
    /// - Throws: when a question under way keeps it from being done and it is needed.
    func settle(isNeeded: Bool) throws -> Bool {
        // Only those of this process: others' end by themselves.
        pool.interrupt()
        do {
            try pool.writeWithoutTransaction { database in
                // A statement forgets that its connection was interrupted; a checkpoint does not.
                try database.execute(sql: "SELECT 1")
                _ = try database.checkpoint(.restart)
            }
            return true
        } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY && isNeeded {
            throw StoreProblem("\(path) has lost the log beside it; waiting for a question to end", .replaced)
        } catch {
            return false
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
