internal import ConnlogSystem

/// The bounds: of the queue, of each sink, and of what the machine keeps free.
extension StorageUpkeep {
    // MARK: - The queue's bound

    /// Makes sure that `growth` more bytes fit into the queue's bound and leave the machine what it keeps free.
    mutating func makeRoom(_ growth: Int, keepsFree: Bool = true) throws(StoreFailure) {
        guard growth > 0 else { return }
        try makeRoomInBound(growth)
        guard keepsFree, isLow(growth) else { return }
        _ = releaseCommitted()
        _ = removeSpares()
        if isLow(growth) { throw .low(freeBytesMin: freeBytesMin) }
    }

    private mutating func makeRoomInBound(_ growth: Int) throws(StoreFailure) {
        if fits(growth) { return }
        _ = releaseCommitted()
        if fits(growth) { return }
        _ = removeSpares()
        while !fits(growth) {
            guard let holders = oldestHolders() else { throw .full(sink: nil) }
            if let blocking = holders.sinks.first(where: { $0.onFull == .block || !$0.isRegistered }) {
                throw .full(sink: blocking.entry.name)
            }
            for sink in holders.sinks { try drop(sink, to: holders.nextFirst, .queueFull) }
            syncCommits()
            guard trim() else { throw .full(sink: holders.sinks.first?.entry.name) }
            _ = removeSpares()
        }
    }

    private func fits(_ growth: Int) -> Bool { bytesReckoned + growth <= options.queueBytesMax }

    /// What is on disk, what may come without asking (quarantine, offsets), and the last mark.
    private var bytesReckoned: Int {
        let (own, quarantine) = shared.withLock { ($0.segments.bytes + $0.spareBytes, $0.quarantineBytes) }
        return own + max(quarantine, options.quarantineBytesMax) + sinks.bytesReserved + RecordCoding.headerBytes
    }

    private var freeBytesMin: Int { options.freeBytesMin ?? 0 }

    private func isLow(_ growth: Int) -> Bool {
        guard freeBytesMin > 0, let space = try? fileSystem.space(of: directory) else { return false }
        return space.available - growth < freeBytesMin
    }

    /// The sinks that keep the oldest segment, and where the next one begins.
    private func oldestHolders() -> (sinks: [SinkTable.Sink], nextFirst: UInt64)? {
        let second = shared.withLock { $0.segments.all.dropFirst().first?.first }
        guard let second else { return nil }
        return (sinks.sinks.filter { $0.entry.committed < second }, second)
    }

    private func drop(_ sink: SinkTable.Sink, to offset: UInt64, _ reason: DropReason) throws(StoreFailure) {
        let name = sink.entry.name
        do {
            let begins = try sinks.drop(name, to: offset, reason)
            if begins { shared.withLock { $0.note(.dropping(sink: name, reason)) } }
        } catch { throw .system(error) }
    }

    /// Says which sinks have caught up to half of what they may lag, and so lose no more events.
    func endDrops() {
        for sink in sinks.sinks {
            guard let dropping = sink.dropping else { continue }
            let bound = dropping.reason == .sinkFull ? sink.quota ?? .max : options.queueBytesMax
            guard lagBytes(of: sink) <= bound / 2, let ended = sinks.endDropping(sink.entry.name) else { continue }
            shared.withLock {
                $0.note(.dropped(sink: sink.entry.name, events: ended.events, ended.reason))
            }
        }
    }

    private func lagBytes(of sink: SinkTable.Sink) -> Int {
        shared.withLock { state in
            let committed = sink.entry.committed
            return committed < state.end ? state.segments.recordBytes(from: committed) : 0
        }
    }

    // MARK: - The sinks' quotas

    /// Makes sure that `growth` more bytes leave no sink further behind than its quota.
    func makeRoomForSinks(_ growth: Int) throws(StoreFailure) {
        for sink in sinks.sinks {
            guard let quota = sink.quota, sink.isRegistered else { continue }
            switch overrun(sink, quota, growth) {
            case .none: continue
            case .some where sink.onFull == .block: throw .sinkFull(sink: sink.entry.name)
            case .some(let offset): try drop(sink, to: offset, .sinkFull)
            }
        }
    }

    /// Where a sink must be for `growth` more bytes to fit into its quota; `nil` if it is there.
    private func overrun(_ sink: SinkTable.Sink, _ quota: Int, _ growth: Int) -> UInt64? {
        shared.withLock { state in
            let committed = sink.entry.committed
            // Who has everything may get a group of any size.
            guard committed < state.end, state.segments.recordBytes(from: committed) + growth > quota else {
                return nil
            }
            let fitting = state.segments.all.first { segment in
                segment.first > committed && state.segments.recordBytes(from: segment.first) + growth <= quota
            }
            // Where even the last segment is too much, the sink goes to its beginning if it is not in it already.
            let target = fitting?.first ?? state.segments.all.last?.first ?? state.end
            return sink.onFull == .block || target > committed ? target : nil
        }
    }
}
