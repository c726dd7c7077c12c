package import ConnlogCore
package import ConnlogSystem

/// Follows the files that patterns lead to, one step at a time.
///
/// Promises: every byte of every file is read once, in order, over restarts, growth, renames, copies, cuts and reused
/// inodes, as long as it lies in a file that can still be found: under a name the patterns lead to, or beside it under
/// the name of a rotation. Not promised: bytes that were removed before they were read (`copytruncate` removes what
/// comes between its copy and its cut; connlog looks for the copy and reads its end).
///
/// `poll` neither waits nor reads a clock, so that a test drives it call by call. Files are told apart as
/// `FilePosition` describes. The work of a call is bounded: about `batchBytes` are read.
package struct FileFollower: Sendable {
    /// What one call of `poll` brought.
    package struct Round: Sendable {
        /// To be stored with the batch.
        package var checkpoints: [Checkpoint] = []
        /// There is more to be read at once.
        package var hasMore = false
        /// How long nothing needs to be looked at, if nothing changes.
        package var wait: Duration = .zero
        /// With `once`: all is read.
        package var isDone = false
    }

    let settings: FileSettings
    let makeDecoder: @Sendable () -> any EntryDecoder
    let log: LogFunction
    var complaints: Complaints

    var files: [UInt64: FollowedFile] = [:]
    /// Of `files`; told whenever an inode or a beginning may have changed.
    var index = FileIndex()
    /// The keys of `files`, ascending.
    var order: [UInt64] = []
    var lastID: UInt64 = 0
    /// Checkpoints of files that need not be remembered any more.
    var forgotten: [UInt64] = []
    var counts = SourceCounts()
    var scratch = ByteBuffer()

    /// No checkpoint is known: connlog has never looked here.
    let isFirstStart: Bool
    var hasScanned = false
    var nextScan: Duration = .zero
    var scannedAt: Duration = .zero
    /// A file is not where it was, or a new name came up.
    var scanIsDue = true
    /// What was found by the last scan.
    var found: [String: FileIdentity] = [:] { didSet { foundIdentities = Set(found.values) } }
    private(set) var foundIdentities: Set<FileIdentity> = []
    var knownNames: KnownNames
    /// Sinks whose files the patterns lead to; that was told.
    var leftOut: Set<String> = []
    /// Directories and linked files for the watcher, as of the last scan.
    var watchedPaths: [String] = []
    /// The file that was read last when a batch was full.
    private var lastReader: UInt64 = 0
    /// The path a file had before it was renamed or removed.
    var formerPaths: [UInt64: String] = [:] { didSet { leftPaths = nil } }
    /// The same the other way round, when somebody has asked.
    var leftPaths: [String: [UInt64]]?
    /// The names in directories that were looked through in this round, sorted.
    var listings: [String: [String]] = [:]
    /// Files that may be kept open now: fewer than `settings.openMax` while descriptors are short.
    var openMax: Int
    /// Files opened since it was last seen to that they do not become too many.
    var opened = 0
    var hasSaidShort = false
    /// When `poll` was called last.
    var lastPoll: Duration = .zero
    var hasSaidStarted = false
    private var nextFullRound: Duration = .zero

    /// So often the books are looked over although no file has grown: for what is forgotten after hours.
    private static let fullRoundEvery = Duration.seconds(8)

    /// The checkpoint that says that the source has run before.
    package static let startedKey: CheckpointKey = "file"

    package init(
        _ settings: FileSettings, _ checkpoints: [CheckpointKey: [UInt8]], wallTime: any WallTime = SystemWallTime(),
        log: @escaping LogFunction, makeDecoder: @escaping @Sendable () -> any EntryDecoder
    ) {
        self.settings = settings
        self.log = log
        self.makeDecoder = makeDecoder
        complaints = Complaints(log)
        knownNames = KnownNames(clock: wallTime)
        isFirstStart = checkpoints.isEmpty
        openMax = settings.openMax
        for (key, value) in checkpoints { restore(key, value) }
        order = files.keys.sorted()
        lastID = order.last ?? 0
    }

    /// Looks at what is due, reads what there is, and says what to store.
    /// - Parameters:
    ///   - now: since any fixed moment; must not run backwards.
    ///   - changes: what a watcher noticed since the last call.
    ///   - batch: gets the events.
    package mutating func poll(
        now: Duration, changes: FileChanges = FileChanges(), into batch: inout EventBatch
    ) -> Round {
        lastPoll = now
        listings.removeAll()
        notice(changes)
        var hasScannedNow = scanIfDue(now)
        for id in order { look(id, now) }
        // What has left its place makes room there at once.
        hasScannedNow = scanIfDue(now) || hasScannedNow
        if !hasScannedNow, now < nextFullRound, let idle = idleUntil(), idle > now {
            return Round(wait: idle - now)
        }
        nextFullRound = now + FileFollower.fullRoundEvery
        readRound(now, &batch)
        for id in order { flushIfSilent(id, now, &batch) }
        // With `once` what has an end is known only when all are read: one may go on with what another has left open.
        if !settings.once || !order.contains(where: { isReadable($0) }) {
            for id in order { finishIfQuiet(id, now, &batch) }
        }
        closeSome()
        return closeRound(now)
    }

    /// Makes the next call of `poll` look at everything.
    mutating func lookAgain() {
        scanIsDue = true
        scannedAt = .zero
        for id in order { files[id]?.nextLook = .zero }
    }

    /// Directories and linked files to be watched, since the last scan.
    mutating func takeUnwatched() -> [String] {
        let paths = watchedPaths
        watchedPaths = []
        return paths
    }

    /// What was counted since the last call.
    package mutating func takeCounts() -> SourceCounts {
        var taken = counts
        counts = SourceCounts()
        taken.files = files.values.count { $0.state != .missing }
        return taken
    }

    /// Positions that moved without an event since they were stored; to be stored when reading stops.
    package mutating func finalCheckpoints(_ now: Duration) -> [Checkpoint] {
        for id in order where files[id]?.saved != files[id]?.restart { files[id]?.mustSave = true }
        return takeCheckpoints(now)
    }

    static func key(_ id: UInt64) -> CheckpointKey { "\(startedKey)/\(id)" }

    private mutating func restore(_ key: CheckpointKey, _ value: [UInt8]) {
        let prefix = FileFollower.startedKey + "/"
        guard key.hasPrefix(prefix), let id = UInt64(key.dropFirst(prefix.count)) else { return }
        guard let position = FilePosition(checkpoint: value) else {
            return log(
                .error, "checkpoint \(key) is damaged or of a newer version; its file is read from the beginning")
        }
        var file = FollowedFile(id: id, path: position.path, position: position, state: .missing)
        file.saved = position
        file.isRestored = true
        files[id] = file
        index.note(id, position)
    }
}

// MARK: - Looking

extension FileFollower {
    private mutating func notice(_ changes: FileChanges) {
        if changes.isOverflow { scanIsDue = true }
        guard !changes.paths.isEmpty else { return }
        for id in order where changes.paths.contains(files[id]?.path ?? "") {
            files[id]?.nextLook = .zero
            files[id]?.pause = FollowedFile.pauseMin
        }
        let isNew = changes.paths.contains { path in
            found[path] == nil && settings.patterns.contains { $0.matches(path) }
        }
        if isNew { scanIsDue = true }
    }

    /// A scan that a file asked for happens at once, but names that come and go cannot make it run all the time.
    /// - Returns: whether it has scanned.
    private mutating func scanIfDue(_ now: Duration) -> Bool {
        guard
            !hasScanned || now >= nextScan
                || (scanIsDue && (scannedAt == .zero || now >= scannedAt + scanPause))
        else { return false }
        nextScan = now + settings.scanEvery
        if hasScanned, !scanIsDue, knownNames.areSame(settings.patterns, now) { return false }
        scanIsDue = false
        scannedAt = now
        scan(now)
        hasScanned = true
        return true
    }

    /// When a scan is due if nothing changes.
    var scanTime: Duration { scanIsDue ? min(nextScan, scannedAt + scanPause) : nextScan }

    /// The more files there are the longer a scan takes, and the rarer it is, so that it never takes all the time.
    private var scanPause: Duration { FollowedFile.pauseMin + .microseconds(20 * found.count) }

    /// Until when there is nothing to do if nothing changes; `nil` if there is something.
    ///
    /// A thousand silent files are looked at each second, and that is all that happens to them: measured, the round that
    /// reads, finishes and stores took three times as long as the looking.
    private func idleUntil() -> Duration? {
        guard !settings.once, forgotten.isEmpty, !isFirstStart || hasSaidStarted else {
            return nil
        }
        var next = scanTime
        for id in order {
            guard let file = files[id], file.state != .missing else { continue }
            guard file.state == .following, !file.hasMore, file.isSaved else { return nil }
            // Its last line may have to be taken soon.
            if !file.isFinal, formerPaths[id] != nil { return nil }
            next = min(next, file.nextLook)
            if file.mayFlush { next = min(next, file.grewAt + settings.silence) }
        }
        return next
    }

    /// Asks the disk whether a file has grown or gone, if it is time to.
    private mutating func look(_ id: UInt64, _ now: Duration) {
        // In place: there may be thousands of files, and each is looked at each second.
        switch files[id]?.look(now) {
        case .movedAway: scanIsDue = true
        case .unreadable: scanIsDue = scanIsDue || files[id]?.state == .following
        case .asItWas, nil: break
        }
    }
}

// MARK: - Reading

extension FileFollower {
    /// Gives each file that has more its turn until the batch is full, going on where the last round stopped.
    private mutating func readRound(_ now: Duration, _ batch: inout EventBatch) {
        let readers = order.filter { isReadable($0) }
        guard !readers.isEmpty else { return }
        let share = max(settings.batchBytes / readers.count, min(settings.batchBytes, 64 << 10))
        let first = readers.firstIndex { $0 > lastReader } ?? 0
        for turn in 0..<readers.count {
            let id = readers[(first + turn) % readers.count]
            read(id, share, now, &batch)
            if batch.bytes.count >= settings.batchBytes {
                lastReader = id
                return
            }
        }
    }

    func isReadable(_ id: UInt64) -> Bool {
        guard let file = files[id], file.hasMore, file.state != .missing, file.bequest == nil else { return false }
        return file.waitsFor.allSatisfy { files[$0]?.hasMore != true || files[$0]?.state == .missing }
    }

    private mutating func read(_ id: UInt64, _ count: Int, _ now: Duration, _ batch: inout EventBatch) {
        adoptCopy(id, now)
        takeUp(id)
        guard inherit(id) else { return }
        readOnce(id, count, now, &batch)
        settleInheritance(of: id)
    }

    private mutating func readOnce(_ id: UInt64, _ count: Int, _ now: Duration, _ batch: inout EventBatch) {
        guard var file = files.removeValue(forKey: id) else { return }
        defer {
            if files[id] == nil { files[id] = file }
            if let position = files[id]?.position { index.note(id, position) }
        }
        do throws(SystemError) {
            guard let open = try open(&file) else {
                file.hasMore = false
                scanIsDue = true
                return
            }
            let before = file.position.offset + file.pending
            let outcome = try file.read(
                open, count, into: &batch, &scratch, .growing, makeDecoder, &counts)
            // One that has left may have the name of another that cannot be read.
            if file.state == .following { complaints.clear(file.path) } else { file.isUnreadable = false }
            if outcome == .rewritten {
                files[id] = file
                return rewritten(id, now)
            }
            file.hasMore = outcome == .more
            if file.position.offset + file.pending > before {
                file.grewAt = now
                file.isFinal = false
                file.pause = FollowedFile.pauseMin
            }
            if !file.hasMore { file.backOff(now) }
            if opened > openMax / 8 { closeSome() }
        } catch {
            file.hasMore = false
            file.seen = nil
            // One that was opened once may never be readable again while the file is, as after a server of files came back.
            if file.state == .following { file.file = nil }
            file.pause = FollowedFile.pauseMax
            file.backOff(now)
            if file.state == .leaving, let left = openLeft(&file, after: error) { file.file = left }
            if file.isUnreadable { return }
            complaints.set(file.path, "\(error); \(FileFollower.isTriedAgain)")
        }
    }

    /// The open file, or nil when the path leads to another one by now.
    mutating func open(_ file: inout FollowedFile) throws(SystemError) -> LocalFile? {
        if let open = file.file { return open }
        let open = try openFile(file.path)
        let status = try FileStatus(of: open)
        guard status.isRegular, status.identity == file.position.identity else { return nil }
        file.file = open
        return open
    }

    /// Goes on in a copy where the file ends that it is a copy of.
    private mutating func takeUp(_ id: UInt64) {
        guard let (former, common) = files[id]?.continues, let home = files[id]?.position else { return }
        files[id]?.continues = nil
        files[id]?.mustSave = true
        // A line, or an entry of several, that is not whole there is read here once more, where it may be.
        guard let file = files[former], file.state != .following, file.seenBytes == common else { return }
        var position = home
        position.offset = file.restart.offset
        position.markerHash = file.restart.markerHash
        files[id]?.position = position
        files[id]?.restart = position
        files[former]?.superseded = common
    }

    /// Takes the unterminated last line of a file to which nothing more will come.
    private mutating func finishIfQuiet(_ id: UInt64, _ now: Duration, _ batch: inout EventBatch) {
        guard let file = files[id], !file.hasMore, !file.isUnreadable, file.bequest == nil else { return }
        if settings.once { return finishOnce(id, &batch) }
        guard now >= file.grewAt + settings.grace || file.isHurried else { return }
        let hasLeft = file.state == .leaving || (file.state == .following && formerPaths[id] != nil)
        if file.superseded == file.seenBytes { files[id]?.isFinal = true }
        if hasLeft, files[id]?.isFinal == false { takeRest(id, &batch) }
        if file.state == .leaving { close(id, now) }
    }

    /// With `once` the last line counts if it is an event; if not, a later run may find it complete.
    private mutating func finishOnce(_ id: UInt64, _ batch: inout EventBatch) {
        guard let file = files[id], file.state != .missing, !file.isFinal else { return }
        let before = batch.count
        takeRest(id, &batch)
        guard batch.count == before else { return }
        files[id]?.position = file.position
        files[id]?.restart = file.restart
        files[id]?.pending = file.pending
        files[id]?.decoder = nil
        settleInheritance(of: id)
    }

    private mutating func takeRest(_ id: UInt64, _ batch: inout EventBatch) {
        files[id]?.isFinal = true
        guard var file = files.removeValue(forKey: id) else { return }
        defer {
            files[id] = file
            settleInheritance(of: id)
        }
        guard let open = file.file, file.pending != 0 || file.restart != file.position else { return }
        do throws(SystemError) {
            _ = try file.read(
                open, settings.batchBytes, into: &batch, &scratch, .ending, makeDecoder, &counts)
        } catch {
            log(.warning, "\(error); its last line is left out")
        }
    }

    /// A file that has left is finished. Its position is kept as long as it has a name somewhere.
    mutating func close(_ id: UInt64, _ now: Duration) {
        let links = files[id]?.file.flatMap { try? FileStatus(of: $0).links } ?? 0
        files[id]?.file = nil
        files[id]?.decoder = nil
        settleInheritance(of: id)
        files[id]?.state = .missing
        files[id]?.grewAt = now
        if links == 0 || files[id]?.position.offset == 0 { forget(id) }
    }
}
