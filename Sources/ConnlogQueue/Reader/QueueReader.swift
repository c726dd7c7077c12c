package import ConnlogSystem

/// Reads the events of one sink in order. Used by one delivery at a time.
///
/// Records are read from the page cache straight into the batch, checked there, and not copied again.
package struct QueueReader: Sendable {
    static let chunkBytesMax = 1 << 20
    static let chunkBytesMin = 16 << 10

    /// The offset of the next event to read.
    package private(set) var position: UInt64

    private let source: ReaderSource
    private var place: Place?
    private var refusals = RefusalCount()
    private var rounds = Rounds()
    private var skipped: UInt64 = 0
    /// Bytes of a record on disk, about, and what it counts; for small reads.
    private var averageBytes = 512
    private var averageSize = 512

    /// How often the disk may refuse to give what is at one place until that counts as damaged. Each time the caller is
    /// told, and comes back when it likes: a disk that is away for a minute costs nothing.
    package static let refusalsMax = 8

    /// Counts the refusals at one place.
    private struct RefusalCount {
        private var position: UInt64?
        private var refusals = 0

        mutating func isOver(at position: UInt64) -> Bool {
            if self.position != position { (self.position, refusals) = (position, 0) }
            refusals += 1
            return refusals > QueueReader.refusalsMax
        }
    }

    /// Sees to it that reading goes on or says why not: a round that came to nothing is tried again once, since the file may
    /// have become another one meanwhile, and no more often.
    private struct Rounds {
        private var position: UInt64 = 0
        private var segment: UInt64?
        private var filePosition = 0
        private var inVain = 0

        /// After a round: whether it was the second one that brought the reader nowhere.
        mutating func areInVain(_ position: UInt64, _ place: Place?) -> Bool {
            let hasMoved =
                position != self.position
                || place.map { $0.segment != segment || $0.filePosition > filePosition } ?? false
            self.position = position
            if let place { (segment, filePosition) = (place.segment, place.filePosition) }
            inVain = hasMoved ? 0 : inVain + 1
            return inVain >= 2
        }
    }

    /// Where `position` is.
    private struct Place: Sendable {
        let segment: UInt64
        let first: UInt64
        let file: any OpenFile
        var filePosition: Int
        /// Places passed before, so that going back does not begin at the segment's first record.
        var marks: [(offset: UInt64, filePosition: Int)] = []
    }

    init(_ source: ReaderSource, position: UInt64) {
        self.source = source
        self.position = position
    }

    /// Appends durable events to `batch` and returns how many; 0 when there are none now.
    ///
    /// Their offsets are contiguous: the first is `position - count` afterwards. At least one event comes if there is
    /// one, even if it is larger than `maxBytes`. Damaged and dropped events are passed over and counted in
    /// `takeSkipped`.
    /// - Throws: what the disk says when it cannot give the next event, `refusalsMax` times; then that is damaged.
    ///   `noProgress` where reading would go round and round; the next call begins anew.
    /// - Parameter size: what a record counts towards `maxBytes`.
    package mutating func read(
        into batch: inout RecordBatch, maxEvents: Int, maxBytes: Int,
        size: (Span<UInt8>) -> Int = { record in record.count }
    ) throws(QueueError) -> Int {
        var taking = Taking(eventsMax: max(1, maxEvents), bytesMax: maxBytes)
        var isInVain = false
        do throws(SystemError) {
            while !isInVain, !taking.isFull, try readSome(into: &batch, &taking, size) {
                isInVain = rounds.areInVain(position, place)
            }
        } catch {
            // What was read before is good; the error comes again with the next call.
            if taking.events == 0 { throw .system(error) }
        }
        if isInVain { try giveUp(taking) }
        return taking.events
    }

    /// Forgets where it was, so that the next call looks for the place anew.
    private mutating func giveUp(_ taking: Taking) throws(QueueError) {
        let file = place.map { SegmentName.of($0.first) } ?? source.directory
        let filePosition = place?.filePosition ?? 0
        place = nil
        pendingSeek = nil
        rounds = Rounds()
        // What was read before is good; if the place stays as it is, the next call says so.
        if taking.events == 0 { throw .noProgress(file: file, position: filePosition, offset: position) }
    }

    /// Goes on from `offset`, or from the sink's committed offset if that is greater.
    package mutating func seek(to offset: UInt64) {
        position = max(offset, source.committed ?? 0)
        let reached = position
        guard let first = place?.first, first <= position else {
            place = nil
            return
        }
        place?.marks.removeAll { $0.offset > reached }
        // The next read finds the record after the last mark.
        guard let mark = place?.marks.last else {
            place = nil
            return
        }
        place?.filePosition = mark.filePosition
        pendingSeek = mark.offset
    }

    /// Events passed over since the last call, because they were damaged or dropped.
    package mutating func takeSkipped() -> UInt64 {
        defer { skipped = 0 }
        return skipped
    }

    /// The offset at `place`, when that is before `position`.
    private var pendingSeek: UInt64?

    private struct Taking {
        let eventsMax: Int
        let bytesMax: Int
        var events = 0
        var bytes = 0
        /// The next event would be too much.
        var isDone = false
        var isFull: Bool { isDone || events >= eventsMax || events > 0 && bytes >= bytesMax }
    }

    // MARK: - One step

    /// - Returns: whether going on makes sense.
    private mutating func readSome(
        into batch: inout RecordBatch, _ taking: inout Taking, _ size: (Span<UInt8>) -> Int
    ) throws(SystemError) -> Bool {
        let view = source.view(of: position)
        if view.oldest > position {
            guard taking.events == 0 else { return false }
            skip(to: view.oldest)
            return true
        }
        guard let segment = view.segment, position < view.end else { return false }
        guard try find(segment, view) else { return true }
        let last = min(view.end, view.nextFirst ?? view.end)
        return try readChunk(into: &batch, &taking, until: last, limit: view.limit(of: segment), size)
    }

    private mutating func skip(to offset: UInt64) {
        skipped += offset - position
        position = offset
        place = nil
        pendingSeek = nil
    }

    /// Makes `place` point to the record of `position`, or to where it should be.
    /// - Returns: `false` if the segment went away meanwhile.
    private mutating func find(_ segment: Segment, _ view: ReaderSource.View) throws(SystemError) -> Bool {
        if place?.segment != segment.id {
            do {
                let file = try source.open(segment)
                place = Place(
                    segment: segment.id, first: segment.first, file: file, filePosition: SegmentHeader.size)
                pendingSeek = segment.first
            } catch {
                if error.code == Errno.notFound, !source.isThere(segment.id) { return false }
                throw error
            }
        }
        guard let from = pendingSeek, let place else { return true }
        pendingSeek = nil
        guard from < position else { return true }
        let limit = try end(of: place.file, view.limit(of: segment))
        var walker = SegmentWalker(
            place.file, source.coding, expected: from, position: place.filePosition, limit: limit, last: position)
        while walker.expected < position {
            let before = walker.position
            let step = try walker.next()
            if case .record = step { continue }
            if let refusal = walker.refusal, !refusals.isOver(at: position) {
                pendingSeek = from
                throw refusal
            }
            guard case .end = step else { continue }
            // Nothing valid up to the end: reading meets that damage again and reports it.
            self.place?.filePosition = before
            return true
        }
        self.place?.filePosition = walker.position
        return true
    }

    private mutating func readChunk(
        into batch: inout RecordBatch, _ taking: inout Taking, until end: UInt64, limit: Int?,
        _ size: (Span<UInt8>) -> Int
    ) throws(SystemError) -> Bool {
        guard var place else { return false }
        let start = batch.bytes.count
        var wanted = chunkBytes(taking)
        while true {
            batch.bytes.truncate(to: start)
            let count = min(wanted, (limit ?? .max) - place.filePosition)
            let got = count > 0 ? try fill(&batch.bytes, from: place, count: count) : 0
            let outcome = parse(&batch, from: start, until: end, &taking, size)
            place.filePosition += outcome.consumed
            if outcome.consumed > 0 { note(&place) }
            batch.bytes.truncate(to: start + outcome.consumed)
            self.place = place
            switch outcome.stop {
            case .incomplete(let needed) where outcome.consumed == 0:
                // The record is larger than the chunk, unless the file has no more: then its end is missing.
                if needed > wanted, got == count, place.filePosition + needed <= (try self.end(of: place.file, limit)) {
                    wanted = needed
                    continue
                }
                return try passDamage(until: end, limit: limit, taking)
            case .invalid where outcome.consumed == 0: return try passDamage(until: end, limit: limit, taking)
            default: return true
            }
        }
    }

    private func fill(_ bytes: inout ByteBuffer, from place: Place, count: Int) throws(SystemError) -> Int {
        var got = 0
        while got < count {
            let more = try place.file.readTolerantly(into: &bytes, at: place.filePosition + got, count: count - got)
            if more == 0 { break }
            got += more
        }
        return got
    }

    private func end(of file: any OpenFile, _ limit: Int?) throws(SystemError) -> Int {
        if let limit { return limit }
        return try file.size()
    }

    private func chunkBytes(_ taking: Taking) -> Int {
        let events = (taking.eventsMax - taking.events).multipliedReportingOverflow(by: averageBytes * 5 / 4)
        // A record may count for more than it takes here.
        let share = max(1, averageSize / averageBytes)
        let wanted = min(events.overflow ? .max : events.partialValue, max(0, taking.bytesMax - taking.bytes) / share)
        return max(QueueReader.chunkBytesMin, min(QueueReader.chunkBytesMax, wanted))
    }

    /// Remembers the present place, about every chunk.
    private func note(_ place: inout Place) {
        let last = place.marks.last?.filePosition ?? 0
        guard place.filePosition - last >= QueueReader.chunkBytesMax / 2 else { return }
        place.marks.append((position, place.filePosition))
    }

    private enum Stop {
        case done
        case incomplete(bytesNeeded: Int)
        case invalid
    }

    /// Declares the valid records from `start` on, as many as may be taken.
    private mutating func parse(
        _ batch: inout RecordBatch, from start: Int, until end: UInt64, _ taking: inout Taking,
        _ size: (Span<UInt8>) -> Int
    ) -> (consumed: Int, stop: Stop) {
        var at = start
        let bytesBefore = taking.bytes
        var expected = position
        let before = taking.events
        var stop = Stop.done
        parsing: while expected < end, !taking.isFull {
            switch source.coding.parse(batch.bytes.span, at: at, offsets: expected...expected) {
            case .record(let kind, let payload, _, _):
                let next = at + RecordCoding.recordBytes(payload: payload.count)
                if kind == .event {
                    let bytes = size(batch.bytes.span(payload))
                    if taking.events > 0, taking.bytes + bytes > taking.bytesMax {
                        taking.isDone = true
                        break parsing
                    }
                    batch.addRecord(payload)
                    taking.events += 1
                    taking.bytes += bytes
                    expected += 1
                }
                at = next
            case .incomplete(let needed):
                stop = .incomplete(bytesNeeded: needed)
                break parsing
            case .invalid:
                stop = .invalid
                break parsing
            }
        }
        position = expected
        let count = taking.events - before
        if count > 0 {
            averageBytes = max(64, (at - start) / count)
            averageSize = max(1, (taking.bytes - bytesBefore) / count)
        }
        // Padding of the last record may not have been read.
        let consumed = at - start
        if at > batch.bytes.count { batch.bytes.appendZeros(at - batch.bytes.count) }
        return (consumed, stop)
    }

    // MARK: - Damage

    /// Gets past a place where no valid record begins.
    private mutating func passDamage(until end: UInt64, limit: Int?, _ taking: Taking) throws(SystemError) -> Bool {
        // What was read before comes first: offsets of one read are contiguous.
        guard taking.events == 0, let current = place else { return false }
        // The file of a segment that was let go of may have become another one in the middle of reading.
        guard source.isThere(current.segment) else {
            place = nil
            return true
        }
        let limit = try self.end(of: current.file, limit)
        var walker = SegmentWalker(
            current.file, source.coding, expected: position, position: current.filePosition, limit: limit, last: end)
        let step = try walker.next()
        guard source.isThere(current.segment) else {
            place = nil
            return true
        }
        if case .record = step {
            // It was readable this time.
            return true
        }
        if let refusal = walker.refusal, !refusals.isOver(at: position) { throw refusal }
        let from = current.filePosition
        var reached = end
        var resume = max(from, limit)
        if case .gap(_, let to) = step {
            resume = to
            reached = walker.expected
        }
        source.report(current.file, current.first, from..<resume, events: reached - position)
        skipped += reached - position
        position = reached
        place?.filePosition = resume
        return true
    }
}
