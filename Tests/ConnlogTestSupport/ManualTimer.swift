import ConnlogQueue
package import ConnlogSystem
package import Synchronization

/// Time that passes only when a test says so.
package final class ManualTimer: QueueTimer {
    private struct State {
        var now = Duration.zero
        var sleepers: [ConditionLock] = []
        var isWaiting = false
        var isReleased = false
        var waits = 0
        var idlers: [CheckedContinuation<Void, Never>] = []

        mutating func takeIdlers() -> [CheckedContinuation<Void, Never>] {
            defer { idlers = [] }
            return idlers
        }
    }

    private let state = Mutex(State())
    /// How often a pause was asked for.
    package let pauses = Mutex(0)
    package let whenPausing = Mutex<(@Sendable () -> Void)?>(nil)
    /// Called whenever somebody asks for the time, who may hold the queue's lock.
    package let whenAsked = Mutex<(@Sendable () -> Void)?>(nil)

    package init() {}

    package func now() -> Duration {
        whenAsked.withLock { $0 }?()
        return state.withLock { $0.now }
    }

    /// The queue's thread has nothing to do before time passes or it is woken.
    package var isWaiting: Bool { state.withLock { $0.isWaiting } }

    /// How often the queue's thread had nothing to do.
    package var waits: Int { state.withLock { $0.waits } }

    /// Returns when the queue's thread has nothing to do, once more often than `waits`; or after `release`.
    package func idle(after waits: Int = 0) async {
        await withCheckedContinuation { idler in
            let isIdle = state.withLock { state in
                if state.isWaiting && state.waits > waits || state.isReleased { return true }
                state.idlers.append(idler)
                return false
            }
            if isIdle { idler.resume() }
        }
    }

    /// The queue's thread may be gone: nobody is to wait for it any more.
    package func release() {
        let idlers = state.withLock { state in
            state.isReleased = true
            return state.takeIdlers()
        }
        for idler in idlers { idler.resume() }
    }

    package func wait(on lock: ConditionLock, until deadline: Duration?) {
        let (isOver, idlers) = state.withLock { state in
            if !state.sleepers.contains(where: { $0 === lock }) { state.sleepers.append(lock) }
            let isOver = deadline.map { $0 <= state.now } ?? false
            state.isWaiting = !isOver
            state.waits += 1
            return (isOver, isOver ? [] : state.takeIdlers())
        }
        for idler in idlers { idler.resume() }
        if !isOver { lock.wait() }
        state.withLock { $0.isWaiting = false }
    }

    /// Does not wait: `whenPausing` is told instead, which may change what is waited for.
    package func pause(_ length: Duration) {
        pauses.withLock { $0 += 1 }
        whenPausing.withLock { $0 }?()
    }

    package func advance(by length: Duration) {
        let sleepers = state.withLock { state in
            state.now += length
            state.isWaiting = false
            return state.sleepers
        }
        for lock in sleepers {
            lock.lock()
            lock.unlock(waking: true)
        }
    }
}
