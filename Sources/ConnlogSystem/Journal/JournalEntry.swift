/// What connlog takes of an entry of the journal. Fields whose names begin with `_` are journald's own word; the others
/// can be written by any user of the machine.
package enum JournalField: Int, Sendable, CaseIterable {
    case message, streamID, lineBreak, processID, priority, messageID, dropped
    case containerID, partial, partialID, partialOrdinal
    /// The library's name for the entry.
    case cursor
}

/// An entry of the journal. Its memory is used again for the next one.
package struct JournalEntry: Sendable {
    /// The values, one after another.
    package private(set) var bytes = ByteBuffer()
    /// When journald received it, in microseconds since 1970.
    package var realtime: UInt64 = 0
    /// The message is longer than what was taken of it.
    package var isCut = false
    private var ranges = [Range<Int>?](repeating: nil, count: JournalField.allCases.count)

    package init() {}

    /// Whether the entry has the field, be its value empty.
    package func has(_ field: JournalField) -> Bool { ranges[field.rawValue] != nil }

    /// Where the field's value lies in `bytes`; empty if the entry has none.
    package func range(_ field: JournalField) -> Range<Int> { ranges[field.rawValue] ?? 0..<0 }

    /// The field's value; empty if the entry has none.
    @_lifetime(borrow self)
    package func value(_ field: JournalField) -> Span<UInt8> { bytes.span(range(field)) }

    /// The same as text.
    package func text(_ field: JournalField) -> String? { ranges[field.rawValue].map { bytes.text($0) } }

    /// Forgets all of it.
    package mutating func removeAll() {
        bytes.removeAll()
        realtime = 0
        isCut = false
        for place in ranges.indices { ranges[place] = nil }
    }

    /// Puts a value after the others.
    package mutating func add(_ field: JournalField, _ value: Span<UInt8>) {
        let start = bytes.count
        bytes.append(value)
        ranges[field.rawValue] = start..<bytes.count
    }

    /// Takes over all values at once.
    mutating func take(_ values: Span<UInt8>, _ places: (JournalField) -> Range<Int>?) {
        bytes.append(values)
        for field in JournalField.allCases { ranges[field.rawValue] = places(field) }
    }
}
