import Synchronization

/// Slows down whoever tries tokens: after some wrong ones an address has to wait.
final class LoginGuard: Sendable {
    private struct Failures {
        var count = 0
        var first: ContinuousClock.Instant
    }

    /// So many wrong tokens within a minute.
    static let failuresMax = 10
    static let pause = Duration.seconds(60)
    /// How long an address that has to wait waits for each of its answers.
    static let slowness = Duration.milliseconds(250)
    /// So many addresses are remembered; with more, the oldest are forgotten.
    private static let addressesMax = 10_000

    private let failures = Mutex<[String: Failures]>([:])

    /// How long the address has to wait; `nil`: not at all.
    func wait(_ address: String, now: ContinuousClock.Instant = .now) -> Duration? {
        failures.withLock { failures in
            guard let found = failures[address], found.count >= LoginGuard.failuresMax else { return nil }
            let left = LoginGuard.pause - (now - found.first)
            if left > .zero { return left }
            failures[address] = nil
            return nil
        }
    }

    func fail(_ address: String, now: ContinuousClock.Instant = .now) {
        failures.withLock { failures in
            if failures.count >= LoginGuard.addressesMax {
                failures = failures.filter { now - $0.value.first < LoginGuard.pause }
                if failures.count >= LoginGuard.addressesMax { failures.removeAll() }
            }
            var found = failures[address] ?? Failures(first: now)
            if now - found.first >= LoginGuard.pause { found = Failures(first: now) }
            found.count += 1
            failures[address] = found
        }
    }
}
