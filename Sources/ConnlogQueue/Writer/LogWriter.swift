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
    private let onEnd: @Sendable () -> Void

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
        do { try store(&nothing) } catch { note(error) }
    }

    // MARK: - One group

    /// Makes a group durable (as far as `durability` asks), or throws and leaves what was durable as it was.
    func store(_ group: inout Group) throws(StoreFailure) {
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
    private func syncActive() throws(StoreFailure) {
        guard let current = active, current.isUnsynced else { return }
        do {
            try current.file.sync()
            active?.isUnsynced = false
            shared.withLock { $0.status.syncs += 1 }
        } catch {
            shared.withLock { $0.status.syncFailures += 1 }
            abandonActive()
            throw .system(error)
        }
    }

    private func abandonActive() {
        let bytes = active?.bytes ?? 0
        active = nil
        shared.withLock { state in
            state.segments.updateLast { segment in
                segment.isClean = false
                segment.bytes = max(segment.bytes, bytes)
            }
        }
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
    }

    private func roll(_ planned: PlannedRoll) throws(StoreFailure) {
        let contents = SegmentContents(first: planned.first, checkpoints: planned.checkpoints, carry: planned.carry)
        try startSegment(contents)
        shared.publish(end: planned.end, readableBytes: active?.position ?? 0) { _ in }
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

    private func startSegment(_ contents: SegmentContents) throws(StoreFailure) {
        // Only the last segment may end in something unsynced.
        try syncActive()
        let spare = storage.takeSpare()
        do throws(StoreFailure) {
            try storage.makeRoom(max(0, contents.bytes - (spare?.bytes ?? 0)))
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
            let got = try carry.file.read(into: &buffer, at: carry.range.lowerBound + done, count: length)
            guard got > 0 else { throw SystemError(code: Errno.inputOutput, call: "pread", subject: directory) }
            try file.writeAll(buffer, 0..<got, at: start + done)
            done += got
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

    // MARK: - The thread

    private enum Work {
        case store(Group)
        case upkeep
        case end
    }

    /// Stores what is handed over until the queue is closed.
    func run() {
        while true {
            switch nextWork() {
            case .store(var group): storeUntilDone(&group)
            case .upkeep: upkeep()
            case .end: return finish()
            }
        }
    }

    private func nextWork() -> Work {
        shared.wait { state, now in
            if state.isAbandoned { return .done(.end) }
            let due = [state.commitDue, syncDue].compactMap(\.self).min()
            if let due, due <= now { return .done(.upkeep) }
            if !plannedRolls.isEmpty && !state.isClosing { return .done(.store(Group(first: state.end))) }
            if !state.filling.isEmpty { return .done(.store(state.takeFilling())) }
            return state.isClosing ? .done(.end) : .sleep(until: due)
        }
    }

    /// Tries until the group is stored. Gives up only when the queue is closed meanwhile.
    private func storeUntilDone(_ group: inout Group) {
        var failures = 0
        while true {
            do throws(StoreFailure) {
                try store(&group)
                shared.stored(group)
                return scheduleSync()
            } catch {
                failures += 1
                guard pause(after: error, failures: failures) else { return }
            }
        }
    }

    private func note(_ failure: StoreFailure) {
        shared.withLock { state in
            switch failure {
            case .full(let sink): state.status.state = .full(sink: sink)
            case .system(let error): state.status.state = error.isNoSpace ? .diskFull : .failed(error.description)
            }
        }
    }

    /// Waits as long as `failure` asks for.
    /// - Returns: `false` when the queue is closing.
    private func pause(after failure: StoreFailure, failures: Int) -> Bool {
        let backoff = Duration.seconds(min(30, 1 << min(failures - 1, 5)))
        // The first time a new segment is tried at once.
        if failures == 1, case .system(let error) = failure, !error.isNoSpace {
            return !shared.withLock { $0.isAbandoned }
        }
        note(failure)
        if case .full = failure { return pause(backoff, endsOnCommit: true) }
        return pause(backoff, endsOnCommit: false)
    }

    private func pause(_ length: Duration, endsOnCommit: Bool) -> Bool {
        let end = shared.timer.now() + length
        var seen = shared.withLock { $0.commits }
        while true {
            enum Wake { case closing, commit, time }
            let wake: Wake = shared.wait { state, now in
                if state.isClosing || state.isAbandoned { return .done(.closing) }
                if state.commits != seen { return .done(.commit) }
                return now >= end ? .done(.time) : .sleep(until: end)
            }
            switch wake {
            case .closing: return false
            case .time: return true
            case .commit:
                seen = shared.withLock { $0.commits }
                let hasFreed = storage.releaseCommitted()
                if hasFreed || endsOnCommit { return true }
            }
        }
    }

    private func scheduleSync() {
        guard case .interval(let interval) = options.durability, active?.isUnsynced == true else { return }
        if syncDue == nil { syncDue = shared.timer.now() + interval }
    }

    private func upkeep() {
        let now = shared.timer.now()
        if let due = syncDue, due <= now {
            syncDue = nil
            // What could not be synced is counted; the next group begins a new segment.
            try? syncActive()
        }
        let commitsAreDue = shared.withLock { state in
            guard let due = state.commitDue, due <= now else { return false }
            state.commitDue = nil
            return true
        }
        guard commitsAreDue else { return }
        storage.syncCommits()
        _ = storage.trim()
        if sinks.isDirty { shared.withLock { $0.commitDue = now + options.commitSyncInterval } }
    }

    private func finish() {
        if !shared.withLock({ $0.isAbandoned }) {
            seal()
            storage.syncCommits()
            _ = storage.trim()
        }
        onEnd()
        shared.close()
    }

    /// A mark at the end: the next process knows that a damage before it is no torn write.
    private func seal() {
        guard plannedRolls.isEmpty, (try? syncActive()) != nil, let current = active else { return }
        let end = shared.withLock { $0.end }
        var mark = ByteBuffer()
        mark.appendZeros(RecordCoding.headerBytes)
        coding.storeMark(offset: end, in: &mark, at: 0)
        // Without it nothing is lost: the last group is copied once more.
        do {
            try current.file.writeAll(mark, 0..<mark.count, at: current.position)
            try current.file.sync()
        } catch { return }
    }
}
