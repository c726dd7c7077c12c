#if canImport(Glibc)
import Glibc
#endif

/// Nanoseconds since 1970-01-01T00:00:00Z; covers the years 1678 to 2261.
public typealias Nanoseconds = Int64

/// What tells the time of day. A parameter wherever time matters, so that tests can hold it still.
public protocol WallTime: Sendable {
    func now() -> Nanoseconds

    /// Nanoseconds since some moment, by a clock that nobody sets: for how long something lasts.
    func uptime() -> Nanoseconds
}

extension WallTime {
    /// Of the machine, its sleep included.
    public func uptime() -> Nanoseconds { SystemWallTime.time(CLOCK_BOOTTIME) }
}

extension Nanoseconds {
    /// What a `timespec` says, or the nearest time there is: a file may be dated, and a clock set, beyond all of them.
    init(_ time: timespec) {
        let (product, isBeyond) = Int64(time.tv_sec).multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, isBeyondToo) = product.addingReportingOverflow(Int64(time.tv_nsec))
        self = isBeyond || isBeyondToo ? (time.tv_sec < 0 ? .min : .max) : sum
    }
}

/// The machine's clock (CLOCK_REALTIME).
public struct SystemWallTime: WallTime {
    /// The machine's clocks.
    public init() {}

    /// Nanoseconds since 1970.
    public func now() -> Nanoseconds { SystemWallTime.time(CLOCK_REALTIME) }

    fileprivate static func time(_ clock: clockid_t) -> Nanoseconds {
        var time = timespec()
        unsafe clock_gettime(clock, &time)
        return Nanoseconds(time)
    }
}
