package import ConnlogSystem

/// How the queue's thread waits. A parameter, so that tests need no time.
package protocol QueueTimer: Sendable {
    /// The time since some moment that stays the same.
    func now() -> Duration

    /// Gives the lock up until it is woken, or until `deadline`; may return for no reason.
    func wait(on lock: ConditionLock, until deadline: Duration?)

    /// Lets that much time pass.
    func pause(_ length: Duration)
}

/// The machine's monotonic clock.
package struct SystemQueueTimer: QueueTimer {
    private let start = ContinuousClock.now

    package init() {}

    package func now() -> Duration { start.duration(to: .now) }

    package func wait(on lock: ConditionLock, until deadline: Duration?) {
        if let deadline { lock.wait(atMost: deadline - now()) } else { lock.wait() }
    }

    package func pause(_ length: Duration) {
        let lock = ConditionLock()
        let end = now() + length
        lock.lock()
        while now() < end { lock.wait(atMost: end - now()) }
        lock.unlock(waking: false)
    }
}
