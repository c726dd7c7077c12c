package import ConnlogSystem

/// One write-ahead log for all sources and all sinks.
///
/// # Promises, and the tests that try to break them
/// - What `flush` has confirmed is on disk (durability `sync`), and every sink can read it until it commits past it.
///   Events keep the order of the calls of `enqueue`; none is invented. A batch and its checkpoints are on disk together
///   or not at all. (`CrashTests`: every workload, a crash at every call, and at every call of the recovery after it.)
/// - A sink sees each event once while the process lives. After a crash it goes on from its last commit: a killed process
///   loses no commit, a power failure those of the last second, and none that was made with `durably`. Offsets never run
///   ahead of the events, and are never given twice. (`CrashTests`, `DurabilityTests`, `ComplaintTests`)
/// - After any crash the queue takes appends again, and nothing is left on disk for ever. (`CrashRun`)
/// - A call that fails costs nothing that was acknowledged. After a failed sync the file is given up and what was in doubt
///   is written to another one. (`FaultTests`: every workload, every call)
/// - Damage costs the records it hit and prevents no start. It is counted, told with file and position, and its bytes are
///   kept in `quarantine/`. What a disk refuses to give is asked for again, at the delivery's pace, before it counts as
///   damaged. (`DamageTests`)
/// - A full disk, a full quota, a disk that is to keep some room and a disk that refuses to write are states: sources
///   wait, sinks go on, and the end of it needs nobody. No byte more than `queueBytesMax` is on disk at any time. What
///   `dropOldest` gives up is counted by reason and announced. (`QuotaTests`, `FaultTests`)
/// - With durability `interval` or `none` a killed process loses nothing either. A power failure loses the end of the log,
///   at most what came within the interval; sinks may have committed some of that and get it again when its source reads
///   it again. (`DurabilityTests`)
///
/// # Directory
///
///     lock                        flock, so that two processes cannot use one queue; the directory is locked too
///     00000000000000000000.seg    segments, named by their first offset: see `SegmentHeader`
///     offsets                     what each sink has committed: see `OffsetsSlot`
///     spare-1.tmp, offsets.tmp    files on their way to become others; worth nothing after a crash
///     quarantine/                 copies of damaged bytes, named by file and position, and files that are not ours
///     dead-letter/                the deliveries' own; the queue does not look into it
///
/// # What is on disk when
/// - A segment gets its name after its header, the checkpoints of all keys and its first group were synced; then the
///   directory is synced; then its events are acknowledged. So a name stands for a whole segment.
/// - A group goes to the end of the last segment with one write and one sync. It begins with a mark: what is before it
///   was synced. Groups that arrive during a sync share the next one.
/// - Opening reads the offsets and the last segment, and never writes to an old segment's records. What a crash left
///   unproven at the end of the last one (at most one group) is copied into a new segment, synced there, and then counts.
/// - A segment is deleted or recycled only by offsets that are synced. After a loss the log goes on after the greatest
///   committed offset.
///
/// # Faults it is made for
/// A crash of the process or the machine at any instruction. Of what was not synced, any 512-byte sector is on disk as any
/// of the writes since the last sync left it, or not at all, and any change of a name is there or not, in any order.
/// ENOSPC, EDQUOT, EIO, EINTR or a short write at any call. An fsync that fails once, has brought some sectors to the disk
/// and forgotten the others, and then lies. Bits that flip, sectors that become zeros or cannot be read, files that are
/// cut, emptied, swapped, missing or foreign. (`SimulatedFileSystem` does all of this, `SimulationTests` sees that it
/// does, and `MutatedFileSystem` that `CrashTests` fail when the code forgets a sync or an order.)
///
/// Not for a disk that says it has synced and has not, nor for two machines on one directory.
package final class Queue: Sendable {
    let directory: String
    let fileSystem: any FileSystem
    let options: QueueOptions
    let coding: RecordCoding
    let shared: SharedState
    let sinks: SinkTable
    let quarantine: Quarantine
    private let place: QueuePlace
    /// What its thread is at, for whoever watches over it.
    package var vitals: QueueVitals { shared.vitals }

    /// Opens or creates a queue. Damage never prevents it; what was found is in `report`.
    /// - Throws: `locked`, `newerFormat`, or `system` when the directory cannot be made or read.
    package static func open(
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
        let locks = try takeLocks(directory, fileSystem)
        let place = QueuePlace(directory, fileSystem)
        let options = options.resolved(try? fileSystem.space(of: directory))
        let patient = PatientFileSystem(fileSystem, timer)
        let found = try Recovery(directory, patient, options)
        return Queue(directory, fileSystem, options, found, clock, timer, locks, place, startsThread)
    }

    /// The file that everybody can see, and the directory, which stays locked when somebody removes the file.
    private static func takeLocks(
        _ directory: String, _ fileSystem: any FileSystem
    ) throws(QueueError) -> [any FileLock] {
        let path = "\(directory)/\(QueuePlace.lockName)"
        var locks: [any FileLock] = []
        do throws(SystemError) {
            try fileSystem.createDirectory(directory)
            locks.append(try fileSystem.lock(path))
        } catch {
            throw error.code == Errno.again ? .locked(file: path) : .system(error)
        }
        do throws(SystemError) {
            if let lock = try fileSystem.lockDirectory(directory) { locks.append(lock) }
        } catch {
            // Some network file systems lock no directories.
            if error.code == Errno.again { throw .locked(file: directory) }
        }
        return locks
    }

    private init(
        _ directory: String, _ fileSystem: any FileSystem, _ options: QueueOptions, _ found: Recovery,
        _ clock: any WallTime, _ timer: any QueueTimer, _ locks: [any FileLock], _ place: QueuePlace,
        _ startsThread: Bool
    ) {
        self.directory = directory
        self.fileSystem = fileSystem
        self.options = options
        self.place = place
        coding = RecordCoding(found.queueID)
        quarantine = found.quarantine
        shared = SharedState(found.state, timer)
        var offsets = OffsetsFile(directory, fileSystem, found.queueID, contents: found.offsets.contents)
        // What cannot be written now is written with the next commit.
        try? offsets.adopt(found.sinks)
        sinks = SinkTable(found.sinks, offsets)
        let holder = LockHolder(locks)
        let writer = LogWriter(
            directory: directory, fileSystem: fileSystem, coding: coding, options: options, shared: shared,
            sinks: sinks, clock: clock, plannedRolls: found.plannedRolls, onEnd: holder.release)
        writer.begin()
        if startsThread { Thread.start("queue") { writer.run() } }
    }

    deinit { shared.withLock(waking: true) { $0.isClosing = true } }

    /// 16 bytes that tell this queue from every other; one begun anew has others.
    package var id: [UInt8] { coding.queueID.bytes }

    /// What opening found.
    package var report: QueueReport { shared.withLock { $0.report } }

    /// The newest durable value of each key.
    package var checkpoints: [String: [UInt8]] { shared.withLock { $0.checkpoints.values } }

    /// The offset after the last durable event.
    package var end: UInt64 { shared.withLock { $0.end } }

    /// Looks whether the directory and the lock are still those that were opened; to be called now and then.
    ///
    /// A directory that is gone or another one is the state `failed`: sources wait, since what is written goes to files
    /// without a name; sinks go on with the files they have open. It is over when the directory is back.
    package func checkPlace() {
        let (trouble, isLockGone) = place.look(fileSystem)
        shared.withLock(waking: true) { state in
            if isLockGone, !state.isLockGone { state.note(.lockGone(file: place.lockPath)) }
            state.isLockGone = isLockGone
            guard state.trouble != trouble, !state.isClosed else { return }
            state.trouble = trouble
            if let trouble {
                state.status.state = .failed(trouble)
            } else if case .failed = state.status.state {
                state.status.state = .ok
            }
            // Whoever waits to try again looks at it.
            state.commits += 1
        }
    }

    /// The most that a batch may take, its checkpoints included.
    package var batchBytesMax: Int { min(options.queueBytesMax / 4, RecordCoding.payloadBytesMax) }

    /// The most that a record takes beside its own bytes.
    package static let recordOverheadMax = RecordCoding.headerBytes + 7

    // MARK: - Sources

    /// Hands a batch and the checkpoints that follow it over.
    ///
    /// Returns when it is handed over, not when it is on disk; waits only while more than `bufferBytes` wait for the
    /// disk. Batch and checkpoints become durable together or not at all, in the order of the calls.
    /// - Throws: `closed`, `cancelled`, `batchTooLarge`, `valueTooLong`; in all cases nothing was stored.
    package func enqueue(
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
            shared.vitals.handedOver(state.enqueued)
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
        if bytes > batchBytesMax { throw .batchTooLarge(bytes: bytes, bytesMax: batchBytesMax) }
    }

    func limit(_ what: String, _ bytes: Int, _ bytesMax: Int) throws(QueueError) {
        if bytes > bytesMax { throw .valueTooLong(what: what, bytes: bytes, bytesMax: bytesMax) }
    }

    /// Keeps the memory of a batch that is done with, for `makeBatch`.
    package func recycle(_ batch: consuming RecordBatch) {
        var batch = batch
        batch.removeAll()
        let empty = batch
        shared.withLock { state in
            if state.freeBatches.count < 4 { state.freeBatches.append(empty) }
        }
    }

    /// An empty batch whose memory was used before, if there is one.
    package func makeBatch() -> RecordBatch {
        shared.withLock { $0.freeBatches.popLast() } ?? RecordBatch()
    }

    /// Returns when everything handed over before is durable.
    /// - Throws: `closed` if the queue was closed before, `cancelled`; it may be durable all the same.
    package func flush() async throws(QueueError) {
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

    // MARK: - Waiting for events

    /// Returns when `end` is greater than `offset`, when the queue is closed, or when the task is cancelled.
    package func waitForEvents(after offset: UInt64) async {
        await shared.suspend { state, number, waiter in
            guard !state.isClosed, state.end <= offset else { return false }
            state.eventWaiters[number] = (offset, waiter)
            return true
        } forget: { state, number in
            state.eventWaiters.removeValue(forKey: number)?.waiter
        }
    }

    // MARK: - The end

    /// Writes what was handed over, if the disk takes it, and ends. Whoever waits gets `closed`.
    package func close() async {
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
