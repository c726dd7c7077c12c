internal import ConnlogSystem

/// Steps through the records of one segment, over damage too, with a window that slides over the file.
///
/// For opening, for finding a place, and for getting past damage; `QueueReader` has its own, faster loop.
struct SegmentWalker {
    enum Step {
        case record(RecordKind, offset: UInt64, payload: Range<Int>, endsBatch: Bool)
        /// Nothing valid between the position before and now; the next step is a valid record.
        case gap(from: Int, to: Int)
        /// Nothing valid from here to the limit.
        case end
    }

    private let file: any OpenFile
    private let coding: RecordCoding
    /// Bytes of the file that may be read.
    private let limit: Int
    /// No record has a greater offset.
    private let last: UInt64
    private(set) var window = ByteBuffer()
    private var windowStart: Int
    /// Where in the file the next record is.
    private(set) var position: Int
    /// The offset that the next event has.
    private(set) var expected: UInt64
    /// What the disk said of bytes that it could not give; they count as zeros.
    private(set) var refusal: SystemError?

    init(
        _ file: any OpenFile, _ coding: RecordCoding, expected: UInt64, position: Int = SegmentHeader.size, limit: Int,
        last: UInt64 = .max
    ) {
        self.file = file
        self.coding = coding
        self.limit = limit
        self.last = last
        self.position = position
        self.expected = expected
        windowStart = position
    }

    mutating func next() throws(SystemError) -> Step {
        if let step = try record(at: position, offsets: expected...expected) { return step }
        let from = position
        guard let found = try nextRecord(after: from) else { return .end }
        position = found.position
        expected = found.offset
        return .gap(from: from, to: found.position)
    }

    private mutating func record(at place: Int, offsets: ClosedRange<UInt64>) throws(SystemError) -> Step? {
        guard case .record(let kind, let payload, let offset, let endsBatch) = try parse(at: place, offsets: offsets)
        else { return nil }
        position = place + RecordCoding.recordBytes(payload: payload.count)
        expected = kind == .event ? offset + 1 : offset
        return .record(kind, offset: offset, payload: payload, endsBatch: endsBatch)
    }

    /// Looks for the next place where a record with a possible offset verifies.
    private mutating func nextRecord(after from: Int) throws(SystemError) -> (position: Int, offset: UInt64)? {
        var place = from + 8
        while place + RecordCoding.headerBytes <= limit {
            // An event that is gone took 16 bytes or more, so no more of them can be missing than would fit.
            let most = expected + UInt64((place - from) / RecordCoding.headerBytes)
            let greatest = max(expected, min(last, most))
            if case .record(_, _, let offset, _) = try parse(at: place, offsets: expected...greatest) {
                return (place, offset)
            }
            place += 8
        }
        return nil
    }

    private mutating func parse(at place: Int, offsets: ClosedRange<UInt64>) throws(SystemError) -> RecordCoding.Parse {
        guard place + RecordCoding.headerBytes <= limit else { return .invalid }
        try fill(from: place, bytes: RecordCoding.headerBytes)
        var parse = coding.parse(window.span, at: place - windowStart, offsets: offsets)
        if case .incomplete(let needed) = parse, place + needed <= limit {
            try fill(from: place, bytes: needed)
            parse = coding.parse(window.span, at: place - windowStart, offsets: offsets)
        }
        return parse
    }

    /// Makes the window hold `bytes` bytes from `place` on, or all there are.
    private mutating func fill(from place: Int, bytes: Int) throws(SystemError) {
        if place >= windowStart, place + bytes <= windowStart + window.count { return }
        window.removeAll()
        windowStart = place
        let wanted = min(max(bytes, 256 << 10), limit - place)
        while window.count < wanted {
            let got = try file.readTolerantly(
                into: &window, at: place + window.count, count: wanted - window.count, &refusal)
            if got == 0 { return }
        }
    }
}
