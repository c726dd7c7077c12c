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
        // Also when nothing is to be written: a file that was replaced is on disk, and deleting may go by it from now on.
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

    /// Whether removing spares may help against `failure`, and did.
    mutating func freesSpares(for failure: StoreFailure) -> Bool {
        guard case .system(let error) = failure, error.isNoSpace else { return false }
        return removeSpares()
    }

    /// - Returns: whether there were any.
    mutating func removeSpares() -> Bool {
        let files = spares
        spares = []
        for file in files { remove(file) }
        reckon()
        return !files.isEmpty
    }
}
