internal import ConnlogSystem

/// Whether the wall clock goes like one that nobody sets, or has jumped a short while ago.
///
/// Machines wake up with a wrong date and get the right one seconds later; people set clocks. What a jump seems to have
/// made due waits until the clock has stood by its word for an hour.
struct SteadyClock: Sendable {
    static let toleranceMax: Nanoseconds = 60_000_000_000
    static let wait: Nanoseconds = 3_600_000_000_000

    private let clock: any WallTime
    private var wall: Nanoseconds
    private var uptime: Nanoseconds
    /// How far it has jumped, and when that was seen, until it counts.
    private var jump: (distance: Nanoseconds, uptime: Nanoseconds)?

    init(_ clock: any WallTime) {
        self.clock = clock
        wall = clock.now()
        uptime = clock.uptime()
    }

    var isSteady: Bool { jump == nil }

    /// Looks at both clocks.
    /// - Returns: whether the wall clock can be believed.
    mutating func look() -> Bool {
        let (wallNow, uptimeNow) = (clock.now(), clock.uptime())
        let distance = (wallNow &- wall) &- (uptimeNow &- uptime)
        if SteadyClock.isSmall(distance) { return accept(wallNow, uptimeNow) }
        guard let jump, SteadyClock.isSmall(distance &- jump.distance) else {
            jump = (distance, uptimeNow)
            return false
        }
        return uptimeNow &- jump.uptime >= SteadyClock.wait && accept(wallNow, uptimeNow)
    }

    // From here on, so that a clock that is drawn to the right time slowly never seems to have jumped.
    private mutating func accept(_ wallNow: Nanoseconds, _ uptimeNow: Nanoseconds) -> Bool {
        (wall, uptime, jump) = (wallNow, uptimeNow, nil)
        return true
    }

    private static func isSmall(_ distance: Nanoseconds) -> Bool { distance.magnitude <= toleranceMax.magnitude }
}
