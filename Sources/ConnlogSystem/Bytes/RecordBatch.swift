/// Records on their way: one byte buffer and where each record lies in it.
///
/// Copies share memory. `removeAll` keeps it, so that a batch which goes round stops allocating.
public struct RecordBatch: Sendable {
    /// The bytes of all records; there may be others between them.
    public var bytes: ByteBuffer
    public internal(set) var records: [Record] = []
    /// Bytes of all records together.
    public internal(set) var recordBytes = 0
    // Either as many as there are records, or fewer: then nothing is known about the others.
    @usableFromInline var notes: [RecordNote] = []

    public init(capacity: Int = 0) {
        bytes = ByteBuffer(capacity: capacity)
    }

    @inlinable public var count: Int { records.count }
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

    /// The same, with what is known about it.
    public mutating func addRecord(_ range: Range<Int>, _ note: RecordNote) {
        while notes.count < records.count { notes.append(RecordNote()) }
        addRecord(range)
        notes.append(note)
    }

    /// Whether something is known about a record.
    @inlinable @inline(__always)
    public func hasNote(_ index: Int) -> Bool { index < notes.count && !notes[index].isBlank }

    /// What is known about a record that has a note. A note is large: it is not optional so that it is copied once.
    @inlinable @inline(__always)
    public func note(_ index: Int) -> RecordNote {
        precondition(index < notes.count)
        return notes[index]
    }

    /// Whether `bytes` is nothing but the records, each with a line feed behind it, so that all can be written at once.
    public var isLines: Bool {
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
        for index in records.indices where isKept(index, bytes.span(records[index].range)) {
            records[kept] = records[index]
            if index < notes.count { notes[kept] = notes[index] }
            recordBytes += records[index].range.count
            kept += 1
        }
        // A note that is missing may have made way for one that is there.
        if notes.count < records.count { notes.removeAll() } else { notes.removeSubrange(kept...) }
        records.removeSubrange(kept...)
    }

    /// The same memory with only some of the records.
    public func slice(_ range: Range<Int>) -> RecordBatch {
        var part = self
        part.records = Array(records[range])
        part.notes = notes.count < records.count ? [] : Array(notes[range])
        part.recordBytes = part.records.reduce(0) { $0 + $1.range.count }
        return part
    }

    public mutating func removeAll() {
        bytes.removeAll()
        records.removeAll(keepingCapacity: true)
        notes.removeAll(keepingCapacity: true)
        recordBytes = 0
    }
}

/// Where a record lies in its batch.
public struct Record: Sendable, Equatable {
    @usableFromInline let start: UInt32
    @usableFromInline let length: UInt32

    init(_ range: Range<Int>) {
        start = UInt32(range.lowerBound)
        length = UInt32(range.count)
    }

    @inlinable public var range: Range<Int> { Int(start)..<Int(start) + Int(length) }
}
