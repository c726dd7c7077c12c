#if canImport(Glibc)
    import Glibc
#endif

/// A mutex with a condition, for the few places where a thread of our own waits for work.
///
/// `@unchecked Sendable`: both are made for use from many threads and never move in memory.
@safe public final class ConditionLock: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    public init() {
        unsafe pthread_mutex_init(mutex, nil)
        unsafe pthread_cond_init(condition, nil)
    }

    deinit {
        unsafe pthread_cond_destroy(condition)
        unsafe pthread_mutex_destroy(mutex)
        unsafe condition.deallocate()
        unsafe mutex.deallocate()
    }

    public func lock() { unsafe pthread_mutex_lock(mutex) }

    public func unlock(waking: Bool) {
        if waking { unsafe pthread_cond_broadcast(condition) }
        unsafe pthread_mutex_unlock(mutex)
    }

    /// Gives the lock up until another thread wakes this one; may return for no reason.
    public func wait() { unsafe pthread_cond_wait(condition, mutex) }
}
