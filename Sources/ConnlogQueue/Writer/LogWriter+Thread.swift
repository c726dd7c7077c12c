internal import ConnlogSystem

/// The queue's own thread: stores what is handed over, waits while it cannot, and syncs in time what may wait.
extension LogWriter {
    private enum Work {
        case store(Group)
        case upkeep
        case end
    }

    /// Stores what is handed over until the queue is closed.
    func run() {
        let vitals = shared.vitals
        while true {
            vitals.do(.waiting)
            // Not by way of a constant, which would keep the group's bytes shared, and each group would be copied.
            switch nextWork() {
            case .store(var group):
                vitals.do(.storing)
                storeUntilDone(&group)
            case .upkeep:
                vitals.do(.upkeep)
                upkeep()
            case .end:
                vitals.do(.upkeep)
                finish()
                return vitals.do(.ended)
            }
            vitals.step()
        }
    }

    private func nextWork() -> Work {
        shared.wait { state, now in
            if state.isAbandoned { return .done(.end) }
            let due = upkeepDue(state)
            if let due, due <= now { return .done(.upkeep) }
            if !plannedRolls.isEmpty && !state.isClosing { return .done(.store(Group(first: state.end))) }
            if !state.filling.isEmpty { return .done(.store(state.takeFilling())) }
            return state.isClosing ? .done(.end) : .sleep(until: due)
        }
    }

    private func upkeepDue(_ state: SharedState.State) -> Duration? {
        [state.commitDue, syncDue].compactMap(\.self).min()
    }

    // MARK: - Storing

    /// Tries until the group is stored. Gives up only when the queue is closed meanwhile.
    private func storeUntilDone(_ group: inout Group) {
        var failures = 0
        while true {
            // A commit while it is tried, or before the pause begins, may be the one that makes room.
            let commits = shared.withLock { $0.commits }
            do throws(StoreFailure) {
                try store(&group)
                shared.stored(group)
                storage.endDrops()
                return scheduleSync()
            } catch {
                // Files that wait to be segments are the first to make room.
                if storage.freesSpares(for: error) { continue }
                failures += 1
                guard pause(after: error, failures: failures, since: commits) else { return }
            }
        }
    }

    /// Waits as long as `failure` asks for.
    /// - Parameter commits: how many there had been before what failed was tried.
    /// - Returns: `false` when the queue is closing.
    private func pause(after failure: StoreFailure, failures: Int, since commits: UInt64) -> Bool {
        let backoff = Duration.seconds(min(30, 1 << min(failures - 1, 5)))
        // The first time a new segment is tried at once.
        if failures == 1, case .system(let error) = failure, !error.isNoSpace {
            return !shared.withLock { $0.isAbandoned }
        }
        shared.withLock { $0.status.state = failure.state }
        shared.vitals.step()
        shared.vitals.do(.pausing)
        defer { shared.vitals.do(.storing) }
        return pause(backoff, since: commits, endsOnCommit: failure.endsOnCommit)
    }

    private enum Wake { case closing, commit, time, upkeep }

    private func pause(_ length: Duration, since commits: UInt64, endsOnCommit: Bool) -> Bool {
        let end = shared.timer.now() + length
        var seen = commits
        while true {
            let wake: Wake = shared.wait { state, now in
                if state.isClosing || state.isAbandoned { return .done(.closing) }
                if state.commits != seen { return .done(.commit) }
                if now >= end { return .done(.time) }
                let due = upkeepDue(state)
                if let due, due <= now { return .done(.upkeep) }
                return .sleep(until: due.map { min($0, end) } ?? end)
            }
            switch wake {
            case .closing: return false
            case .time: return true
            case .upkeep: upkeep()
            case .commit:
                seen = shared.withLock { $0.commits }
                let hasFreed = storage.releaseCommitted()
                if hasFreed || endsOnCommit { return true }
            }
        }
    }

    // MARK: - Syncing in time

    private func scheduleSync() {
        guard case .interval(let interval) = options.durability, active?.isUnsynced == true else { return }
        if syncDue == nil { syncDue = shared.timer.now() + interval }
    }

    private func upkeep() {
        let now = shared.timer.now()
        if let due = syncDue, due <= now {
            syncDue = nil
            // What could not be synced goes to a new segment next.
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
        storage.endDrops()
        if sinks.isDirty { shared.withLock { $0.commitDue = now + options.commitSyncInterval } }
    }

    // MARK: - The end

    private func finish() {
        if !shared.withLock({ $0.isAbandoned }) {
            syncOnce()
            seal()
            storage.syncCommits()
            _ = storage.trim()
            _ = storage.removeSpares()
        }
        onEnd()
        shared.close()
    }

    /// What could not be synced is written to a new segment once; the next process does the same if that fails too.
    private func syncOnce() {
        if (try? syncActive()) != nil { return }
        var nothing = Group(first: 0)
        try? store(&nothing)
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
