import Synchronization

/// Wakes whoever waits for something new.
package final class Bell: Sendable {
    package init() {}

    private struct State {
        var rings: UInt64 = 0
        var nextID: UInt64 = 0
        var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
    }

    private let state = Mutex(State())

    package func ring() {
        let waiters = state.withLock { state in
            state.rings += 1
            defer { state.waiters.removeAll() }
            return state.waiters.values.map { $0 }
        }
        for waiter in waiters { waiter.resume() }
    }

    /// The next ring from now on: take it before looking whether there is something, so that none is missed.
    package func next() -> Ring { Ring(bell: self, after: state.withLock { $0.rings }) }

    package struct Ring: Sendable {
        let bell: Bell
        let after: UInt64

        /// Returns when it has rung, or when the task is cancelled.
        package func wait() async { await bell.wait(after: after) }

        /// The same, and returns when so much time has passed.
        func wait(atMost limit: Duration) async {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await wait() }
                group.addTask { try? await Task.sleep(for: limit) }
                await group.next()
                group.cancelAll()
            }
        }
    }

    private func wait(after rings: UInt64) async {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    if state.rings > rings || Task.isCancelled { return true }
                    state.waiters[id] = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: id) }?.resume()
        }
    }
}
