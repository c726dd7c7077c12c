public import ConnlogSystem

/// One write-ahead log for all sources and all sinks.
///
/// Promises
/// - What `flush` has confirmed is on disk (durability `sync`), and every sink can read it, until it commits past it.
/// - Events keep the order of the calls of `enqueue`. A batch and its checkpoints are on disk together or not at all.
/// - A sink sees each event once while the process lives. After a crash it goes on from its last commit.
/// - Damage costs the damaged records; what was damaged is counted, named, and kept in `quarantine/`.
/// - A full disk, a full quota and a disk that refuses to write are states: sources wait, sinks go on.
///
/// Directory
///
///     lock                        flock, so that two processes cannot use one queue
///     00000000000000000000.seg    segments, named by their first offset: see `SegmentHeader`
///     offsets                     what each sink has committed: see `OffsetsSlot`
///     spare-1.tmp                 a file on its way to become a segment; worth nothing after a crash
///     quarantine/                 copies of damaged bytes, named by segment and position, and files that are not ours
///
/// What is on disk when
/// - A segment gets its name after its header, the checkpoints of all keys and its first group were synced; then the
///   directory is synced; then its events are acknowledged. So a name stands for a whole segment.
/// - A group goes to the end of the last segment with one write and one sync. It begins with a mark: what is before it
///   was synced. Groups that arrive during a sync share the next one.
/// - Opening never writes to an old segment's records. What a crash left unproven at the end of the last one (at most
///   one group) is copied into a new segment, synced there, and then counts.
/// - A segment is deleted or recycled only by offsets that are synced. Offsets are never given twice: after a loss the
///   log goes on behind the greatest committed offset.
///
/// Faults it is made for: a crash of the process or the machine at any instruction; unsynced sectors (512 bytes) and
/// names that are lost or kept in any combination; ENOSPC, EDQUOT, EIO or a short write at any call; an fsync that fails
/// once and then lies; bits that flip, sectors that cannot be read, files that are cut, emptied, swapped, missing or
/// foreign. Not for a disk that says it has synced and has not.
public final class Queue: Sendable {
    private let directory: String
    private let fileSystem: any FileSystem
    private let options: QueueOptions
    private let coding: RecordCoding
    private let shared: SharedState
    private let sinks: SinkTable
    private let quarantine: Quarantine

    /// Opens or creates a queue. Damage never prevents it; what was found is in `report`.
    /// - Throws: `locked`, `newerFormat`, or `system` when the directory cannot be made or read.
    public static func open(
        _ directory: String, _ options: QueueOptions = QueueOptions(),
        fileSystem: any FileSystem = LocalFileSystem(), clock: any WallTime = SystemWallTime()
    ) throws(QueueError) -> Queue {
        try open(directory, options, fileSystem: fileSystem, clock: clock, timer: SystemQueueTimer())
    }

    /// - Parameter startsThread: without its thread a queue is opened and read, and writes no more than opening does.
    package static func open(
        _ directory: String, _ options: QueueOptions, fileSystem: any FileSystem, clock: any WallTime,
        timer: any QueueTimer, startsThread: Bool = true
    ) throws(QueueError) -> Queue {
        let lock = try takeLock(directory, fileSystem)
        var options = options
        options.queueBytesMax = max(options.queueBytesMax, QueueOptions.queueBytesLeast)
        let found = try Recovery(directory, fileSystem, options)
        return Queue(directory, fileSystem, options, found, clock, timer, lock, startsThread)
    }

    private static func takeLock(
        _ directory: String, _ fileSystem: any FileSystem
    ) throws(QueueError) -> any FileLock {
        let path = "\(directory)/lock"
        do throws(SystemError) {
            try fileSystem.createDirectory(directory)
            return try fileSystem.lock(path)
        } catch {
            throw error.code == Errno.again ? .locked(file: path) : .system(error)
        }
    }

    private init(
        _ directory: String, _ fileSystem: any FileSystem, _ options: QueueOptions, _ found: Recovery,
        _ clock: any WallTime, _ timer: any QueueTimer, _ lock: any FileLock, _ startsThread: Bool
    ) {
        self.directory = directory
        self.fileSystem = fileSystem
        self.options = options
        coding = RecordCoding(found.queueID)
        quarantine = found.quarantine
        shared = SharedState(found.state, timer)
        var offsets = OffsetsFile(directory, fileSystem, found.queueID, contents: found.offsets.contents)
        // What cannot be written now is written with the next commit.
        try? offsets.adopt(found.sinks)
        sinks = SinkTable(found.sinks, offsets)
        let holder = LockHolder(lock)
        let writer = LogWriter(
            directory: directory, fileSystem: fileSystem, coding: coding, options: options, shared: shared,
            sinks: sinks, clock: clock, plannedRolls: found.plannedRolls, onEnd: holder.release)
        writer.begin()
        if startsThread { Thread.start("queue") { writer.run() } }
    }

    deinit { shared.withLock(waking: true) { $0.isClosing = true } }

    /// What opening found.
    public var report: QueueReport { shared.withLock { $0.report } }

    /// The newest durable value of each key.
    public var checkpoints: [String: [UInt8]] { shared.withLock { $0.checkpoints.values } }

    /// The offset after the last durable event.
    public var end: UInt64 { shared.withLock { $0.end } }

    // MARK: - Sources

    /// Hands a batch and the checkpoints that follow it over.
    ///
    /// Returns when it is handed over, not when it is on disk; waits only while more than `bufferBytes` wait for the
    /// disk. Batch and checkpoints become durable together or not at all, in the order of the calls.
    /// - Throws: `closed`, `cancelled`, `batchTooLarge`, `valueTooLong`; in all cases nothing was stored.
    public func enqueue(
        _ batch: consuming RecordBatch, checkpoints: [(key: String, value: [UInt8]?)] = []
    ) async throws(QueueError) {
        let changes = checkpoints.map { CheckpointChange(key: $0.key, value: $0.value) }
        try check(batch, changes)
        while true {
            let outcome = take(batch, changes)
            switch outcome {
            case .taken: return recycle(batch)
            case .closed: throw .closed
            case .wait: await waitForRoom()
            }
            if Task.isCancelled { throw .cancelled }
        }
    }

    private enum Taking { case taken, closed, wait }

    private func take(_ batch: RecordBatch, _ changes: [CheckpointChange]) -> Taking {
        guard batch.count > 0 || !changes.isEmpty else { return .taken }
        return shared.withLock(waking: true) { state in
            if state.isClosing { return .closed }
            if state.pendingBytes > options.bufferBytes { return .wait }
            state.filling.append(batch, changes, coding)
            state.enqueued += 1
            return .taken
        }
    }

    private func waitForRoom() async {
        let bytesMax = options.bufferBytes
        await shared.suspend { state, number, waiter in
            guard !state.isClosing, state.pendingBytes > bytesMax else { return false }
            state.roomWaiters[number] = waiter
            return true
        } forget: { state, number in
            state.roomWaiters.removeValue(forKey: number)
        }
    }

    private func check(_ batch: borrowing RecordBatch, _ changes: [CheckpointChange]) throws(QueueError) {
        for change in changes {
            try limit("a checkpoint's key", change.key.utf8.count, CheckpointCoding.keyBytesMax)
            try limit("a checkpoint's value", change.value?.count ?? 0, CheckpointCoding.valueBytesMax)
        }
        let bytes = Group.bytes(batch, changes)
        let most = min(options.queueBytesMax / 4, RecordCoding.payloadBytesMax)
        if bytes > most { throw .batchTooLarge(bytes: bytes, bytesMax: most) }
    }

    private func limit(_ what: String, _ bytes: Int, _ bytesMax: Int) throws(QueueError) {
        if bytes > bytesMax { throw .valueTooLong(what: what, bytes: bytes, bytesMax: bytesMax) }
    }

    /// Keeps the memory of a batch that is done with, for `makeBatch`.
    public func recycle(_ batch: consuming RecordBatch) {
        var batch = batch
        batch.removeAll()
        let empty = batch
        shared.withLock { state in
            if state.freeBatches.count < 4 { state.freeBatches.append(empty) }
        }
    }

    /// An empty batch whose memory was used before, if there is one.
    public func makeBatch() -> RecordBatch {
        shared.withLock { $0.freeBatches.popLast() } ?? RecordBatch()
    }

    /// Returns when everything handed over before is durable.
    /// - Throws: `closed` if the queue was closed before, `cancelled`; it may be durable all the same.
    public func flush() async throws(QueueError) {
        let ticket = shared.withLock { $0.enqueued }
        await shared.suspend { state, number, waiter in
            guard !state.isClosed, state.durable < ticket else { return false }
            state.flushWaiters[number] = (ticket, waiter)
            return true
        } forget: { state, number in
            state.flushWaiters.removeValue(forKey: number)?.waiter
        }
        let (durable, isClosed) = shared.withLock { ($0.durable, $0.isClosed) }
        if durable < ticket { throw isClosed ? .closed : .cancelled }
    }

    // MARK: - Sinks

    /// Makes a sink known: from now on the queue keeps what it has not committed.
    ///
    /// A sink that the queue does not know begins at the oldest event there is.
    /// - Parameter quota: bytes that may wait for it; `nil`: only the queue's own bound holds.
    /// - Throws: `system` when a new sink cannot be stored; it is known all the same.
    public func registerSink(_ name: String, quota: Int?, onFull: OnFull) throws(QueueError) -> SinkPosition {
        try limit("the sink's name", name.utf8.count, SinkEntry.nameBytesMax)
        let oldest = shared.withLock { $0.segments.oldest ?? $0.end }
        do throws(SystemError) {
            let position = try sinks.register(name, quota: quota, onFull: onFull, oldest: oldest)
            if position.isNew { noteCommit() }
            return position
        } catch { throw .system(error) }
    }

    /// A reader from the sink's committed offset.
    public func reader(for sink: String) -> QueueReader {
        let source = ReaderSource(
            sink: sink, directory: directory, fileSystem: fileSystem, coding: coding, shared: shared, sinks: sinks,
            quarantine: quarantine)
        return QueueReader(source, position: source.committed ?? 0)
    }

    /// The sink is done with everything before `offset`. An older offset than the last one is ignored.
    ///
    /// Survives a crash of the process at once, one of the machine after `commitSyncInterval` or `syncCommits`.
    /// - Parameter state: at most 1 KiB, given back by `registerSink`.
    public func commit(_ sink: String, offset: UInt64, state: [UInt8] = []) throws(QueueError) {
        try limit("the state of sink \(sink)", state.count, SinkEntry.stateBytesMax)
        precondition(offset <= max(end, sinks.committed(sink) ?? 0), "a sink commits only what it has read")
        let isNews: Bool?
        do throws(SystemError) {
            isNews = try sinks.commit(sink, offset: offset, state: state)
        } catch { throw .system(error) }
        guard let isNews else { throw .unknownSink(sink) }
        if isNews { noteCommit() }
    }

    /// Makes all commits durable.
    public func syncCommits() throws(QueueError) {
        do throws(SystemError) { try sinks.sync() } catch { throw .system(error) }
    }

    /// The sink is at work no more. Its offset and its events are kept, as those of a sink that has not registered since
    /// the queue was opened: its quota holds up nobody, and it loses nothing by `dropOldest`.
    public func retireSink(_ name: String) {
        sinks.retire(name)
        shared.withLock(waking: true) { _ in }
    }

    /// Lets go of a sink's offset and of the segments that only it needed.
    public func forgetSink(_ name: String) throws(QueueError) {
        let isKnown: Bool
        do throws(SystemError) { isKnown = try sinks.forget(name) } catch { throw .system(error) }
        guard isKnown else { throw .unknownSink(name) }
        noteCommit()
    }

    /// Tells the writer, which syncs in time, or at once if the queue is full.
    private func noteCommit() {
        let due = shared.timer.now() + options.commitSyncInterval
        shared.withLock(waking: true) { state in
            state.commits += 1
            if state.commitDue == nil { state.commitDue = due }
        }
    }

    /// Returns when `end` is greater than `offset`, when the queue is closed, or when the task is cancelled.
    public func waitForEvents(after offset: UInt64) async {
        await shared.suspend { state, number, waiter in
            guard !state.isClosed, state.end <= offset else { return false }
            state.eventWaiters[number] = (offset, waiter)
            return true
        } forget: { state, number in
            state.eventWaiters.removeValue(forKey: number)?.waiter
        }
    }

    // MARK: - Status and end

    /// How the queue is now.
    public var status: QueueStatus {
        let known = sinks.sinks
        let offsetsBytes = sinks.bytesOnDisk
        return shared.withLock { state in
            var status = state.status
            let oldest = state.segments.oldest ?? state.end
            status.bytesOnDisk = state.bytesOnDisk + offsetsBytes
            status.events = state.end - min(oldest, state.end)
            status.segments = state.segments.all.count
            status.sinks = known.map { sink in
                let from = max(sink.entry.committed, oldest)
                return QueueStatus.SinkStatus(
                    name: sink.entry.name, registered: sink.isRegistered, committed: sink.entry.committed,
                    lag: state.end - min(from, state.end), dropped: sink.entry.dropped)
            }
            return status
        }
    }

    /// Writes what was handed over, if the disk takes it, and ends. Whoever waits gets `closed`.
    public func close() async {
        await withCheckedContinuation { waiter in
            let isClosed = shared.withLock(waking: true) { state in
                state.isClosing = true
                if !state.isClosed { state.closeWaiters[UInt64(state.closeWaiters.count)] = waiter }
                return state.isClosed
            }
            if isClosed { waiter.resume() }
        }
    }

    /// Ends without another word to the disk, as a crash does. For tests.
    package func abandon() {
        shared.withLock(waking: true) { state in
            state.isAbandoned = true
            state.isClosing = true
        }
    }
}
