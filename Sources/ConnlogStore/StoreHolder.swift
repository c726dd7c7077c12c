#if Server
package import ConnlogCore
import ConnlogSystem
import Synchronization

/// The store of a configuration: opened when it is first needed, and shared by the sink that fills it and whoever asks.
package final class StoreHolder: Sendable {
    package let path: String
    package let retention: ConnectionStore.Retention
    /// An agent's connection without an end that began longer ago counts as lost; `nil`: none does.
    package let lostAfter: Duration?
    private let cacheBytes: Int
    private let isReadingOnly: Bool
    /// What is let go of, and what counts as lost, goes by this clock.
    let time: SteadyTime
    private let opened = Mutex<ConnectionStore?>(nil)
    private let counts = Mutex(Counts())

    struct Counts {
        var rows = 0
        var merged = 0
        var known = 0
        var rowsRemoved = 0
        var eventsRemoved = 0
        /// As it was last looked at.
        var bytes = 0
        /// Of its files, as they were last looked at.
        var fileBytes = 0
    }

    package convenience init(
        _ path: String, cacheBytes: Int, retention: ConnectionStore.Retention = .init(), lostAfter: Duration? = nil
    ) {
        self.init(
            path, cacheBytes: cacheBytes, retention: retention, lostAfter: lostAfter, time: SteadyTime(SystemWallTime())
        )
    }

    init(
        _ path: String, cacheBytes: Int, retention: ConnectionStore.Retention, lostAfter: Duration?, time: SteadyTime
    ) {
        self.time = time
        self.path = path
        self.cacheBytes = cacheBytes
        self.retention = retention
        self.lostAfter = lostAfter
        isReadingOnly = false
    }

    /// For the process that answers questions while another one writes: `store` is there at once, and each question
    /// opens the file when it can (see `ConnectionStore.init(readingOnly:cacheBytes:)`). Not for a `StoreSink`.
    package convenience init(readingOnly path: String, cacheBytes: Int, lostAfter: Duration? = nil) {
        self.init(readingOnly: path, cacheBytes: cacheBytes, lostAfter: lostAfter, time: SteadyTime(SystemWallTime()))
    }

    init(readingOnly path: String, cacheBytes: Int, lostAfter: Duration?, time: SteadyTime) {
        self.path = path
        self.cacheBytes = cacheBytes
        retention = .init()
        self.lostAfter = lostAfter
        self.time = time
        isReadingOnly = true
        opened.withLock { $0 = ConnectionStore(readingOnly: path, cacheBytes: cacheBytes) }
    }

    /// When an agent's connection without an end is open, and when it is lost.
    /// - Parameter time: as of then; `nil`: as of now.
    package func bounds(asOf time: Microseconds? = nil) -> StateBounds {
        StateBounds(now: time ?? Microseconds(nanoseconds: self.time.now()), lostAfter: lostAfter)
    }

    /// What keeps the store from taking events in or answering; `nil` when all is well. Never waits.
    package var trouble: StoreProblem? {
        guard let store else { return StoreProblem("\(path) is not open yet", .absent) }
        return lateLook ?? store.trouble
    }

    // MARK: - Looks

    /// When a look came back last; before the first, since when one is expected.
    private let lookedAt = Mutex<Duration?>(nil)
    /// A look that takes longer than this hangs.
    static let lookLongest = Duration.seconds(5)

    /// From now on somebody calls `look` once a second, so that one that does not come back is a trouble.
    package func expectLooks() { noteLook() }

    /// Looks whether the file is the one at its path; see `ConnectionStore.look`. Waits for the disk, which may hang.
    package func look() throws(StoreProblem) {
        defer { noteLook() }
        try store?.look()
    }

    private func noteLook() { lookedAt.withLock { $0 = time.counted } }

    private var lateLook: StoreProblem? {
        guard let last = lookedAt.withLock({ $0 }) else { return nil }
        let age = time.counted - last
        guard age > StoreHolder.lookLongest else { return nil }
        return StoreProblem(
            "\(path): a look at it has not come back for \(StoreHolder.lookLongest); does its disk hang?")
    }

    /// The store, if it could be opened so far. Never waits for a disk.
    package var store: ConnectionStore? { opened.withLock { $0 } }

    /// Opens it, unless that is done. Waits for the disk.
    package func open() throws(StoreProblem) -> ConnectionStore {
        if let store { return store }
        if isReadingOnly { return ConnectionStore(readingOnly: path, cacheBytes: cacheBytes) }
        let store = try ConnectionStore(path, cacheBytes: cacheBytes)
        // If another thread was faster, its store is the one; SQLite lets both be open meanwhile.
        return opened.withLock { opened in
            if let first = opened { return first }
            opened = store
            return store
        }
    }

    private let watcher = Mutex<(@Sendable () -> Void)?>(nil)

    /// Called each time after events have been stored; must not wait.
    package func whenChanged(_ call: @escaping @Sendable () -> Void) { watcher.withLock { $0 = call } }

    func tellChange() { watcher.withLock { $0 }?() }

    func count(_ change: (inout Counts) -> Void) { counts.withLock { change(&$0) } }

    /// How large the file is; with what is not yet in it.
    func measure() {
        let size = { (path: String) in (try? FileStatus(of: path))?.size ?? 0 }
        let bytes = size(path) + size(path + "-wal")
        counts.withLock { $0.fileBytes = bytes }
    }

    /// A snapshot; never waits for a disk.
    package var figures: [Figure] {
        let counts = counts.withLock { $0 }
        return [
            Figure(.counter, "rows", "Connections that were new.", counts.rows),
            Figure(.counter, "merges", "Events of connections that were there.", counts.merged),
            Figure(.counter, "events_known", "Events that were there.", counts.known),
            Figure(.counter, "retention_rows", "Connections that the retention let go of.", counts.rowsRemoved),
            Figure(.counter, "retention_events", "Events that the retention let go of.", counts.eventsRemoved),
            Figure(
                .gauge, "content_bytes", unit: .bytes, "What the retention counts as the store's size.", counts.bytes),
            Figure(.gauge, "file_bytes", unit: .bytes, "The store's files on the disk.", counts.fileBytes),
        ]
    }
}
#endif
