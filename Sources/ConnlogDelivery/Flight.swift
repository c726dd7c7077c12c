import ConnlogCore
import ConnlogSystem

/// A piece of the queue between being read and being committed.
struct Flight {
    enum State: Equatable {
        /// Its first part may be sent.
        case ready
        case sending
        /// Taken by the receiver; the proof is to be asked for.
        case accepted(Receipt)
        case proving
        case done

        var isUnproven: Bool {
            switch self {
            case .accepted, .proving: true
            default: false
            }
        }
    }

    let id: UInt64
    /// The offset after its last event: what can be committed once it and all before it are done.
    let end: UInt64
    /// What is still to be sent, in order; only the first is under way.
    var parts: [Part]
    var state: State
    /// Pauses of the delivery before the first part was last sent: see `Breaker`.
    var begunAfter: UInt64 = 0
    /// How often in a row the first part asked for a commit and took no event.
    var emptyPrefixes = 0

    init(id: UInt64, part: Part, end: UInt64) {
        self.id = id
        self.end = end
        parts = part.batch.isEmpty ? [] : [part]
        state = part.batch.isEmpty ? .done : .ready
    }

    /// The first part is done; `state` follows. Returns its batch, whose memory can be used again.
    @discardableResult
    mutating func finishPart() -> EventBatch {
        let part = parts.removeFirst()
        emptyPrefixes = 0
        state = parts.isEmpty ? .done : .ready
        return part.batch
    }

    /// Gives the memory of its parts up; their offsets tell where to read them again. Returns it.
    mutating func release() -> [EventBatch] { parts.indices.compactMap { parts[$0].release() } }

    /// The first `count` events of the first part are done.
    mutating func drop(_ count: Int) {
        guard count < parts[0].count else {
            finishPart()
            return
        }
        if count > 0 { emptyPrefixes = 0 }
        parts[0] = parts[0].slice(count..<parts[0].count)
        state = .ready
    }

    /// The offset of the first event that is still to be delivered.
    var firstPending: UInt64? { parts.first.flatMap { $0.count > 0 ? $0.offsets[0] : nil } }

    /// Sends the first part as two, the second of which begins with event `middle`.
    mutating func split(at middle: Int) {
        let part = parts[0]
        parts.replaceSubrange(0...0, with: [part.slice(0..<middle), part.slice(middle..<part.count)])
        state = .ready
    }
}

/// Events that are sent together, and where they stand in the queue.
struct Part {
    var batch: EventBatch
    var offsets: EventOffsets
    /// How many events there are, while their memory is given up.
    private var releasedCount: Int?

    init(batch: EventBatch, offsets: EventOffsets) {
        self.batch = batch
        self.offsets = offsets
    }

    var count: Int { releasedCount ?? batch.count }
    var isReleased: Bool { releasedCount != nil }

    /// From the first event's offset to the one after the last.
    var range: Range<UInt64> { offsets[0]..<offsets[count - 1] + 1 }

    func slice(_ range: Range<Int>) -> Part {
        guard isReleased else { return Part(batch: batch.slice(range), offsets: offsets.slice(range)) }
        var part = Part(batch: EventBatch(), offsets: offsets.slice(range))
        part.releasedCount = range.count
        return part
    }

    /// Forgets the events, but not where they are. Returns their memory, if they had any.
    mutating func release() -> EventBatch? {
        guard !isReleased else { return nil }
        releasedCount = batch.count
        defer { batch = EventBatch() }
        return batch
    }
}

extension EventOffsets {
    func slice(_ range: Range<Int>) -> EventOffsets {
        switch self {
        case .contiguous(let first): .contiguous(first + UInt64(range.lowerBound))
        case .listed(let offsets): .listed(Array(offsets[range]))
        }
    }

    /// Only the events at these indexes.
    func keeping(_ indexes: [Int]) -> EventOffsets {
        .listed(indexes.map { self[$0] })
    }

    /// With `count` more events from offset `start` on, after the `present` ones; damage may have left a gap before them.
    func appending(from start: UInt64, count: Int, after present: Int) -> EventOffsets {
        if case .contiguous(let first) = self, first + UInt64(present) == start { return self }
        return .listed((0..<present).map { self[$0] } + (0..<count).map { start + UInt64($0) })
    }
}
