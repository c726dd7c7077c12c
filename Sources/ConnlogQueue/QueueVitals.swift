import Synchronization

/// What the queue's thread is at, for a watchdog: plain numbers that can be read whatever hangs, no lock among them.
package final class QueueVitals: Sendable {
    /// What its thread does.
    package enum Doing: UInt8, Sendable {
        case waiting
        /// Writes and syncs what was handed over, or makes room for it.
        case storing
        /// Syncs what may be synced later, and deletes what is done with.
        case upkeep
        /// Waits before it tries again what failed; the queue's state tells why.
        case pausing
        case ended
    }

    private let stepsMade = Atomic<UInt64>(0)
    private let doingNow = Atomic<UInt8>(Doing.waiting.rawValue)
    private let handedOverNow = Atomic<UInt64>(0)
    private let durableNow = Atomic<UInt64>(0)
    private let endNow = Atomic<UInt64>(0)

    init() {}

    /// Grows with every piece of work that the thread has done or given up for now.
    package var steps: UInt64 { stepsMade.load(ordering: .relaxed) }
    package var doing: Doing { Doing(rawValue: doingNow.load(ordering: .relaxed)) ?? .waiting }
    /// Something was handed over that is not durable yet.
    package var hasWork: Bool {
        durableNow.load(ordering: .relaxed) < handedOverNow.load(ordering: .relaxed)
    }
    /// The offset after the last durable event.
    package var end: UInt64 { endNow.load(ordering: .relaxed) }

    func step() { stepsMade.add(1, ordering: .relaxed) }
    func `do`(_ doing: Doing) { doingNow.store(doing.rawValue, ordering: .relaxed) }
    func handedOver(_ count: UInt64) { handedOverNow.store(count, ordering: .relaxed) }
    func durable(_ count: UInt64) { durableNow.store(count, ordering: .relaxed) }
    func end(_ offset: UInt64) { endNow.store(offset, ordering: .relaxed) }
}
