/// The last 8192 events of a stream by their ids, to know one again that comes in a second format.
///
/// coderd may write each event with several sinks into the same stream. Two events with the same id in the *same* format
/// are two events, so as long as there is one format ids are only written down, and looking them up (open addressing)
/// begins with the second: measured, 100 of 3,300 instructions of a line and more of its time, since the table is larger
/// than the processor's first cache. The memory grows with the events up to about 200 KiB, so that a file of a few lines
/// costs little, and from then on nothing is allocated.
package struct DuplicateWindow: Sendable {
    static let capacity = 8192
    private static let slotsMin = 64

    /// 128 bits made of an id's text.
    struct Key: Sendable, Equatable {
        var low: UInt64
        var high: UInt64
    }

    private struct Entry: Sendable {
        var key: Key
        var format: EventFormat
    }

    /// A ring: the newest entry overwrites the oldest.
    private var entries: [Entry] = []
    private var oldest = 0
    /// Numbers of entries plus one; 0 is free. A power of two, at least twice as many as there are entries; none while
    /// all entries have one format.
    private var slots: [UInt16] = []
    private var mask = 0

    package init() {}

    /// Whether the event was here before in another format. If it is new it is remembered.
    mutating func isDuplicate(_ key: Key, _ format: EventFormat) -> Bool {
        if slots.isEmpty {
            guard let first = entries.first, first.format != format else {
                insert(Entry(key: key, format: format))
                return false
            }
            var count = DuplicateWindow.slotsMin
            while count < 2 * entries.count { count *= 2 }
            makeSlots(count)
        }
        var slot = home(key)
        while slots[slot] != 0 {
            let entry = entries[Int(slots[slot]) - 1]
            if entry.key == key { return entry.format != format }
            slot = (slot + 1) & mask
        }
        insert(Entry(key: key, format: format))
        return false
    }

    private func home(_ key: Key) -> Int { Int(truncatingIfNeeded: key.low) & mask }

    private mutating func makeSlots(_ count: Int) {
        slots = [UInt16](repeating: 0, count: count)
        mask = count - 1
        for place in entries.indices { file(place) }
    }

    /// Puts an entry's number into the first free slot from its home on.
    private mutating func file(_ place: Int) {
        var slot = home(entries[place].key)
        while slots[slot] != 0 { slot = (slot + 1) & mask }
        slots[slot] = UInt16(place + 1)
    }

    private mutating func insert(_ entry: Entry) {
        let place: Int
        if entries.count < DuplicateWindow.capacity {
            place = entries.count
            entries.append(entry)
            // Filing anew takes this one in.
            if !slots.isEmpty, entries.count * 2 > slots.count { return makeSlots(slots.count * 2) }
        } else {
            place = oldest
            if !slots.isEmpty { forget(place) }
            entries[place] = entry
            oldest = (oldest + 1) % DuplicateWindow.capacity
        }
        if !slots.isEmpty { file(place) }
    }

    /// Frees an entry's slot and moves back those that had to go past it.
    private mutating func forget(_ place: Int) {
        var hole = home(entries[place].key)
        while Int(slots[hole]) != place + 1 { hole = (hole + 1) & mask }
        var slot = hole
        while true {
            slot = (slot + 1) & mask
            guard slots[slot] != 0 else { break }
            let wanted = home(entries[Int(slots[slot]) - 1].key)
            // It may move if its home is not between the hole and where it is.
            let distance = (slot - wanted) & mask
            if distance >= (slot - hole) & mask {
                slots[hole] = slots[slot]
                hole = slot
            }
        }
        slots[hole] = 0
    }
}
