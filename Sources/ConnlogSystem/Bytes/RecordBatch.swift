/// Records on their way: one byte buffer and where each record lies in it.
///
/// Copies share memory. `removeAll` keeps it, so that a batch which goes round stops allocating.
public struct RecordBatch: Sendable {
    /// The bytes of all records; there may be others between them.
    public var bytes: ByteBuffer
    @usableFromInline package internal(set) var records: [Record] = []
    /// Bytes of all records together.
    public internal(set) var recordBytes = 0
    // `noteWords` numbers for each record, or for fewer: then nothing is known about the others. The last number of a note
    // is 1, that of a record about which nothing is known 0.
    @usableFromInline var notes: [UInt64] = []

    /// The numbers of a note, which say what is known about a record: whoever makes records and whoever uses them agree on
    /// their meaning, but for the last one, which is the batch's. In the core they say where the fields of an event lie
    /// (`EventIndex`).
    @inlinable package static var noteWords: Int { 32 }

    /// Empty, with room for so many bytes.
    public init(capacity: Int = 0) {
        bytes = ByteBuffer(capacity: capacity)
    }

    /// Records in it.
    @inlinable public var count: Int { records.count }
    /// Whether there are none.
    @inlinable public var isEmpty: Bool { records.isEmpty }

    /// The record at `index`, in the core, one slog JSON line without its line feed.
    @inlinable
    @_lifetime(borrow self)
    public func record(_ index: Int) -> Span<UInt8> {
        bytes.span(records[index].range)
    }

    /// Declares bytes that are in `bytes` already to be the next record.
    public mutating func addRecord(_ range: Range<Int>) {
        records.append(Record(range))
        recordBytes += range.count
    }

    /// The same, with what is known about it: `noteWords` numbers.
    package mutating func addRecord(_ range: Range<Int>, _ note: Span<UInt64>) {
        precondition(note.count == RecordBatch.noteWords)
        let missing = records.count * RecordBatch.noteWords - notes.count
        if missing > 0 { notes.append(contentsOf: repeatElement(0, count: missing)) }
        addRecord(range)
        unsafe note.withUnsafeBufferPointer { unsafe notes.append(contentsOf: $0) }
        notes[notes.count - 1] = 1
    }

    /// Whether something is known about a record.
    @inlinable @inline(__always)
    package func hasNote(_ index: Int) -> Bool {
        let last = (index + 1) * RecordBatch.noteWords - 1
        return last < notes.count && notes[last] != 0
    }

    /// What is known about a record that has a note.
    @inlinable @inline(__always)
    @_lifetime(borrow self)
    package func note(_ index: Int) -> Span<UInt64> {
        notes.span.extracting(RecordBatch.notePlace(index))
    }

    @inlinable @inline(__always)
    static func notePlace(_ index: Int) -> Range<Int> { index * noteWords..<(index + 1) * noteWords }

    /// Whether `bytes` is nothing but the records, each with a line feed after it, so that all can be written at once.
    package var isLines: Bool {
        var end = 0
        for record in records {
            let range = record.range
            guard range.lowerBound == end, range.upperBound < bytes.count, bytes[range.upperBound] == 0x0a else {
                return false
            }
            end = range.upperBound &+ 1
        }
        return end == bytes.count
    }

    /// Copies a record to the end.
    public mutating func append(_ record: Span<UInt8>) {
        let start = bytes.count
        bytes.append(record)
        addRecord(start..<bytes.count)
    }

    /// Keeps the records that `isKept` says yes to; it gets each one's index, in order.
    public mutating func filter(_ isKept: (Int, Span<UInt8>) -> Bool) {
        var kept = 0
        recordBytes = 0
        // A note that is missing may have made way for one that is there.
        if notes.count < records.count * RecordBatch.noteWords { notes.removeAll() }
        let hasNotes = !notes.isEmpty
        for index in records.indices where isKept(index, bytes.span(records[index].range)) {
            records[kept] = records[index]
            if hasNotes, kept != index { moveNote(from: index, to: kept) }
            recordBytes += records[index].range.count
            kept += 1
        }
        if hasNotes { notes.removeSubrange((kept * RecordBatch.noteWords)...) }
        records.removeSubrange(kept...)
    }

    private mutating func moveNote(from index: Int, to place: Int) {
        for word in 0..<RecordBatch.noteWords {
            notes[place * RecordBatch.noteWords + word] = notes[index * RecordBatch.noteWords + word]
        }
    }

    /// The same memory with only some of the records.
    public func slice(_ range: Range<Int>) -> RecordBatch {
        var part = self
        part.records = Array(records[range])
        let words = RecordBatch.noteWords
        let isWhole = notes.count >= records.count * words
        part.notes = isWhole ? Array(notes[range.lowerBound * words..<range.upperBound * words]) : []
        part.recordBytes = part.records.reduce(0) { $0 + $1.range.count }
        return part
    }

    /// Forgets everything and keeps the memory.
    public mutating func removeAll() {
        bytes.removeAll()
        records.removeAll(keepingCapacity: true)
        notes.removeAll(keepingCapacity: true)
        recordBytes = 0
    }
}

/// Where a record lies in its batch.
@usableFromInline package struct Record: Sendable, Equatable {
    @usableFromInline let start: UInt32
    @usableFromInline let length: UInt32

    init(_ range: Range<Int>) {
        start = UInt32(range.lowerBound)
        length = UInt32(range.count)
    }

    @inlinable package var range: Range<Int> { Int(start)..<Int(start) + Int(length) }
}
