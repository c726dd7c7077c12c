#if canImport(Glibc)
import Glibc
#endif

/// The kernel's clock that nobody sets, as other programs of this machine read it too.
package enum MonotonicTime {
    /// CLOCK_MONOTONIC: the time since the machine started, without that in which it slept.
    package static var now: Duration {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
}
