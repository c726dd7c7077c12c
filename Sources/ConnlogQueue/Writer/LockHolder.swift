internal import ConnlogSystem
import Synchronization

/// Keeps the queue's lock file locked until the writer has ended.
final class LockHolder: Sendable {
    private let lock: Mutex<(any FileLock)?>

    init(_ lock: any FileLock) { self.lock = Mutex(lock) }

    @Sendable func release() { lock.withLock { $0 = nil } }
}
