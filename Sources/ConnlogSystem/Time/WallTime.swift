#if canImport(Glibc)
import Glibc
#endif

/// Nanoseconds since 1970-01-01T00:00:00Z; covers the years 1678 to 2261.
public typealias Nanoseconds = Int64

/// What tells the time of day. A parameter wherever time matters, so that tests can hold it still.
public protocol WallTime: Sendable {
    func now() -> Nanoseconds
}

/// The machine's clock (CLOCK_REALTIME).
public struct SystemWallTime: WallTime {
    public init() {}

    public func now() -> Nanoseconds {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Nanoseconds(time.tv_sec) * 1_000_000_000 + Nanoseconds(time.tv_nsec)
    }
}
