package import ConnlogSystem

/// Goes over every record of a snapshot, in order, and over damage: each record's checksum is checked on the way.
package struct QueueWalk: Sendable {
    /// What comes next.
    package enum Step: Sendable, Equatable {
        /// `appendRecord` gives its bytes.
        case event(offset: UInt64)
        case checkpoint
        case mark
        /// Cannot be read; the walk goes on after it.
        case damage(Damage)
        /// The daemon has let go of these while they were about to be read: every sink was past them.
        case released(Range<UInt64>)
    }

    /// The segment under way.
    private struct Place: Sendable {
        let segment: QueueSnapshot.Segment
        let file: any OpenFile
        let isLast: Bool
        var walker: SegmentWalker
    }

    private let snapshot: QueueSnapshot
    private let range: Range<UInt64>
    private var rest: ArraySlice<QueueSnapshot.Segment>
    private var place: Place?
    private var payloadRange = 0..<0
    private var pending: [Step] = []
    /// Bytes of segment files that are done with, for a progress bar.
    package private(set) var bytesDone = 0

    /// - Parameter range: events outside it are passed over, and damage among them is not told.
    package init(_ snapshot: QueueSnapshot, offsets range: Range<UInt64> = 0..<UInt64.max) {
        self.snapshot = snapshot
        self.range = range
        rest = snapshot.segments.filter { $0.end > range.lowerBound && $0.first < range.upperBound }[...]
    }

    /// Bytes of the segment files that the walk goes over.
    package var bytesInAll: Int { bytesDone + rest.reduce(place?.segment.bytes ?? 0) { $0 + $1.bytes } }
    /// Bytes gone over so far.
    package var bytesSoFar: Int { bytesDone + (place?.walker.position ?? 0) }

    /// Copies the event or checkpoint that `next` has just returned to the end of `batch`.
    package func appendRecord(to batch: inout RecordBatch) {
        guard let place else { return }
        batch.append(place.walker.window.span(payloadRange))
    }

    /// The next thing in the queue; `nil` at the end.
    /// - Throws: `system` when a segment that is there cannot be opened.
    package mutating func next() throws(QueueError) -> Step? {
        do throws(SystemError) {
            while true {
                if !pending.isEmpty { return pending.removeFirst() }
                if place == nil {
                    guard let segment = rest.popFirst() else { return nil }
                    try open(segment)
                    continue
                }
                if let step = try walk(), isWanted(step) { return step }
            }
        } catch {
            throw .system(error)
        }
    }

    private func isWanted(_ step: Step) -> Bool {
        guard case .event(let offset) = step else { return true }
        return range.contains(offset)
    }

    private mutating func open(_ segment: QueueSnapshot.Segment) throws(SystemError) {
        let isLast = segment.first == snapshot.segments.last { $0.state != .foreign }?.first
        guard segment.state != .foreign else {
            bytesDone += segment.bytes
            if segment.end > segment.first { pending.append(lost(segment, 0, segment.bytes, segment.first)) }
            return
        }
        do throws(SystemError) {
            let file = try snapshot.fileSystem.open("\(snapshot.directory)/\(segment.name)", .read)
            let limit = isLast ? snapshot.lastBytes : try file.size()
            let walker = SegmentWalker(
                file, snapshot.coding, expected: segment.first, limit: limit, last: segment.end)
            place = Place(segment: segment, file: file, isLast: isLast, walker: walker)
        } catch {
            guard error.code == Errno.notFound else { throw error }
            bytesDone += segment.bytes
            pending.append(.released(segment.first..<segment.end))
        }
    }

    /// One step in the open segment; `nil` when there is none to tell.
    private mutating func walk() throws(SystemError) -> Step? {
        guard var current = place else { return nil }
        // Only one copy may be there while the window is filled.
        place = nil
        let from = current.walker.position
        let before = current.walker.expected
        let step = try current.walker.next()
        let isAtEnd = !current.isLast && before >= current.segment.end
        place = current
        switch step {
        case .record(let kind, let offset, let payload, _):
            // After its end an old segment may hold what was moved to the next one.
            if isAtEnd, kind == .event { return close() }
            payloadRange = payload
            return kind == .event ? .event(offset: offset) : kind == .checkpoint ? .checkpoint : .mark
        case .gap(_, let to):
            if isAtEnd { return close() }
            return try tell(current, from, to, before, current.walker.expected)
        case .end:
            if isAtEnd || current.isLast { return close() }
            let step = try tell(current, from, current.segment.bytes, before, current.segment.end)
            close()
            return step
        }
    }

    @discardableResult
    private mutating func close() -> Step? {
        bytesDone += place?.segment.bytes ?? 0
        place = nil
        payloadRange = 0..<0
        return nil
    }

    /// A place without valid records: damage, or the file has become another one.
    private mutating func tell(
        _ current: Place, _ from: Int, _ to: Int, _ before: UInt64, _ after: UInt64
    ) throws(SystemError) -> Step? {
        guard try isThere(current) else {
            close()
            return .released(before..<current.segment.end)
        }
        // What is damaged in the last segment, and not just being written, is in the snapshot.
        if current.isLast || after <= range.lowerBound { return nil }
        return lost(current.segment, from, to, before, after)
    }

    private func lost(
        _ segment: QueueSnapshot.Segment, _ from: Int, _ to: Int, _ before: UInt64, _ after: UInt64? = nil
    ) -> Step {
        .damage(
            Damage(
                kind: .records, file: segment.name, position: from, bytes: max(0, to - from),
                events: (after ?? segment.end) - before))
    }

    private func isThere(_ current: Place) throws(SystemError) -> Bool {
        do throws(SystemError) {
            let now = try snapshot.fileSystem.open("\(snapshot.directory)/\(current.segment.name)", .read)
            return try now.identity() == current.file.identity()
        } catch {
            if error.code == Errno.notFound { return false }
            throw error
        }
    }
}
