#if canImport(Glibc)
import Glibc
#endif

/// The machine's time zone.
package enum LocalTime {
    /// Seconds that the local time of day is ahead of UTC at a point in time, given in seconds since 1970.
    package static func offset(at seconds: Int64) -> Int64 {
        var time = time_t(seconds)
        var parts = unsafe tm()
        guard unsafe localtime_r(&time, &parts) != nil else { return 0 }
        return unsafe Int64(parts.tm_gmtoff)
    }
}
