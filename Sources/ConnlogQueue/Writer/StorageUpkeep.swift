internal import ConnlogSystem

/// Keeps the bytes on disk within bounds: deletes or recycles segments that every sink is past, and drops where a sink's
/// `onFull` says so. Part of `LogWriter`, on its thread.
struct StorageUpkeep {
    static let sparesMax = 2

    struct Spare {
        let path: String
        let bytes: Int
    }

    let directory: String
    let fileSystem: any FileSystem
    let shared: SharedState
    let sinks: SinkTable
    let options: QueueOptions
    private var spares: [Spare] = []
    /// A spare that is on its way to become a segment.
    private var handBytes = 0
    /// Files that could not be removed yet.
    private var leftovers: [Spare] = []
    private var lastNumber = 0

    init(
        directory: String, fileSystem: any FileSystem, shared: SharedState, sinks: SinkTable, options: QueueOptions
    ) {
        self.directory = directory
        self.fileSystem = fileSystem
        self.shared = shared
        self.sinks = sinks
        self.options = options
    }

    /// A quota is freed segment by segment, so at least four of them make one.
    var segmentBytes: Int {
        let quotas = sinks.sinks.compactMap(\.quota) + [options.queueBytesMax]
        return min(options.segmentBytes, (quotas.min() ?? options.queueBytesMax) / 4)
    }

    // MARK: - Deleting

    /// Makes commits durable. An error is kept for the sink, whose next commit tries again.
    func syncCommits() {
        guard sinks.isDirty else { return }
        try? sinks.sync()
    }

    /// Deletes what every sink is past, syncing the commits first if that helps.
    /// - Returns: whether something went.
    mutating func releaseCommitted() -> Bool {
        let isWorthIt = shared.withLock { state in
            guard let floor = sinks.committedFloor, state.segments.all.count > 1 else { return false }
            return state.segments.all[1].first <= floor
        }
        guard isWorthIt else { return false }
        syncCommits()
        return trim()
    }

    /// Deletes or recycles the segments that every sink is past, by the offsets that are on disk.
    mutating func trim() -> Bool {
        removeLeftovers()
        guard let floor = sinks.syncedFloor else { return false }
        let gone = shared.withLock { $0.segments.removeBefore(floor) }
        guard !gone.isEmpty else { return false }
        for segment in gone { recycleOrRemove(segment) }
        // A name that comes back after a crash is below every sink's offset and goes when the queue is opened.
        try? fileSystem.syncDirectory(directory)
        reckon()
        return true
    }

    private mutating func recycleOrRemove(_ segment: Segment) {
        let path = "\(directory)/\(segment.name)"
        let fits = segment.bytes <= 2 * segmentBytes && 2 * segment.bytes >= segmentBytes
        if segment.isClean && fits && spares.count < StorageUpkeep.sparesMax {
            let spare = Spare(path: temporaryPath(), bytes: segment.bytes)
            if (try? fileSystem.rename(path, to: spare.path)) != nil { return spares.append(spare) }
        }
        remove(Spare(path: path, bytes: segment.bytes))
    }

    private mutating func remove(_ file: Spare) {
        do {
            try fileSystem.remove(file.path)
        } catch  where error.code == Errno.notFound {
            return
        } catch { leftovers.append(file) }
    }

    private mutating func removeLeftovers() {
        let files = leftovers
        leftovers = []
        for file in files { remove(file) }
    }

    private func reckon() {
        let bytes = (spares + leftovers).reduce(handBytes) { $0 + $1.bytes }
        shared.withLock { $0.spareBytes = bytes }
    }

    // MARK: - Files to be segments

    mutating func temporaryPath() -> String {
        lastNumber += 1
        return "\(directory)/spare-\(lastNumber).tmp"
    }

    /// A file that was a segment before, if there is one or can be.
    mutating func takeSpare() -> Spare? {
        if spares.isEmpty { _ = releaseCommitted() }
        guard let spare = spares.popLast() else { return nil }
        handBytes = spare.bytes
        reckon()
        return spare
    }

    mutating func giveBack(_ spare: Spare?) {
        handBytes = 0
        if let spare { spares.append(spare) }
        reckon()
    }

    /// The file that was taken has become a segment.
    mutating func forgetHand() {
        handBytes = 0
        reckon()
    }

    /// Removes a file that did not become a segment.
    mutating func discard(_ path: String, bytes: Int) {
        handBytes = 0
        remove(Spare(path: path, bytes: bytes))
        reckon()
    }

    // MARK: - Bounds

    /// Makes sure that `growth` more bytes fit into the queue's bound.
    mutating func makeRoom(_ growth: Int) throws(StoreFailure) {
        if fits(growth) { return }
        _ = releaseCommitted()
        if fits(growth) { return }
        removeSpares()
        while !fits(growth) {
            guard let holders = oldestHolders() else { throw .full(sink: nil) }
            if let blocking = holders.sinks.first(where: { $0.onFull == .block || !$0.isRegistered }) {
                throw .full(sink: blocking.entry.name)
            }
            for sink in holders.sinks { try drop(sink, to: holders.nextFirst) }
            syncCommits()
            guard trim() else { throw .full(sink: holders.sinks.first?.entry.name) }
            removeSpares()
        }
    }

    private func fits(_ growth: Int) -> Bool {
        growth == 0 || bytesOnDisk + growth <= options.queueBytesMax
    }

    private var bytesOnDisk: Int { shared.withLock { $0.bytesOnDisk } + sinks.bytesOnDisk }

    private mutating func removeSpares() {
        let files = spares
        spares = []
        for file in files { remove(file) }
        reckon()
    }

    /// The sinks that keep the oldest segment, and where the next one begins.
    private func oldestHolders() -> (sinks: [SinkTable.Sink], nextFirst: UInt64)? {
        let second = shared.withLock { $0.segments.all.dropFirst().first?.first }
        guard let second else { return nil }
        return (sinks.sinks.filter { $0.entry.committed < second }, second)
    }

    private func drop(_ sink: SinkTable.Sink, to offset: UInt64) throws(StoreFailure) {
        do { _ = try sinks.drop(sink.entry.name, to: offset) } catch { throw .system(error) }
    }

    /// Makes sure that `growth` more bytes leave no sink further behind than its quota.
    func makeRoomForSinks(_ growth: Int) throws(StoreFailure) {
        for sink in sinks.sinks {
            guard let quota = sink.quota, sink.isRegistered else { continue }
            switch overrun(sink, quota, growth) {
            case .none: continue
            case .some where sink.onFull == .block: throw .full(sink: sink.entry.name)
            case .some(let offset): try drop(sink, to: offset)
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
