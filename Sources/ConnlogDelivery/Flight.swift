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
    }

    let id: UInt64
    /// The offset after its last event: what can be committed once it and all before it are done.
    let end: UInt64
    /// What is still to be sent, in order; only the first is under way.
    var parts: [Part]
    var state: State

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
        state = parts.isEmpty ? .done : .ready
        return part.batch
    }

    /// The first `count` events of the first part are done.
    mutating func drop(_ count: Int) {
        guard count < parts[0].batch.count else {
            finishPart()
            return
        }
        parts[0] = parts[0].slice(count..<parts[0].batch.count)
        state = .ready
    }

    /// Sends the first part as two.
    mutating func halve() {
        let part = parts[0]
        let middle = part.batch.count / 2
        parts.replaceSubrange(0...0, with: [part.slice(0..<middle), part.slice(middle..<part.batch.count)])
        state = .ready
    }
}

/// Events that are sent together, and where they stand in the queue.
struct Part {
    var batch: EventBatch
    var offsets: Offsets

    func slice(_ range: Range<Int>) -> Part {
        Part(batch: batch.slice(range), offsets: offsets.slice(range))
    }
}

/// The offset of each event of a part.
enum Offsets: Equatable {
    /// One after another from this one on.
    case contiguous(UInt64)
    /// With gaps: a filter, or damage, took some out.
    case listed([UInt64])

    subscript(index: Int) -> UInt64 {
        switch self {
        case .contiguous(let first): first + UInt64(index)
        case .listed(let offsets): offsets[index]
        }
    }

    func slice(_ range: Range<Int>) -> Offsets {
        switch self {
        case .contiguous(let first): .contiguous(first + UInt64(range.lowerBound))
        case .listed(let offsets): .listed(Array(offsets[range]))
        }
    }

    /// Only the events at these indexes.
    func keeping(_ indexes: [Int]) -> Offsets {
        .listed(indexes.map { self[$0] })
    }
}
