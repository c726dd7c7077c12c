internal import ConnlogSystem
import Synchronization

/// Keeps the queue's lock file, and its directory, locked until the writer has ended.
final class LockHolder: Sendable {
    private let locks: Mutex<[any FileLock]>

    init(_ locks: [any FileLock]) { self.locks = Mutex(locks) }

    @Sendable func release() { locks.withLock { $0 = [] } }
}
