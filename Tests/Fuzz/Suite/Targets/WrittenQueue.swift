@testable import ConnlogSystem

@testable import ConnlogQueue

/// Segments as the queue writes them, by choices, and what may have happened to them since.
struct WrittenQueue {
    struct Written {
        let event: QueueRun.Event
        let segment: Int
        let bytes: Range<Int>
        var isWhole = false
    }

    let files = MemoryFiles()
    private(set) var events: [Written] = []
    private let coding = RecordCoding(QueueID(bytes: Array(repeating: 7, count: 16)))
    private var segments: [(path: String, bytes: ByteBuffer)] = []
    private var committed: UInt64 = 0

    /// What was changed in each segment.
    private var touched: [Int: [Range<Int>]] = [:]
    /// Segments of which more than that is wrong.
    private var mangled: Set<Int> = []
    private var isOffsetsFileTouched = false

    init(_ choices: inout Choices) {
        startSegment()
        for _ in 0..<choices.byte() % 48 { add(choices.byte()) }
        // The last batch is whole.
        append(.mark, [], endsBatch: false)
        for segment in segments { files[segment.path] = segment.bytes.array }
        if choices.byte() < 128 { writeOffsets(choices.byte()) }
    }

    private var end: UInt64 { events.last.map { $0.event.offset + 1 } ?? 0 }

    private mutating func startSegment() {
        let first = end
        var bytes = ByteBuffer()
        let checkpoint = CheckpointCoding.payload("source", [1, 2, 3])
        let proven = SegmentHeader.size + RecordCoding.recordBytes(payload: checkpoint.count)
        SegmentHeader(
            queueID: coding.queueID, first: first, created: 1, provenBytes: proven, isRecycled: false
        ).append(to: &bytes)
        segments.append(("\(QueueRun.directory)/\(SegmentName.of(first))", bytes))
        append(.checkpoint, checkpoint, endsBatch: true)
    }

    private mutating func add(_ choice: Int) {
        switch choice {
        case 0..<170:
            let payload = Array("event \(end) ".utf8) + Array(repeating: UInt8(choice), count: choice * 3 % 97)
            let start = segments[segments.count - 1].bytes.count
            let event = QueueRun.Event(offset: end, payload: payload)
            append(.event, payload, endsBatch: choice % 3 == 0)
            events.append(
                Written(event: event, segment: segments.count - 1, bytes: start..<start + 16 + payload.count))
        case 170..<200: append(.checkpoint, CheckpointCoding.payload("source", [UInt8(choice)]), endsBatch: true)
        case 200..<225: append(.mark, [], endsBatch: false)
        // A segment that begins where the last one does would replace it.
        default: if events.last?.segment == segments.count - 1 { startSegment() }
        }
    }

    private mutating func append(_ kind: RecordKind, _ payload: [UInt8], endsBatch: Bool) {
        coding.append(
            kind, payload.span, offset: end, endsBatch: endsBatch, to: &segments[segments.count - 1].bytes)
    }

    private mutating func writeOffsets(_ choice: Int) {
        committed = min(UInt64(choice % 16), end)
        var slot = OffsetsSlot(
            queueID: coding.queueID, generation: 1, sinks: [SinkEntry(name: QueueRun.sink, committed: committed)]
        ).encoded()
        slot.appendZeros(512 - slot.count)
        files["\(QueueRun.directory)/\(OffsetsFile.name)"] = slot.array
    }

    // MARK: - Damage

    mutating func damage(_ choices: inout Choices) {
        for _ in 0..<8 where !choices.isEmpty {
            let segment = choices.byte() % segments.count
            let path = segments[segment].path
            guard var bytes = files[path], !bytes.isEmpty else { continue }
            let place = choices.word() % bytes.count
            switch choices.byte() % 8 {
            case 0, 1:
                bytes[place] ^= 1 << UInt8(choices.byte() % 8)
                touched[segment, default: []].append(place..<place + 1)
            case 2:
                let range = place..<min(bytes.count, place + 1 + choices.byte())
                bytes.replaceSubrange(range, with: Array(repeating: 0, count: range.count))
                touched[segment, default: []].append(range)
            case 3:
                bytes.removeSubrange(place...)
                mangled.insert(segment)
            case 4:
                files[path] = nil
                mangled.insert(segment)
                continue
            case 5:
                let other = segments[choices.byte() % segments.count]
                bytes = files[other.path] ?? []
                mangled.insert(segment)
            case 6:
                bytes += Array(repeating: UInt8(place & 0xff), count: choices.byte())
                mangled.insert(segment)
            default:
                damageOffsets(at: place)
                continue
            }
            files[path] = bytes
        }
    }

    private mutating func damageOffsets(at place: Int) {
        let path = "\(QueueRun.directory)/\(OffsetsFile.name)"
        guard var bytes = files[path] else { return }
        bytes[place % bytes.count] ^= 0x40
        files[path] = bytes
        isOffsetsFileTouched = true
    }

    // MARK: - What must be there

    private var isLastTouched: Bool {
        let last = segments.count - 1
        return mangled.contains(last) || touched[last] != nil
    }

    /// Events that no damage came near. Those of a damaged last segment may be taken for a torn write.
    func certain() -> [UInt64] {
        if isLastTouched || isOffsetsFileTouched { return [] }
        return events.filter { written in
            guard written.event.offset >= committed, !mangled.contains(written.segment) else { return false }
            return !(touched[written.segment] ?? []).contains { $0.overlaps(written.bytes) }
        }.map(\.event.offset)
    }

    /// How many there were to read.
    var expected: Int { events.count { $0.event.offset >= committed } }

    /// Whole files that are gone, and ends that are cut off, are not always told from what never was.
    var mayLoseSilently: Bool { !mangled.isEmpty || isLastTouched || isOffsetsFileTouched }
}
