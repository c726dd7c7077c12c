#if Server
import Synchronization

/// An answer that is asked for once, for all who wait for it. Whoever is cancelled waits no longer; the asking goes on.
final class Flight<Value: Sendable>: Sendable {
    private struct State {
        var value: Value?
        var waiting: [Int: CheckedContinuation<Value?, Never>] = [:]
        var last = 0
    }

    private let state = Mutex(State())

    /// It has come, once.
    func land(_ value: Value) {
        let waiting = state.withLock { state in
            state.value = value
            defer { state.waiting = [:] }
            return state.waiting.values
        }
        for continuation in waiting { continuation.resume(returning: value) }
    }

    /// - Returns: `nil` as soon as whoever waits is cancelled.
    func value() async -> Value? {
        let number = state.withLock { state in
            state.last += 1
            return state.last
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    // Whoever is cancelled from here on finds it there.
                    if state.value == nil, !Task.isCancelled { state.waiting[number] = continuation }
                    return state.waiting[number] == nil
                }
                if isOver { continuation.resume(returning: state.withLock { $0.value }) }
            }
        } onCancel: {
            state.withLock { $0.waiting.removeValue(forKey: number) }?.resume(returning: nil)
        }
    }

    /// How many wait.
    var waiters: Int { state.withLock { $0.waiting.count } }
}
#endif
