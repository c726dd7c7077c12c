internal import ConnlogSystem

/// What a reader knows of its queue.
struct ReaderSource: Sendable {
    let sink: String
    let directory: String
    let fileSystem: any FileSystem
    let coding: RecordCoding
    let shared: SharedState
    let sinks: SinkTable
    let quarantine: Quarantine

    /// The log at one moment.
    struct View {
        /// The first offset that the sink may read.
        let oldest: UInt64
        let end: UInt64
        let segment: Segment?
        let nextFirst: UInt64?
        let readableBytes: Int

        /// How far the file may be read; `nil` for all of it.
        func limit(of segment: Segment) -> Int? { nextFirst == nil ? readableBytes : nil }
    }

    var committed: UInt64? { sinks.committed(sink) }

    func view(of position: UInt64) -> View {
        let committed = committed ?? 0
        return shared.withLock { state in
            let oldest = max(state.segments.oldest ?? state.end, committed)
            let found = state.segments.segment(holding: max(position, oldest))
            return View(
                oldest: min(oldest, max(state.end, committed)), end: state.end, segment: found?.segment,
                nextFirst: found?.nextFirst, readableBytes: state.readableBytes)
        }
    }

    func open(_ segment: Segment) throws(SystemError) -> any OpenFile {
        try fileSystem.open("\(directory)/\(segment.name)", .read)
    }

    func isThere(_ id: UInt64) -> Bool { shared.withLock { $0.segments.contains(id) } }

    /// Counts a damaged place once, however many readers meet it.
    func report(_ file: any OpenFile, _ first: UInt64, _ range: Range<Int>, events: UInt64) {
        let name = SegmentName.of(first)
        let damage = Damage(
            kind: .records, file: name, position: range.lowerBound, bytes: range.count, events: events)
        let isNew = shared.withLock { state in
            let isNew = state.count(damage)
            if isNew { state.note(.damage(damage)) }
            return isNew
        }
        guard isNew else { return }
        quarantine.keep(file, range, of: name)
        shared.withLock { $0.quarantineBytes = quarantine.bytes }
    }
}

extension SharedState.State {
    /// - Returns: `false` if the place is known.
    mutating func count(_ damage: Damage) -> Bool {
        let key = "\(damage.file):\(damage.position)"
        guard !knownDamage.contains(key) else { return false }
        // Beyond this many places one may be counted again, which is better than memory without bound.
        if knownDamage.count < 10_000 { knownDamage.insert(key) }
        status.damagedPlaces += 1
        status.damagedEvents += damage.events
        status.recentDamage.append(damage)
        if status.recentDamage.count > 16 { status.recentDamage.removeFirst() }
        return true
    }
}
