import ConnlogCore
import ConnlogSystem

/// Keeping books: which files are known, which are forgotten, and which positions are to be stored.
extension FileFollower {
    mutating func add(_ path: String, _ position: FilePosition, _ state: FollowedFile.State) -> UInt64 {
        lastID += 1
        files[lastID] = FollowedFile(id: lastID, path: path, position: position, state: state)
        index.note(lastID, position)
        order.append(lastID)
        return lastID
    }

    mutating func forget(_ id: UInt64) {
        if files[id]?.saved != nil { forgotten.append(id) }
        files[id]?.decoder = nil
        settleInheritance(of: id)
        files[id] = nil
        index.remove(id)
        if formerPaths[id] != nil { formerPaths[id] = nil }
        if let place = place(of: id) { order.remove(at: place) }
    }

    /// By halving: it is asked for each of many.
    private func place(of id: UInt64) -> Int? {
        var (low, high) = (0, order.count)
        while low < high {
            let middle = (low + high) / 2
            if order[middle] < id { low = middle + 1 } else { high = middle }
        }
        return low < order.count && order[low] == id ? low : nil
    }

    /// The files that had a path and left it, the oldest first.
    mutating func filesThatLeft(_ path: String) -> [UInt64] {
        if let leftPaths { return leftPaths[path] ?? [] }
        var left: [String: [UInt64]] = [:]
        for id in formerPaths.keys.sorted() {
            if let path = formerPaths[id] { left[path, default: []].append(id) }
        }
        leftPaths = left
        return left[path] ?? []
    }

    mutating func closeRound(_ now: Duration) -> Round {
        forgetOld(now)
        var round = Round(checkpoints: takeCheckpoints(now))
        round.hasMore = order.contains { isReadable($0) }
        round.isDone = settings.once && !round.hasMore
        var next = scanTime
        for id in order {
            guard let file = files[id], file.state != .missing, !file.hasMore else { continue }
            next = min(next, file.nextLook)
            if file.mayFlush { next = min(next, file.grewAt + settings.silence) }
        }
        round.wait = round.hasMore ? .zero : max(.zero, next - now)
        return round
    }

    private mutating func forgetOld(_ now: Duration) {
        let missing = order.filter { files[$0]?.state == .missing && files[$0]?.isRestored == false }
        let excess = missing.count - settings.rememberMax
        for (index, id) in missing.enumerated() {
            guard let file = files[id] else { continue }
            if index < excess || now >= file.grewAt + settings.rememberFor { forget(id) }
        }
    }

    mutating func takeCheckpoints(_ now: Duration) -> [Checkpoint] {
        var checkpoints = forgotten.map { Checkpoint(key: FileFollower.key($0), value: nil) }
        forgotten.removeAll()
        if isFirstStart, hasScanned, !hasSaidStarted {
            checkpoints.append(Checkpoint(key: FileFollower.startedKey, value: [1]))
            hasSaidStarted = true
        }
        for id in order {
            guard let file = files[id], file.restart != file.saved, isTimeToSave(file, now) else { continue }
            checkpoints.append(Checkpoint(key: FileFollower.key(id), value: file.restart.checkpoint))
            files[id]?.saved = file.restart
            files[id]?.savedAt = now
            files[id]?.mustSave = false
        }
        return checkpoints
    }

    /// A position goes with the events before it. Where there were none it may lag, so that a chatty file without
    /// events does not fill the queue with positions.
    private func isTimeToSave(_ file: FollowedFile, _ now: Duration) -> Bool {
        if file.mustSave { return true }
        guard file.restart.offset > 0 else { return false }
        return now >= file.savedAt + .seconds(1) || file.restart.offset - (file.saved?.offset ?? 0) >= 8 << 20
    }
}
