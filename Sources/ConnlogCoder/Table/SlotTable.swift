/// What is remembered of many rows, in slots that are checkpoints of their own: a change writes its slot, not the whole.
///
/// A slot's value is its records one after the other, `Value.bytes` each, an id before each; no record is in two slots.
struct SlotTable<Value: SlotValue> {
    static var rowsOfSlot: Int { 1024 }

    private struct Entry {
        var slot: Int
        var value: Value
    }

    private let name: String
    let slotCount: Int
    private var entries: [RowID: Entry] = [:]
    private var slots: [Set<RowID>]
    private var current = 0
    private var changed: Set<Int> = []

    /// - Parameters:
    ///   - name: stands before the checkpoints' keys.
    ///   - stored: the checkpoints that there are. What is no record is left out.
    init(_ name: String, slotCount: Int, stored: [String: [UInt8]]) {
        self.name = name
        self.slotCount = slotCount
        slots = Array(repeating: [], count: slotCount)
        let length = 16 + Value.byteCount
        for slot in 0..<slotCount {
            guard let bytes = stored[key(slot)] else { continue }
            for start in stride(from: 0, through: bytes.count - length, by: length) {
                let id = RowID(
                    high: RowID.word(bytes[start..<start + 8]), low: RowID.word(bytes[start + 8..<start + 16]))
                guard entries[id] == nil else { continue }
                entries[id] = Entry(slot: slot, value: Value(bytes[start + 16..<start + length]))
                slots[slot].insert(id)
            }
        }
    }

    private func key(_ slot: Int) -> String { "\(name)/\(slot)" }

    var count: Int { entries.count }
    /// Nothing more goes in before something is removed.
    var isFull: Bool { entries.count >= slotCount * SlotTable.rowsOfSlot }
    var all: [(id: RowID, value: Value)] { entries.map { ($0.key, $0.value.value) } }

    subscript(id: RowID) -> Value? { entries[id]?.value }

    /// - Precondition: it is new and `isFull` is false, or it is there.
    mutating func set(_ id: RowID, _ value: Value) {
        if let slot = entries[id]?.slot {
            entries[id] = Entry(slot: slot, value: value)
            changed.insert(slot)
            return
        }
        if slots[current].count >= SlotTable.rowsOfSlot {
            // An empty one, or the one with the most room: rows of one time stay together as long as there is room.
            current = slots.indices.min { slots[$0].count < slots[$1].count } ?? 0
        }
        precondition(slots[current].count < SlotTable.rowsOfSlot)
        slots[current].insert(id)
        entries[id] = Entry(slot: current, value: value)
        changed.insert(current)
    }

    mutating func remove(_ id: RowID) {
        guard let entry = entries.removeValue(forKey: id) else { return }
        slots[entry.slot].remove(id)
        changed.insert(entry.slot)
    }

    /// The slots that have changed since the last call, as they are now; an empty one is forgotten.
    mutating func takeChanges() -> [(key: String, value: [UInt8]?)] {
        defer { changed = [] }
        return changed.sorted().map { slot in
            if slots[slot].isEmpty { return (key(slot), nil) }
            var bytes: [UInt8] = []
            bytes.reserveCapacity(slots[slot].count * (16 + Value.byteCount))
            for id in slots[slot] {
                guard let entry = entries[id] else { continue }
                bytes += id.bytes + entry.value.bytes
            }
            return (key(slot), bytes)
        }
    }
}

/// A record's bytes after the id.
protocol SlotValue: Sendable {
    /// At most 40: a slot has at most 64 KiB.
    static var byteCount: Int { get }
    var bytes: [UInt8] { get }
    /// - Parameter bytes: `byteCount` of them.
    init(_ bytes: ArraySlice<UInt8>)
}

/// A row whose events were handed over.
struct KnownRow: SlotValue, Equatable {
    var connect: TableTime
    /// The row had its end alone, and may get an earlier connect time yet.
    var owesConnect: Bool

    init(connect: TableTime, owesConnect: Bool) {
        self.connect = connect
        self.owesConnect = owesConnect
    }

    static var byteCount: Int { 9 }
    var bytes: [UInt8] { connect.bytes + [owesConnect ? 1 : 0] }

    init(_ bytes: ArraySlice<UInt8>) {
        connect = TableTime(bytes: bytes.prefix(8))
        owesConnect = bytes.last == 1
    }
}

/// A connection of an agent that was open when it was last looked at.
struct OpenRow: SlotValue, Equatable {
    var connect: TableTime
    var connection: RowID?

    init(connect: TableTime, connection: RowID?) {
        self.connect = connect
        self.connection = connection
    }

    static var byteCount: Int { 24 }
    var bytes: [UInt8] { connect.bytes + (connection ?? RowID(high: 0, low: 0)).bytes }

    init(_ bytes: ArraySlice<UInt8>) {
        connect = TableTime(bytes: bytes.prefix(8))
        let id = RowID(high: RowID.word(bytes.dropFirst(8).prefix(8)), low: RowID.word(bytes.dropFirst(16)))
        connection = id.isNil ? nil : id
    }
}

extension TableTime {
    var bytes: [UInt8] {
        let word = UInt64(bitPattern: microseconds)
        return (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(56 - 8 * $0)) }
    }

    /// What is stored may be damaged: never beyond what is read.
    init(bytes: some Sequence<UInt8>) {
        let stored = Int64(bitPattern: RowID.word(bytes))
        self.init(microseconds: min(max(stored, TableTime.first.microseconds), TableTime.last.microseconds))
    }
}
