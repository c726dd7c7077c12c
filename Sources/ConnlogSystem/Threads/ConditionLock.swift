#if canImport(Glibc)
import Glibc
#endif

/// A mutex with a condition, for the few places where a thread of our own waits for work.
///
/// `@unchecked Sendable`: both are made for use from many threads and never move in memory.
@safe package final class ConditionLock: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    package init() {
        unsafe pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        unsafe pthread_condattr_init(&attributes)
        // The monotonic clock: a wait with a limit does not mind when someone sets the time of day.
        unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        unsafe pthread_cond_init(condition, &attributes)
        unsafe pthread_condattr_destroy(&attributes)
    }

    deinit {
        unsafe pthread_cond_destroy(condition)
        unsafe pthread_mutex_destroy(mutex)
        unsafe condition.deallocate()
        unsafe mutex.deallocate()
    }

    package func lock() { unsafe pthread_mutex_lock(mutex) }

    package func unlock(waking: Bool) {
        if waking { unsafe pthread_cond_broadcast(condition) }
        unsafe pthread_mutex_unlock(mutex)
    }

    /// Gives the lock up until another thread wakes this one; may return for no reason.
    package func wait() { unsafe pthread_cond_wait(condition, mutex) }

    /// The same, for `limit` at most.
    package func wait(atMost limit: Duration) {
        guard limit > .zero else { return }
        var deadline = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &deadline)
        let (seconds, attoseconds) = limit.components
        let nanoseconds = Int(attoseconds / 1_000_000_000) + deadline.tv_nsec
        deadline.tv_sec += Int(min(seconds, 1 << 32)) + nanoseconds / 1_000_000_000
        deadline.tv_nsec = nanoseconds % 1_000_000_000
        unsafe pthread_cond_timedwait(condition, mutex, &deadline)
    }
}
