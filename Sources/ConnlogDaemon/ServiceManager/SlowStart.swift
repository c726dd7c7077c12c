import ConnlogPipeline
import ConnlogSystem

/// Asks the service manager for more time while a start takes long.
///
/// Only as long as the process gets on: one that uses no processor hangs, or waits for a disk that does not answer, and is
/// the manager's to end.
///
/// `@unchecked Sendable`: `hasEnded` is touched only while `lock` is held.
final class SlowStart: @unchecked Sendable {
    /// How often it is looked at.
    static let pause = Duration.seconds(10)
    /// What is asked for each time.
    static let timeMore = pause * 3
    /// Less than that is what looking itself takes.
    private static let usedMin = Duration.milliseconds(50)

    private let lock = ConditionLock()
    private var hasEnded = false

    /// - Parameters:
    ///   - pause: between two looks.
    ///   - used: the processor time so far.
    init(
        _ manager: ServiceManager, pause: Duration = SlowStart.pause,
        used: @escaping @Sendable () -> Duration = { ThreadTimes.now().readings.values.reduce(.zero) { $0 + $1.used } }
    ) {
        Thread.start("slow start") { [self] in
            var before = used()
            while waits(pause) {
                let now = used()
                if now - before >= SlowStart.usedMin { manager.starting(for: SlowStart.timeMore) }
                before = now
            }
        }
    }

    /// It has started, or failed.
    func isOver() {
        lock.lock()
        hasEnded = true
        lock.unlock(waking: true)
    }

    /// Returns after the pause, or at the end, and whether the start goes on.
    private func waits(_ pause: Duration) -> Bool {
        let end = ContinuousClock.now + pause
        lock.lock()
        while !hasEnded, ContinuousClock.now < end { lock.wait(atMost: ContinuousClock.now.duration(to: end)) }
        let goesOn = !hasEnded
        lock.unlock(waking: false)
        return goesOn
    }
}
