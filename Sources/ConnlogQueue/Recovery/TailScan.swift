internal import ConnlogSystem

/// What the last segment holds.
///
/// It may end in a group that was being written in a crash: any of its sectors may be missing. A damage that a mark
/// follows is none of that, since a mark says that all before it was on disk: it costs the damaged records only. Where
/// none follows, the whole batches before the first damage count, and what is after them is cut off, valid or not.
struct TailScan {
    /// The offset after the last event that counts.
    private(set) var end: UInt64
    /// The bytes up to which everything counts.
    private(set) var endPosition: Int
    /// From here to `endPosition` nothing says that it is on disk.
    private(set) var unprovenPosition: Int
    private(set) var unprovenFirst: UInt64
    private(set) var checkpoints = Checkpoints()
    /// As they were at `unprovenPosition`.
    private(set) var provenCheckpoints = Checkpoints()
    /// Damaged records in the proven part.
    private(set) var damage: [Damage] = []
    private(set) var tornBytes = 0
    private(set) var hasRecords = false

    private var changes: [CheckpointChange] = []
    private var pendingGaps: [(bytes: Range<Int>, before: UInt64, after: UInt64)] = []

    init(_ file: any OpenFile, name: String, first: UInt64, header: SegmentHeader?, coding: RecordCoding)
        throws(SystemError)
    {
        end = first
        endPosition = SegmentHeader.size
        unprovenPosition = SegmentHeader.size
        unprovenFirst = first
        let size = try file.size()
        var walker = SegmentWalker(file, coding, expected: first, limit: size)
        try walk(&walker, name: name, provenBytes: header?.provenBytes ?? 0)
        // A last record that verifies is whole, though zeros after it may be cut off: whoever copies it needs them. In a
        // file that is only looked at they need not be there.
        if endPosition > size { try? file.truncate(to: endPosition) }
        if tornBytes == 0, hasRecords { tornBytes = try torn(file, size: size, isRecycled: header?.isRecycled ?? true) }
    }

    private mutating func walk(_ walker: inout SegmentWalker, name: String, provenBytes: Int) throws(SystemError) {
        while true {
            let start = walker.position
            let before = walker.expected
            switch try walker.next() {
            case .end:
                if hasRecords, start < provenBytes { lose(start..<provenBytes, name) }
                return
            case .gap(let from, let to):
                pendingGaps.append((from..<to, before, walker.expected))
            case .record(let kind, let offset, let payload, let endsBatch):
                hasRecords = true
                if kind == .mark { prove(at: start, offset, name) }
                if kind == .checkpoint, let change = CheckpointCoding.change(walker.window.span(payload)) {
                    changes.append(change)
                }
                if pendingGaps.isEmpty, endsBatch || kind == .mark {
                    endPosition = walker.position
                    end = walker.expected
                    checkpoints.apply(changes)
                    changes = []
                }
                tornBytes = walker.position - endPosition
                if walker.position <= provenBytes { prove(at: walker.position, walker.expected, name) }
            }
        }
    }

    /// The end of what was on disk once cannot be read any more.
    private mutating func lose(_ bytes: Range<Int>, _ name: String) {
        damage.append(
            Damage(kind: .records, file: name, position: bytes.lowerBound, bytes: bytes.count, events: 0))
    }

    /// Everything before `position` was on disk once.
    private mutating func prove(at position: Int, _ offset: UInt64, _ name: String) {
        for gap in pendingGaps {
            damage.append(
                Damage(
                    kind: .records, file: name, position: gap.bytes.lowerBound, bytes: gap.bytes.count,
                    events: gap.after - gap.before))
        }
        pendingGaps = []
        tornBytes = 0
        checkpoints.apply(changes)
        changes = []
        provenCheckpoints = checkpoints
        unprovenPosition = position
        unprovenFirst = offset
        endPosition = position
        end = offset
    }

    /// Bytes after the end that look like the beginning of an unfinished write.
    private func torn(_ file: any OpenFile, size: Int, isRecycled: Bool) throws(SystemError) -> Int {
        guard endPosition < size else { return 0 }
        var rest = ByteBuffer()
        let got = try file.readTolerantly(into: &rest, at: endPosition, count: min(1 << 20, size - endPosition))
        guard got > 0 else { return 0 }
        if isRecycled {
            // A recycled file is full of what was there before; only a record of the next offset is news.
            guard got >= RecordCoding.headerBytes, rest.span.uint64(at: 8) == end else { return 0 }
            return min(got, RecordCoding.recordBytes(payload: Int(rest.span.uint32(at: 4) & 0xfff_ffff)))
        }
        var used = got
        while used > 0, rest[used - 1] == 0 { used -= 1 }
        return used
    }
}
