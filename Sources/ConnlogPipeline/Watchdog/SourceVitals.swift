import Synchronization

/// What a source's way into the queue is at, for the watchdog.
final class SourceVitals: Sendable {
    private let open = Atomic<Int>(0)
    private let takenNow = Atomic<UInt64>(0)

    /// A batch is being handed over.
    var isHandingOver: Bool { open.load(ordering: .relaxed) > 0 }
    /// Batches that were handed over.
    var taken: UInt64 { takenNow.load(ordering: .relaxed) }

    func begin() { open.add(1, ordering: .relaxed) }

    func end() {
        open.add(-1, ordering: .relaxed)
        takenNow.add(1, ordering: .relaxed)
    }
}
