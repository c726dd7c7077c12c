/// How long to wait after failures: a random part ("full jitter") of `first` doubled each time, at most `longest`.
///
///     attempt  1       2       3       7 and on      (first 1 s, longest 60 s)
///     up to    1 s     2 s     4 s     60 s
///
/// Full jitter spreads the senders of a whole fleet after an outage; there is no last attempt.
public struct Backoff: Sendable, Equatable {
    /// The pause after the first failure.
    public let first: Duration
    /// No pause is longer.
    public let longest: Duration
    /// Never less than this, so that nothing spins.
    package static let shortest = Duration.milliseconds(50)

    /// Pauses that double from `first` to `longest`. Each is shortened at random.
    public init(first: Duration = .seconds(1), longest: Duration = .seconds(60)) {
        self.first = first
        self.longest = max(first, longest)
    }

    /// - Parameter attempt: failed attempts so far, from 1.
    package func delay(attempt: Int, using generator: inout some RandomNumberGenerator) -> Duration {
        let bound = self.bound(attempt: attempt)
        return max(Backoff.shortest, bound * Double.random(in: 0...1, using: &generator))
    }

    /// The longest that `delay` may return for this attempt.
    package func bound(attempt: Int) -> Duration {
        var bound = first
        for _ in 1..<max(1, attempt) {
            bound *= 2
            if bound >= longest { return longest }
        }
        return min(bound, longest)
    }
}
