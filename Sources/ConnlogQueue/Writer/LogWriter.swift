internal import ConnlogSystem

/// Writes groups to segments. Only opening and then the queue's own thread use it.
///
/// A segment gets its name when header, checkpoints and first group are on disk; from then on groups are appended, each
/// with one write and one sync. After an error the file is finished, whatever became of it: what was not acknowledged
/// is still in memory and begins the next segment.
///
/// `@unchecked Sendable`: no lock is needed, since it is handed from `Queue.open` to the one thread that runs `run`, and
/// never used by two.
final class LogWriter: @unchecked Sendable {
    /// The segment that groups are appended to.
    struct Active {
        let file: any OpenFile
        let first: UInt64
        /// The end of what is durable, or, when `isUnsynced`, written.
        var position: Int
        /// The size of the file: more than `position` in a recycled one.
        var bytes: Int
        /// Something in it is not on disk yet, as durability `interval` and `none` allow.
        var isUnsynced = false
        /// What is on disk for sure; kept only where more may have been acknowledged.
        var synced: SyncedPart?
    }

    /// The beginning of a segment, and how the log was at its end.
    struct SyncedPart {
        let position: Int
        let end: UInt64
        let checkpoints: Checkpoints
    }

    /// A segment that opening found to be necessary.
    struct PlannedRoll {
        let first: UInt64
        /// The offset after its events.
        let end: UInt64
        let checkpoints: Checkpoints
        var carry: Carry?
    }

    /// Records that move from an old segment into a new one, because they may not be on disk where they are.
    struct Carry {
        let file: any OpenFile
        let range: Range<Int>
        /// The old segment's first offset.
        let segmentFirst: UInt64
    }

    let directory: String
    let fileSystem: any FileSystem
    let coding: RecordCoding
    let options: QueueOptions
    let shared: SharedState
    let sinks: SinkTable
    let clock: any WallTime
    var active: Active?
    var plannedRolls: [PlannedRoll]
    var storage: StorageUpkeep
    var syncDue: Duration?
    let onEnd: @Sendable () -> Void

    init(
        directory: String, fileSystem: any FileSystem, coding: RecordCoding, options: QueueOptions, shared: SharedState,
        sinks: SinkTable, clock: any WallTime, plannedRolls: [PlannedRoll], onEnd: @escaping @Sendable () -> Void
    ) {
        self.directory = directory
        self.fileSystem = fileSystem
        self.coding = coding
        self.options = options
        self.shared = shared
        self.sinks = sinks
        self.clock = clock
        self.plannedRolls = plannedRolls
        self.onEnd = onEnd
        storage = StorageUpkeep(
            directory: directory, fileSystem: fileSystem, shared: shared, sinks: sinks, options: options)
    }

    /// Tries, before the thread runs, to make the segments that opening planned. What fails is tried again by `run`.
    func begin() {
        var nothing = Group(first: 0)
        do { try store(&nothing) } catch { shared.withLock { $0.status.state = error.state } }
    }

    // MARK: - One group

    /// Makes a group durable (as far as `durability` asks), or throws and leaves what was durable as it was.
    func store(_ group: inout Group) throws(StoreFailure) {
        if let trouble = shared.withLock({ $0.trouble }) { throw .lost(trouble) }
        while let planned = plannedRolls.first {
            try roll(planned)
            plannedRolls.removeFirst()
        }
        guard !group.isEmpty else { return }
        try storage.makeRoomForSinks(group.recordBytes)
        if let active, active.position + group.buffer.count <= storage.segmentBytes {
            try append(&group, to: active)
        } else {
            try roll(group)
        }
    }

    private func append(_ group: inout Group, to current: Active) throws(StoreFailure) {
        var start = 0
        if current.isUnsynced {
            start = RecordCoding.headerBytes
        } else {
            coding.storeMark(offset: group.first, in: &group.buffer, at: 0)
        }
        let end = current.position + group.buffer.count - start
        try storage.makeRoom(max(0, end - current.bytes))
        do {
            try current.file.writeAll(group.buffer, start..<group.buffer.count, at: current.position)
        } catch {
            // With no room the file is good: the same bytes go to the same place when there is some.
            active?.bytes = max(current.bytes, end)
            if !error.isNoSpace { abandonActive() }
            throw .system(error)
        }
        active?.position = end
        active?.bytes = max(current.bytes, end)
        active?.isUnsynced = true
        if case .sync = options.durability { try syncActive() }
        publish(group)
    }

    /// Syncs the active segment, or gives it up: after a failed sync nobody knows which of its pages are on disk, and
    /// another one would succeed without writing them.
    func syncActive() throws(StoreFailure) {
        guard let current = active, current.isUnsynced else { return }
        do {
            try current.file.sync()
            active?.isUnsynced = false
            shared.withLock { $0.status.syncs += 1 }
            noteSynced()
        } catch {
            shared.withLock { state in
                state.status.syncFailures += 1
                state.note(.syncFailed(error))
            }
            abandonActive()
            throw .system(error)
        }
    }

    /// All that was published is on disk.
    private func noteSynced() {
        guard options.durability != .sync, let current = active else { return }
        active?.synced = shared.withLock {
            SyncedPart(position: current.position, end: $0.end, checkpoints: $0.checkpoints)
        }
    }

    private func abandonActive() {
        guard let current = active else { return }
        active = nil
        let end = shared.withLock { state in
            state.segments.updateLast { segment in
                segment.isClean = false
                segment.bytes = max(segment.bytes, current.bytes)
            }
            return state.end
        }
        // What was acknowledged before it was on disk is still in the kernel's memory, from where it is written anew.
        guard let synced = current.synced, current.position > synced.position else { return }
        let carry = Carry(
            file: current.file, range: synced.position..<current.position, segmentFirst: current.first)
        plannedRolls.append(
            PlannedRoll(first: synced.end, end: end, checkpoints: synced.checkpoints, carry: carry))
    }

    private func publish(_ group: Group) {
        let position = active?.position ?? 0
        let bytes = active?.bytes ?? 0
        shared.publish(end: group.end, readableBytes: position) { state in
            state.segments.updateLast { segment in
                segment.recordBytes = position
                segment.bytes = bytes
            }
            state.checkpoints.apply(group.changes)
            state.durable = group.ticket
            state.status.groups += 1
        }
    }

    // MARK: - A new segment

    private func roll(_ group: Group) throws(StoreFailure) {
        let checkpoints = shared.withLock { $0.checkpoints }
        let contents = SegmentContents(first: group.first, checkpoints: checkpoints, group: group)
        try startSegment(contents)
        publish(group)
        noteSynced()
    }

    private func roll(_ planned: PlannedRoll) throws(StoreFailure) {
        let contents = SegmentContents(first: planned.first, checkpoints: planned.checkpoints, carry: planned.carry)
        // What has to be copied is no more than one group, so it may take of the room that is kept free.
        try startSegment(contents, keepsFree: false)
        shared.publish(end: planned.end, readableBytes: active?.position ?? 0) { _ in }
        noteSynced()
        // What moved, and what a crash left behind it, takes no room any more. Readers stop where the new one begins.
        if let carry = planned.carry, (try? carry.file.truncate(to: carry.range.lowerBound)) != nil {
            shared.withLock {
                $0.segments.shrink(first: carry.segmentFirst, below: planned.first, to: carry.range.lowerBound)
            }
        }
    }

    /// What a new segment begins with.
    private struct SegmentContents {
        let first: UInt64
        let checkpoints: Checkpoints
        var carry: Carry?
        var group: Group?

        var bytes: Int {
            SegmentHeader.size + checkpoints.recordBytes + (carry?.range.count ?? 0) + (group?.recordBytes ?? 0)
        }
    }

    private func startSegment(_ contents: SegmentContents, keepsFree: Bool = true) throws(StoreFailure) {
        // Only the last segment may end in something unsynced.
        try syncActive()
        let spare = storage.takeSpare()
        do throws(StoreFailure) {
            try storage.makeRoom(max(0, contents.bytes - (spare?.bytes ?? 0)), keepsFree: keepsFree)
        } catch {
            storage.giveBack(spare)
            throw error
        }
        let path = spare?.path ?? storage.temporaryPath()
        do throws(SystemError) {
            let file = try fileSystem.open(path, spare == nil ? .createNew : .readWrite)
            try write(contents, to: file, isRecycled: spare != nil)
            try file.sync()
            try fileSystem.rename(path, to: "\(directory)/\(SegmentName.of(contents.first))")
            try fileSystem.syncDirectory(directory)
            begin(contents, file, bytes: max(contents.bytes, spare?.bytes ?? 0), isRecycled: spare != nil)
        } catch {
            storage.discard(path, bytes: max(contents.bytes, spare?.bytes ?? 0))
            throw .system(error)
        }
    }

    private func write(_ contents: SegmentContents, to file: any OpenFile, isRecycled: Bool) throws(SystemError) {
        var head = ByteBuffer()
        let header = SegmentHeader(
            queueID: coding.queueID, first: contents.first, created: clock.now(), provenBytes: contents.bytes,
            isRecycled: isRecycled)
        header.append(to: &head)
        contents.checkpoints.append(offset: contents.first, coding: coding, to: &head)
        try file.writeAll(head, 0..<head.count, at: 0)
        var position = head.count
        if let carry = contents.carry, !carry.range.isEmpty { position += try copy(carry, to: file, at: position) }
        guard let group = contents.group else { return }
        try file.writeAll(group.buffer, RecordCoding.headerBytes..<group.buffer.count, at: position)
    }

    private func copy(_ carry: Carry, to file: any OpenFile, at start: Int) throws(SystemError) -> Int {
        var buffer = ByteBuffer()
        var done = 0
        while done < carry.range.count {
            buffer.removeAll()
            let length = min(1 << 20, carry.range.count - done)
            _ = try carry.file.readTolerantly(into: &buffer, at: carry.range.lowerBound + done, count: length)
            // What a file that was cut does not have is the padding of its last record; anything else a reader would
            // find damaged. Waiting for it would stop the sources for ever.
            if buffer.isEmpty { buffer.appendZeros(length) }
            try file.writeAll(buffer, 0..<buffer.count, at: start + done)
            done += buffer.count
        }
        return done
    }

    private func begin(_ contents: SegmentContents, _ file: any OpenFile, bytes: Int, isRecycled: Bool) {
        active = Active(file: file, first: contents.first, position: contents.bytes, bytes: bytes)
        storage.forgetHand()
        shared.withLock { state in
            state.segments.append(first: contents.first, bytes: bytes, recordBytes: contents.bytes, isClean: true)
            state.readableBytes = contents.bytes
            state.status.syncs += 1
            if isRecycled { state.status.segmentsRecycled += 1 }
        }
    }
}
