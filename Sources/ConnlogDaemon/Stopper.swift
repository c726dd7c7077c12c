import Synchronization

/// Remembers that somebody asked the daemon to stop, and lets others wait for that.
final class Stopper: Sendable {
    private struct State {
        var isAsked = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    var isAsked: Bool { state.withLock { $0.isAsked } }

    func ask() {
        let waiters = state.withLock { state in
            state.isAsked = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Returns when asked to stop, or when the task is cancelled: both mean the same here.
    func wait() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    if state.isAsked || Task.isCancelled { return true }
                    state.waiters.append(continuation)
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            ask()
        }
    }
}
