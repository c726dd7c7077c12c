import ConnlogCore
import ConnlogSystem

/// Where files went that their paths no longer lead to.
extension FileFollower {
    /// Looks for a file of a checkpoint that the patterns do not lead to: renamed or copied while connlog was away.
    mutating func search(_ id: UInt64, _ unknown: inout [Finding], _ now: Duration) {
        guard let file = files[id], file.state == .missing else { return }
        files[id]?.isRestored = false
        files[id]?.grewAt = now
        formerPaths[id] = file.path
        findRenamed(id, now)
        if files[id]?.state == .missing, wasReplaced(file) {
            if takeCopy(id, now) { files[id]?.isRestored = false }
            if let identity = files[id]?.position.identity, files[id]?.state != .missing {
                unknown.removeAll { $0.status.identity == identity }
            }
        }
    }

    /// The path of a missing file leads to something else, so that it has been rotated away rather than removed.
    private func wasReplaced(_ file: FollowedFile) -> Bool {
        (try? FileStatus(of: file.position.path)) != nil
    }

    /// Opens a file by its inode, under whatever name it has in its directory, and reads on there.
    mutating func findRenamed(_ id: UInt64, _ now: Duration) {
        guard let file = files[id] else { return }
        guard let sibling = sibling(of: file) else {
            files[id]?.state = .missing
            return
        }
        do throws(SystemError) {
            let open = try openFile(sibling.path)
            _ = try file.position.compare(open, &scratch)
            tellReadable(id, sibling.path)
            guard isSame(id, sibling) else {
                files[id]?.state = .missing
                return
            }
            files[id]?.file = open
            files[id]?.state = .leaving
            files[id]?.hasMore = true
            files[id]?.pending = 0
            files[id]?.grewAt = now
        } catch {
            // It is there; that it cannot be read now is no reason to forget it. The next scan looks for it again.
            files[id]?.state = .missing
            files[id]?.isRestored = true
            if var file = files[id] {
                tellUnreadable(&file, error)
                files[id] = file
            }
            knownNames.isUnclear()
        }
    }

    /// The name beside its old one that a file has by now.
    private mutating func sibling(of file: FollowedFile) -> Finding? {
        siblings(of: file.position.path).first { $0.status.identity == file.position.identity }
    }

    static let isTriedAgain = "its other events wait until it can be read, which is tried every second"

    /// Opens a file that has left anew, when the descriptor that it was read by is good no more; `nil` when it has no name
    /// any more, or cannot be opened.
    mutating func openLeft(_ file: inout FollowedFile, after error: SystemError) -> LocalFile? {
        guard let sibling = sibling(of: file) else {
            file.isUnreadable = false
            return nil
        }
        tellUnreadable(&file, error)
        return try? openFile(sibling.path)
    }

    private func tellUnreadable(_ file: inout FollowedFile, _ error: SystemError) {
        if !file.isUnreadable { log(.warning, "\(error); \(FileFollower.isTriedAgain)") }
        file.isUnreadable = true
    }

    private mutating func tellReadable(_ id: UInt64, _ path: String) {
        if files[id]?.isUnreadable == true { log(.info, "\(path): can be read now") }
        files[id]?.isUnreadable = false
    }

    /// What was read of a file is no longer in it.
    mutating func rewritten(_ id: UInt64, _ now: Duration) {
        guard let file = files[id] else { return }
        guard file.state == .following else {
            // What has left is not written anew; what is left of it can not be told from what was read.
            log(.warning, "\(file.path): was cut after it was renamed or removed; what it lost was not read")
            counts.truncations += 1
            files[id]?.hasMore = false
            files[id]?.file = nil
            files[id]?.state = .missing
            return
        }
        let identity = file.position.identity
        if takeCopy(id, now) {
            counts.truncations += 1
            let added = add(file.path, FilePosition(path: file.position.path, identity: identity), .following)
            files[added]?.file = file.file
            files[added]?.mustSave = true
            files[added]?.grewAt = now
            files[added]?.waitsFor = [id]
        } else {
            startOver(id, identity)
        }
    }

    mutating func startOver(_ id: UInt64, _ identity: FileIdentity) {
        guard let file = files[id] else { return }
        counts.truncations += 1
        if file.position.offset > 0 {
            log(
                .warning,
                "\(file.path): was truncated or rewritten after \(file.position.offset) bytes were read; reading it "
                    + "from its beginning; lines that were cut off unread are lost, so rotate by renaming")
        }
        files[id]?.startOver(identity)
        settleInheritance(of: id)
        if let position = files[id]?.position { index.note(id, position) }
    }

    /// Goes on in a copy that was made of a file before it was cut (`copytruncate`), if there is one.
    @discardableResult
    private mutating func takeCopy(_ id: UInt64, _ now: Duration) -> Bool {
        guard let file = files[id], file.position.offset > 0 else { return false }
        let copies = siblings(of: file.position.path).filter { sibling in
            guard sibling.status.identity != file.position.identity, !FileSettings.isExcluded(sibling.path),
                sibling.status.size >= file.position.offset
            else { return false }
            return true
        }
        var found: Finding?
        for copy in copies where found == nil {
            let others = index.files(copy.status.identity)
            if others.contains(where: { $0 != id && isRead(copy, by: $0) }) { continue }
            if resembles(id, copy) == .same { found = copy }
        }
        guard let copy = found, let open = try? openFile(copy.path) else { return false }
        for other in index.files(copy.status.identity) where other != id { forget(other) }
        files[id]?.position.identity = copy.status.identity
        files[id]?.restart.identity = copy.status.identity
        files[id]?.file = open
        files[id]?.seen = nil
        files[id]?.hasMore = true
        files[id]?.mustSave = true
        files[id]?.grewAt = now
        files[id]?.state = .leaving
        formerPaths[id] = file.path
        if self.found[copy.path] == copy.status.identity { files[id]?.move(to: copy.path, now) }
        if let position = files[id]?.position { index.note(id, position) }
        return true
    }

    /// Whether a file that was found is one that is known, and not merely known to be a copy.
    private mutating func isRead(_ finding: Finding, by id: UInt64) -> Bool {
        guard let file = files[id], file.position.identity == finding.status.identity else { return false }
        // Of a missing file only the inode may be left, and another file may have got it.
        return !file.position.isCopy && (file.state != .missing || isContinued(id, in: finding))
    }

    /// Whether a file with the same inode is the known file. One of which nothing was read resembles all, so there the
    /// inode has to do, unless another known file's bytes show that it was given away.
    mutating func isSame(_ id: UInt64, _ finding: Finding) -> Bool {
        guard resembles(id, finding) == .same else { return false }
        return files[id]?.position.offset != 0 || !isContinued(in: finding, butFor: id)
    }

    /// Whether what was read of a known file stands in a file that was found.
    private mutating func isContinued(_ id: UInt64, in finding: Finding) -> Bool {
        (files[id]?.position.offset ?? 0) > 0 && resembles(id, finding) == .same
    }

    /// The same for any known file.
    private mutating func isContinued(in finding: Finding, butFor id: UInt64? = nil) -> Bool {
        guard let open = try? openFile(finding.path) else { return false }
        return filesAlike(open).contains { $0 != id && isContinued($0, in: finding) }
    }

    /// Follows the files that had the path between the one that left and the one that has it now, and left it too
    /// before they were seen: two rotations in a row.
    mutating func followMissed(_ id: UInt64, _ now: Duration) {
        guard let file = files[id], let open = file.file, let left = try? FileStatus(of: open) else { return }
        let home = file.position.path
        let missed = siblings(of: home).filter { sibling in
            sibling.status.modified >= left.modified && index.files(sibling.status.identity).isEmpty
                && !foundIdentities.contains(sibling.status.identity) && !FileSettings.isExcluded(sibling.path)
                && FileFollower.isRotation(sibling.path, of: home)
        }
        var before = [id]
        for sibling in missed.sorted(by: { $0.status.modified < $1.status.modified }) {
            // A copy of a known file is that file's affair.
            if isContinued(in: sibling) { continue }
            guard let open = try? openFile(sibling.path) else { continue }
            let added = add(
                file.path, FilePosition(path: home, identity: sibling.status.identity), .leaving)
            files[added]?.file = open
            files[added]?.waitsFor = before
            files[added]?.grewAt = now
            formerPaths[added] = formerPaths[id]
            before.append(added)
        }
    }

    /// Regular files in the directory of `path` whose names begin like its own.
    mutating func siblings(of path: String) -> [Finding] {
        let directory = LocalFileSystem.parent(of: path)
        let stem = FileFollower.stem(FileFollower.name(of: path))
        return names(in: directory, beginningWith: stem).compactMap { name in
            let path = directory == "/" ? "/" + name : directory + "/" + name
            guard let status = try? FileStatus(of: path), status.isRegular else { return nil }
            return Finding(path: path, status: status)
        }
    }

    /// The names in a directory that begin like this, in order. A directory is read once in a round, however many of its
    /// files are asked for.
    private mutating func names(in directory: String, beginningWith stem: String) -> ArraySlice<String> {
        if listings[directory] == nil {
            let names = (try? LocalFileSystem().list(directory)) ?? []
            listings[directory] = names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        }
        let names = listings[directory] ?? []
        let start = names.partitionPoint { !$0.utf8.lexicographicallyPrecedes(stem.utf8) }
        return names[start...].prefix { $0.utf8.starts(with: stem.utf8) }
    }

    /// Whether a name is one that a rotation gives: `coder.log.1`, `coder.log-20260131`, `coder-2026-01-31T10-11.log`.
    static func isRotation(_ path: String, of original: String) -> Bool {
        let name = name(of: path)
        let own = self.name(of: original)
        let stem = stem(own)
        let ending = String(own.dropFirst(stem.count))
        var middle: Substring
        if name.hasPrefix(own) {
            middle = name.dropFirst(own.count)
        } else if name.hasPrefix(stem), name.hasSuffix(ending), name.count > own.count {
            middle = name.dropFirst(stem.count).dropLast(ending.count)
        } else {
            return false
        }
        guard let separator = middle.popFirst(), "._-".contains(separator) else { return false }
        let isDate = middle.allSatisfy { $0.isASCII && ($0.isNumber || "-_.:TZ".contains($0)) }
        return isDate && middle.contains { $0.isNumber }
    }

    private static func name(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
    }

    /// A name without its last ending.
    private static func stem(_ name: String) -> String {
        guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return name }
        return String(name[..<dot])
    }
}

extension Array {
    /// Where the first element stands for which `isBehind` holds; it holds for all that follow.
    fileprivate func partitionPoint(_ isBehind: (Element) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if isBehind(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
