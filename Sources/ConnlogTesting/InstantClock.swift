import Synchronization

/// A clock on which every sleep is over at once: time jumps to the end of it. Nothing in a test has to wait.
public final class InstantClock: Clock {
    /// A moment of a clock that begins at zero.
    public struct Instant: InstantProtocol {
        /// Since the clock was made.
        public var sinceStart: Duration

        /// Later by a duration.
        public func advanced(by duration: Duration) -> Instant { Instant(sinceStart: sinceStart + duration) }
        /// From here to another.
        public func duration(to other: Instant) -> Duration { other.sinceStart - sinceStart }
        /// Whether it is earlier.
        public static func < (left: Instant, right: Instant) -> Bool { left.sinceStart < right.sinceStart }
    }

    private struct State {
        var now = Instant(sinceStart: .zero)
        var sleeps: [Duration] = []
    }

    private let state = Mutex(State())

    /// At zero.
    public init() {}

    /// The moment it shows.
    public var now: Instant { state.withLock { $0.now } }
    /// A nanosecond.
    public var minimumResolution: Duration { .nanoseconds(1) }

    /// Every sleep that was asked for.
    public var sleeps: [Duration] { state.withLock { $0.sleeps } }

    /// Returns at once; the clock is as late as asked for from then on.
    public func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        try Task.checkCancellation()
        state.withLock { state in
            state.sleeps.append(state.now.duration(to: deadline))
            state.now = max(state.now, deadline)
        }
        await Task.yield()
    }
}
