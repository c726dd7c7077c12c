import Synchronization

/// What a delivery is at, for a watchdog: plain numbers that can be read whatever hangs, no lock among them.
package final class DeliveryVitals: Sendable {
    /// What its own thread does, or waits for.
    package enum Doing: UInt8, Sendable {
        /// Waits for events, for answers, or to be asked for something.
        case waiting
        /// Waits for the end of a pause after a failure, which its state tells.
        case pausing
        case opening
        case reopening
        case reading
        case committing
        case ended
    }

    private let stepsMade = Atomic<UInt64>(0)
    private let doingNow = Atomic<UInt8>(Doing.waiting.rawValue)
    private let sendsOpen = Atomic<Int>(0)
    private let proofsOpen = Atomic<Int>(0)
    private let committedNow: Atomic<UInt64>

    init(committed: UInt64) { committedNow = Atomic(committed) }

    /// Grows with everything that gets it on: events read, a batch begun, an answer, a commit, a pause begun.
    package var steps: UInt64 { stepsMade.load(ordering: .relaxed) }
    package var doing: Doing { Doing(rawValue: doingNow.load(ordering: .relaxed)) ?? .waiting }
    /// Batches that the sink has in hand.
    package var sending: Int { sendsOpen.load(ordering: .relaxed) }
    /// Batches that the sink is asked the proof of.
    package var proving: Int { proofsOpen.load(ordering: .relaxed) }
    /// Everything before it is done and committed.
    package var committed: UInt64 { committedNow.load(ordering: .relaxed) }

    func step() { stepsMade.add(1, ordering: .relaxed) }
    func `do`(_ doing: Doing) { doingNow.store(doing.rawValue, ordering: .relaxed) }
    func sent(_ change: Int) { sendsOpen.add(change, ordering: .relaxed) }
    func proved(_ change: Int) { proofsOpen.add(change, ordering: .relaxed) }

    func committed(_ offset: UInt64) {
        committedNow.store(offset, ordering: .relaxed)
        step()
    }
}
