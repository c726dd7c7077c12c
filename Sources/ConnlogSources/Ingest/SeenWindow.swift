import ConnlogCore
import ConnlogSystem

/// The ids of the events that were handed in last, so that one that is handed in again is known.
///
/// They are checkpoints of the source, stored in the same write as the events: sixteen of a thousand ids each, filled one
/// after another, the oldest thousand replaced. An id that is no UUID is not remembered.
struct SeenWindow {
    static let slotCount = 16
    static let idsOfSlot = 1024
    private static let idBytes = 16

    private var slots: [[UInt8]]
    private var ids: Set<ID> = []
    private var current = 0
    private var changed: Set<Int> = []

    private struct ID: Hashable {
        let high: UInt64
        let low: UInt64
    }

    /// - Parameter checkpoints: what the queue has of the source.
    init(_ checkpoints: [CheckpointKey: [UInt8]]) {
        slots = (0..<SeenWindow.slotCount).map { checkpoints[SeenWindow.key($0)] ?? [] }
        current = checkpoints[SeenWindow.currentKey]?.first.map { Int($0) % SeenWindow.slotCount } ?? 0
        for slot in slots {
            for start in stride(from: 0, to: slot.count - slot.count % SeenWindow.idBytes, by: SeenWindow.idBytes) {
                ids.insert(ID(high: SeenWindow.word(slot, start), low: SeenWindow.word(slot, start + 8)))
            }
        }
    }

    private static let currentKey = "seen"
    private static func key(_ slot: Int) -> CheckpointKey { "seen/\(slot)" }

    /// Whether the event with this id had come before; from now on it has.
    mutating func insert(_ text: String) -> Bool {
        guard let id = SeenWindow.parse(text) else { return false }
        guard ids.insert(id).inserted else { return true }
        if slots[current].count >= SeenWindow.idsOfSlot * SeenWindow.idBytes { beginSlot() }
        for word in [id.high, id.low] {
            for place in 0..<8 { slots[current].append(UInt8(truncatingIfNeeded: word >> UInt64(56 - 8 * place))) }
        }
        changed.insert(current)
        return false
    }

    private mutating func beginSlot() {
        current = (current + 1) % SeenWindow.slotCount
        for start in stride(from: 0, to: slots[current].count, by: SeenWindow.idBytes) {
            ids.remove(
                ID(high: SeenWindow.word(slots[current], start), low: SeenWindow.word(slots[current], start + 8)))
        }
        slots[current] = []
    }

    /// What has to be stored with the events.
    mutating func takeChanges() -> [Checkpoint] {
        guard !changed.isEmpty else { return [] }
        defer { changed = [] }
        return changed.sorted().map { Checkpoint(key: SeenWindow.key($0), value: slots[$0]) }
            + [Checkpoint(key: SeenWindow.currentKey, value: [UInt8(current)])]
    }

    private static func word(_ bytes: [UInt8], _ start: Int) -> UInt64 {
        bytes[start..<start + 8].reduce(0) { $0 << 8 | UInt64($1) }
    }

    private static func parse(_ text: String) -> ID? {
        guard let digits = UUIDText.normalized(text)?.filter({ $0 != "-" }) else { return nil }
        guard let high = UInt64(digits.prefix(16), radix: 16), let low = UInt64(digits.suffix(16), radix: 16) else {
            return nil
        }
        return ID(high: high, low: low)
    }
}
