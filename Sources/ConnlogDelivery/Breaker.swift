import ConnlogCore

/// Keeps a delivery from hammering a receiver that is away: after a failure nothing is sent until the pause is over,
/// then one small batch as a probe, and everything again once that went through.
///
///     state    may begin    success of      failure                    pause over, or a signal
///     closed   all          –               open, a longer pause       –
///     open     nothing      (old news)      (the pause goes on)        probing
///     probing  one, small   probe: closed   probe: open, a longer one  –
///
/// Every pause has a number, and what was begun before the last pause is old news when it comes: its success does not
/// end the pause, and its failure begins none, unless the receiver asks for one.
struct Breaker {
    enum State: Equatable {
        case closed
        /// Nothing is sent.
        case open
        /// One small batch is under way to see whether things are better.
        case probing
    }

    /// A probe has no more events than this.
    static let probeEventsMax = 100
    /// A receiver that asks for a longer pause is asked again after this.
    static let wishMax = Duration.seconds(300)

    private(set) var state = State.closed
    /// Failures since the last success.
    private(set) var failures = 0
    /// Pauses so far: the number of the last one.
    private(set) var pauses: UInt64 = 0
    private let retry: Backoff
    private let hold: Backoff

    init(retry: Backoff, hold: Backoff) {
        self.retry = retry
        self.hold = hold
    }

    /// How many more batches may be begun.
    /// - Parameters:
    ///   - underWay: those that are being sent.
    ///   - probing: those begun since the last pause whose fate is not known.
    func allowance(of limit: Int, underWay: Int, probing: Int) -> Int {
        switch state {
        case .closed: max(0, limit - underWay)
        case .open: 0
        case .probing: probing == 0 && underWay < limit ? 1 : 0
        }
    }

    /// Something begun after so many pauses, or just now, went through.
    mutating func succeeded(begunAfter pauses: UInt64? = nil) {
        guard pauses ?? self.pauses == self.pauses else { return }
        state = .closed
        failures = 0
    }

    /// There is nothing to probe with. The next failure makes a longer pause all the same.
    mutating func probeLater() {
        if state == .probing { state = .closed }
    }

    /// Something begun after so many pauses, or just now, failed.
    ///
    /// Returns how long to pause, or nothing when a pause is on already (several batches may fail at once).
    mutating func failed(
        _ pause: Pause, begunAfter pauses: UInt64? = nil, using generator: inout some RandomNumberGenerator
    ) -> Duration? {
        guard state != .open, pauses ?? self.pauses == self.pauses || pause.isWish else { return nil }
        state = .open
        failures += 1
        self.pauses += 1
        return pause.length(attempt: failures, retry: retry, hold: hold, using: &generator)
    }

    /// The pause with this number is over.
    mutating func pauseIsOver(_ pause: UInt64) {
        if pause == pauses { probe() }
    }

    /// Something happened that makes another try worthwhile at once.
    mutating func probe() {
        if state == .open { state = .probing }
    }
}

extension Pause {
    /// The receiver named a time.
    var isWish: Bool {
        if case .retry(_?) = self { true } else { false }
    }

    /// How long it is after so many failures, this one included: what the receiver asks for, up to `Breaker.wishMax`,
    /// and never less than the backoff's random part.
    func length(
        attempt: Int, retry: Backoff, hold: Backoff, using generator: inout some RandomNumberGenerator
    ) -> Duration {
        switch self {
        case .retry(let wish):
            let wished = min(wish ?? .zero, Breaker.wishMax)
            return max(wished, retry.delay(attempt: attempt, using: &generator))
        case .hold:
            return hold.delay(attempt: attempt, using: &generator)
        }
    }
}
