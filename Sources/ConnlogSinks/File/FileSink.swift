public import ConnlogCore
public import ConnlogSystem

/// Writes events as lines into a file, each exactly once, and rotates, compresses and prunes its files.
///
/// # Exactly once
/// `commitPoint` syncs the file and gives the queue its inode and length (`FileCommit`). After a crash the file may
/// hold more than was committed, and the queue sends those events again. `LogFile` compares what comes with what is
/// there and writes only what is missing; nothing is cut on trust, so a line somebody else has added meanwhile stays.
///
/// A rotation is a commit boundary. When the next line does not fit, `send` takes the lines that do
/// (`deliveredPrefix`), the delivery commits, and the next `send` renames. So a file that has a rotated name holds
/// committed events only, and if a crash comes before the next commit, all of the new file is a tail (`FileSearch`).
/// The same goes for a file that somebody moved away: it is left behind when everything in it is committed.
///
/// # Names
/// `connections.jsonl` becomes `connections-20260115T093012.480Z.17.jsonl` (`RotatedName`), never replacing a file, and
/// `.gz` is added by a thread of its own (`FileKeeper`) once a commit speaks of the new file.
///
/// # What is asked of the disk
/// Everything goes through `LogFileSystem`. `delivered` means in the page cache, `commitPoint` means on disk: bytes by
/// fdatasync, names by a sync of the directory. After a failed fdatasync the bytes are written again before the next.
///
/// # Clocks
/// Only the hour of a rotation and the times in names are the wall clock's. When it jumps, no file is rotated by time
/// until it has been steady for an hour (`SteadyClock`), so that a clock that is ahead for a while neither makes small files
/// nor lets `keep` remove good ones; files still rotate by size.
///
/// # Limits
/// Somebody who truncates the file (`copytruncate`) loses what was in it; let connlog rotate, or rename and SIGHUP.
/// After a crash, lines that were written and not committed are there twice if `format` is changed before the start, or
/// if somebody moved the file away that was begun since the last commit (a second before, at most).
public actor FileSink: Sink {
    /// How large batches are, and how many are under way at once: see `Sink.limits`.
    public nonisolated let limits = BatchLimits(bytes: 512 << 10, bytesPerEvent: 1, commitInterval: .seconds(1))

    let options: FileSinkOptions
    let directory: String
    let pattern: RotatedName
    let disk: any LogFileSystem
    let clock: any WallTime
    let report: FileReport
    let keeper: FileKeeper
    let rotated: RotatedFiles

    private var format: LineFormat
    var file: LogFile?
    var stream: StreamTarget?
    private var lines = ByteBuffer()
    var rotation: UInt64 = 0
    var directoryIsDirty = false
    // By a clock that nobody sets.
    var nextLook: Nanoseconds = 0
    private var noRotationBefore = Nanoseconds.min
    private var steadiness: SteadyClock
    var wasOpened = false

    // Batches that were written, and how many of them the last commit point and the last commit cover.
    var sends = 0
    var sendsAtPoint = 0
    var sendsCommitted = 0
    /// Rotated files whose successor no commit speaks of yet, and those that the last commit point covers.
    var rotatedSince: [String] = []
    var rotatedAtPoint: [String] = []
    var state: [UInt8] = []

    static let second: Nanoseconds = 1_000_000_000
    private static let keptBufferBytes = 4 << 20

    /// Touches no file; `open` does.
    package init(
        _ options: FileSinkOptions, disk: any LogFileSystem = LocalFileSystem(),
        clock: any WallTime = SystemWallTime(), log: @escaping LogFunction
    ) {
        self.options = options
        format = options.format
        self.disk = disk
        self.clock = clock
        steadiness = SteadyClock(clock)
        directory = LocalFileSystem.parent(of: options.path)
        pattern = RotatedName(of: FilePath.name(of: options.path))
        report = FileReport(counters: FileCounters(), log: log)
        rotated = RotatedFiles(
            disk: disk, directory: directory, pattern: pattern, compresses: options.compresses, keep: options.keep,
            permissions: options.permissions, counters: report.counters, log: log)
        keeper = FileKeeper(rotated)
    }

    /// What it has done since it was made.
    package nonisolated var counts: FileCounts { report.counters.values }

    // MARK: Sink

    /// Gets ready, from where the committed state says: see `Sink.open(_:)`.
    public func open(_ committed: [UInt8]?) async throws(SinkError) {
        do throws(SystemError) {
            try openTarget(committed ?? [])
        } catch {
            throw SinkError(Reason(file: error))
        }
    }

    /// Sends a batch and tells what became of it: see `Sink.send(_:)`.
    public func send(_ batch: EventBatch) async -> SendOutcome {
        do throws(SystemError) {
            return try stream == nil ? write(batch) : writeToStream(batch)
        } catch {
            return .retry(Reason(file: error))
        }
    }

    /// What to keep with the place that is committed: see `Sink.commitPoint()`.
    public func commitPoint() async throws(SinkError) -> [UInt8] {
        do throws(SystemError) {
            try makeDurable()
        } catch {
            throw SinkError(Reason(file: error))
        }
        sendsAtPoint = sends
        rotatedAtPoint = file == nil ? [] : rotatedSince
        return state
    }

    /// The last commit point is on disk: see `Sink.committed()`.
    public func committed() async {
        sendsCommitted = sendsAtPoint
        keeper.submit(rotatedAtPoint)
        rotatedSince.removeAll(where: rotatedAtPoint.contains)
        rotatedAtPoint = []
        if nextLook == .min { lookAtOnce() }
    }

    /// Opens anew whatever an administrator may have changed: see `Sink.reopen()`.
    public func reopen() async {
        nextLook = .min
        lookAtOnce()
    }

    /// Lets go of everything that is open: see `Sink.close()`.
    public func close() async {
        keeper.close()
        file = nil
        stream = nil
    }

    /// Tries the way to the receiver without sending an event: see `Sink.connectTrial()`.
    public func connectTrial() async -> [TrialFinding] { FileTrial(options: options, disk: disk).connect() }

    /// Sends a trial event: see `Sink.sendTrial(_:)`.
    public func sendTrial(_ batch: EventBatch) async -> [TrialFinding] {
        FileTrial(options: options, disk: disk).send(batch)
    }

    // MARK: Writing

    private func write(_ batch: EventBatch) throws(SystemError) -> SendOutcome {
        guard !batch.isEmpty else { return .delivered }
        if file == nil { try openByName() }
        let now = clock.now()
        if try mustChange(now) {
            guard sends == sendsCommitted else { return .deliveredPrefix(0) }
            try change(now)
        }
        if try sawForeignChange(), sends > sendsCommitted { return .deliveredPrefix(0) }
        return try append(batch, now)
    }

    private func append(_ batch: EventBatch, _ now: Nanoseconds) throws(SystemError) -> SendOutcome {
        let isWhole = isWritable(batch)
        var count = isWhole ? batch.count : encode(batch)
        if count == 0 {
            guard sends == sendsCommitted else { return .deliveredPrefix(0) }
            try rotate(now)
            count = encode(batch)
        }
        try file?.append(isWhole ? batch.bytes : lines)
        sends += 1
        report.counters.add(\.events, count)
        if lines.capacity > FileSink.keptBufferBytes { lines = ByteBuffer() }
        return count == batch.count ? .delivered : .deliveredPrefix(count)
    }

    /// Whether the batch's bytes are the lines that belong into the file, all of them, so that nothing need be copied.
    private func isWritable(_ batch: EventBatch) -> Bool {
        guard case .json = format, batch.isLines, let file else { return false }
        return !mayRotate || file.lengthBeforeLine + batch.bytes.count <= file.limit(options.rotateBytes)
    }

    /// Puts as many lines into `lines` as the file may take; one at least if it is empty.
    private func encode(_ batch: EventBatch) -> Int {
        lines.removeAll()
        let limit = mayRotate ? file?.limit(options.rotateBytes) ?? .max : .max
        let before = file?.lengthBeforeLine ?? 0
        for index in 0..<batch.count {
            let good = lines.count
            format.append(batch, index, to: &lines)
            // A tail is longer than what is before it: its first line fits, or it is not ours.
            let isFirst = index == 0 && (before == 0 || file?.hasTail == true)
            if before + lines.count > limit, !isFirst {
                lines.truncate(to: good)
                return index
            }
        }
        return batch.count
    }

    private func writeToStream(_ batch: EventBatch) throws(SystemError) -> SendOutcome {
        _ = encode(batch)
        do throws(SystemError) {
            try stream?.append(lines, report, options.path)
        } catch {
            // Without a reader the FIFO is opened anew, which tells when there is one.
            if error.code == Errno.brokenPipe { stream = StreamTarget(try disk.openStream(options.path)) }
            throw error
        }
        report.counters.add(\.events, batch.count)
        return .delivered
    }

    private func sawForeignChange() throws(SystemError) -> Bool {
        guard let path = file?.path, let change = try file?.noticeChange() else { return false }
        if change != .none { report.foreignChange(path, change == .grown ? "was appended to" : "was cut") }
        return change != .none
    }

    private func makeDurable() throws(SystemError) {
        guard stream == nil, file != nil else { return }
        try file?.sync()
        if directoryIsDirty { try disk.syncDirectory(directory) }
        directoryIsDirty = false
        guard let file else { return }
        state =
            FileCommit(
                identity: file.identity, length: file.length, begun: file.begun, rotation: rotation,
                marker: try file.marker()
            ).encoded
    }

    // MARK: Another file

    /// Whether the next line belongs into another file than the open one.
    private func mustChange(_ now: Nanoseconds) throws(SystemError) -> Bool {
        guard let file, !file.hasTail else { return false }
        return try isElsewhere(file) || isTimeToRotate(file, now)
    }

    private var mayRotate: Bool { stream == nil && clock.uptime() >= noRotationBefore }

    private func isTimeToRotate(_ file: LogFile, _ now: Nanoseconds) -> Bool {
        let period = options.rotateEvery
        guard period > 0, file.length > 0, mayRotate else { return false }
        let wasSteady = steadiness.isSteady
        guard steadiness.look() else {
            if wasSteady { report.clockJumped(options.path) }
            return false
        }
        if now < file.begun {
            self.file?.begin(at: now)
            return false
        }
        return floorDivide(now, period) > floorDivide(file.begun, period)
    }

    /// Looks, once a second, whether the name still stands for the open file.
    private func isElsewhere(_ file: LogFile) throws(SystemError) -> Bool {
        guard clock.uptime() >= nextLook else { return false }
        if try disk.status(options.path)?.identity != file.identity { return true }
        nextLook = clock.uptime() + FileSink.second
        return false
    }

    private func change(_ now: Nanoseconds) throws(SystemError) {
        if try disk.status(options.path)?.identity == file?.identity { return try rotate(now) }
        try leaveFile()
    }

    /// The name stands for another file, or for none.
    private func leaveFile() throws(SystemError) {
        try file?.sync()
        file = nil
        nextLook = clock.uptime() + FileSink.second
        report.counters.add(\.reopens)
        report.log(.info, "\(options.path) was moved or removed by somebody else; it is opened anew")
        try openByName()
    }

    private func rotate(_ now: Nanoseconds) throws(SystemError) {
        try file?.sync()
        let name = pattern.name(at: now, number: rotation + 1)
        do throws(SystemError) {
            try disk.renameNew(options.path, to: FilePath.join(directory, name))
        } catch {
            return failedRotation(error)
        }
        rotation += 1
        file = nil
        directoryIsDirty = true
        rotatedSince.append(name)
        report.counters.add(\.rotations)
        // The old name must be gone from the disk before the new file may have it.
        try disk.syncDirectory(directory)
        try create()
    }

    private func failedRotation(_ error: SystemError) {
        noRotationBefore = clock.uptime() + 60 * FileSink.second
        if error.code == Errno.exists { rotation += 1 }
        report.counters.add(\.rotationFailures)
        report.log(.warning, "\(error): the file could not be rotated and grows on; it is tried again in a minute")
    }

    private func lookAtOnce() {
        guard sends == sendsCommitted, let file, !file.hasTail else { return }
        do throws(SystemError) {
            if try disk.status(options.path)?.identity != file.identity { try leaveFile() }
            nextLook = clock.uptime() + FileSink.second
        } catch {
            report.log(.warning, "\(error); it is opened with the next events")
        }
    }

    /// Waits until rotated files are compressed and pruned.
    func drainKeeper() { keeper.drain() }
}
