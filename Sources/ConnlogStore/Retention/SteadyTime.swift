import ConnlogSystem
import Synchronization

/// The time of day as it has been for an hour: what is let go of, and what counts as lost, goes by this one.
///
/// It begins with the machine's clock and then runs beside one that only counts. When the machine's clock jumps (a board
/// before NTP, a virtual machine, somebody's mistake), this one goes on as before; when the other has kept its new time for
/// an hour, it is believed.
final class SteadyTime: Sendable {
    private struct State {
        /// The time of day and the time that only counts, at one moment.
        var wall: Nanoseconds
        var counted: Duration
        /// The machine's clock less this one, and since when it has been so.
        var gap: Int64 = 0
        var gapSince: Duration?
    }

    private let clock: any WallTime
    private let counter: @Sendable () -> Duration
    private let state: Mutex<State>
    private let begun: Duration

    /// How long a new time must be kept.
    static let proof = Duration.seconds(3600)
    /// Clocks that differ by less do not count as jumped: they are set little by little.
    private static let tolerance: Int64 = 60_000_000_000

    /// - Parameter counter: how long something has run, never set by anybody.
    init(_ clock: any WallTime, counter: @escaping @Sendable () -> Duration) {
        self.clock = clock
        self.counter = counter
        begun = counter()
        state = Mutex(State(wall: clock.now(), counted: counter()))
    }

    convenience init(_ clock: any WallTime) {
        let start = ContinuousClock.now
        self.init(clock) { start.duration(to: .now) }
    }

    /// Counts only.
    var counted: Duration { counter() }

    /// The machine's clock says something else now, and it is not known yet which of the two is right.
    var isInDoubt: Bool {
        _ = now()
        return state.withLock { $0.gapSince != nil }
    }

    /// The machine's clock has run beside the one that counts for an hour: it was not set a moment ago.
    var isProven: Bool { !isInDoubt && counter() - begun >= SteadyTime.proof }

    /// In nanoseconds since 1970.
    func now() -> Nanoseconds {
        let (wall, counted) = (clock.now(), counter())
        return state.withLock { state in
            let steady = SteadyTime.sum(state.wall, counted - state.counted)
            let (difference, overflows) = wall.subtractingReportingOverflow(steady)
            let gap = overflows ? (wall < steady ? Int64.min : .max) : difference
            if gap.magnitude <= UInt64(SteadyTime.tolerance) {
                state = State(wall: wall, counted: counted)
                return wall
            }
            // Another gap than before: the clock jumped again.
            let (change, isFar) = gap.subtractingReportingOverflow(state.gap)
            if state.gapSince == nil || isFar || change.magnitude > UInt64(SteadyTime.tolerance) {
                (state.gap, state.gapSince) = (gap, counted)
            }
            if let since = state.gapSince, counted - since >= SteadyTime.proof {
                state = State(wall: wall, counted: counted)
                return wall
            }
            return steady
        }
    }

    /// The later of the two clocks: what is kept by it is kept long enough, whichever is right.
    func latest() -> Nanoseconds { max(now(), clock.now()) }

    private static func sum(_ wall: Nanoseconds, _ passed: Duration) -> Nanoseconds {
        Microseconds(nanoseconds: wall).advanced(by: passed).nanoseconds
    }
}
