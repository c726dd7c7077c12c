import ConnlogCore

/// Keeps a delivery from hammering a receiver that is away: after a failure nothing is sent until the pause is over,
/// then one batch as a probe, and everything again once that went through.
struct Breaker {
    enum State: Equatable {
        case closed
        /// Nothing is sent.
        case open
        /// One batch is under way to see whether things are better.
        case probing
    }

    private(set) var state = State.closed
    /// Failures since the last success.
    private(set) var failures = 0
    private let retry: Backoff
    private let hold: Backoff

    init(retry: Backoff, hold: Backoff) {
        self.retry = retry
        self.hold = hold
    }

    /// How many more batches may be begun.
    func allowance(of limit: Int, underWay: Int) -> Int {
        switch state {
        case .closed: max(0, limit - underWay)
        case .open: 0
        case .probing: underWay == 0 ? 1 : 0
        }
    }

    mutating func succeeded() {
        state = .closed
        failures = 0
    }

    /// Returns how long to pause, or nothing when a pause is on already (several batches may fail at once).
    mutating func failed(_ pause: Pause, using generator: inout some RandomNumberGenerator) -> Duration? {
        guard state != .open else { return nil }
        state = .open
        failures += 1
        switch pause {
        case .retry(let atLeast):
            return max(atLeast ?? .zero, retry.delay(attempt: failures, using: &generator))
        case .hold:
            return hold.delay(attempt: failures, using: &generator)
        }
    }

    /// The pause is over, or something happened that makes another try worthwhile at once.
    mutating func probe() {
        if state == .open { state = .probing }
    }
}
