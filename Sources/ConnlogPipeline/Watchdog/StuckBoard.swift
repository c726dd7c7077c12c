import Synchronization

/// What the watchdog has found, for whoever shows how things are.
package final class StuckBoard: Sendable {
    private let found = Mutex<[Pulse.Part: Stuck]>([:])

    var all: [Pulse.Part: Stuck] { found.withLock { $0 } }

    func set(_ all: [Pulse.Part: Stuck]) { found.withLock { $0 = all } }

    /// Since when, and what for, a part is stuck, in words; `nil` if it is not.
    func words(_ kind: Pulse.Part.Kind, _ name: String) -> String? {
        found.withLock { $0[Pulse.Part(kind: kind, name: name)] }?.words
    }

    /// One sentence for each, in the order of their names.
    package var sentences: [String] { all.map { "\($0.key) is stuck: \($0.value.words)" }.sorted() }

    /// Threads that keep a processor busy for nothing.
    package var spinning: Int { all.keys.count { $0.kind == .thread } }
}

extension Stuck {
    /// Such as `no progress for 45 s; it waits for the receiver's answer to 1 batch`.
    var words: String { "no progress for \(lasted.components.seconds) s; \(waitsFor)" }
}
