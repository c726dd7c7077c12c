/// The time by which the sink rests endpoints, asks for acknowledgements and gives up waiting for them.
struct HECClock: Sendable {
    /// Since some moment; only goes forward.
    var elapsed: @Sendable () -> Duration
    /// Returns after that long, or when the task is cancelled.
    var sleep: @Sendable (Duration) async -> Void

    private static let start = ContinuousClock.now

    /// The clock of a running daemon.
    static let system = HECClock(
        elapsed: { ContinuousClock.now - start }, sleep: { try? await Task.sleep(for: $0) })
}
