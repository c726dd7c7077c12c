import ConnlogCore
import ConnlogPipeline
import ConnlogSystem

/// Which file is which: what the patterns lead to now, held against what is known.
extension FileFollower {
    /// Something a pattern leads to.
    struct Finding {
        let path: String
        let status: FileStatus
    }

    mutating func scan(_ now: Duration) {
        listings.removeAll()
        let lastBefore = lastID
        let findings = expandPatterns(now)
        found = Dictionary(findings.map { ($0.path, $0.status.identity) }) { first, _ in first }
        var unknown = place(findings, now)
        for id in order where files[id]?.state == .following {
            if let path = files[id]?.path, found[path] != files[id]?.position.identity { leave(id, now) }
        }
        let missing = Dictionary(grouping: order.filter { files[$0]?.state == .missing }) { id in
            files[id]?.position.identity ?? FileIdentity(device: 0, inode: 0)
        }
        unknown.removeAll { resumeSame($0, missing[$0.status.identity] ?? [], now) }
        let restored = order.filter { files[$0]?.isRestored == true }
        for id in restored { search(id, &unknown, now) }
        // Only when every known file has its place is it clear which of the others were never seen.
        for id in restored where files[id]?.state == .leaving { followMissed(id, now) }
        var bound = Set(files.values.filter { $0.state != .missing }.map(\.position.identity))
        // Two new names may lead to one file.
        for finding in unknown where bound.insert(finding.status.identity).inserted { bind(finding, now) }
        // Only now all are known. Of those that a restart has brought any may have been rotated away meanwhile.
        for id in order where hasScanned ? id > lastBefore : true { findFormer(of: id) }
        for finding in findings where FileStatus.isSymbolicLink(finding.path) { watchedPaths.append(finding.path) }
    }

    // MARK: What is there

    private var again: String { settings.once ? "" : "; it is tried again every second" }

    private mutating func expandPatterns(_ now: Duration) -> [Finding] {
        var findings: [Finding] = []
        var seen: Set<String> = []
        var complained: Set<String> = []
        watchedPaths = []
        var written = settings.written.look()
        knownNames.willLook(settings.patterns, now)
        for pattern in settings.patterns {
            let matches = pattern.expand()
            watchedPaths += matches.directories
            let before = findings.count
            for problem in matches.problems {
                complain(problem.subject, "\(problem)\(again)", &complained)
            }
            for path in matches.paths where pattern.namesFile || !FileSettings.isExcluded(path) {
                guard let finding = inspect(path, isNamed: pattern.namesFile, &complained) else { continue }
                if let owner = written.owner(of: path, finding.status.identity) {
                    leaveOut(finding, owner)
                    continue
                }
                if seen.insert(path).inserted { findings.append(finding) }
            }
            if findings.count == before, matches.problems.isEmpty, !pattern.namesFile {
                let later = settings.once ? "" : "; it is looked for every second"
                complain(pattern.pattern, "\(pattern.pattern): no file matches\(later)", &complained)
            }
        }
        // What was said about a file that cannot be read stays said until it can be, or is gone.
        complaints.keep(complained.union(found.keys).union(seen))
        return findings
    }

    /// What a sink writes is not read.
    private mutating func leaveOut(_ finding: Finding, _ owner: String) {
        for id in index.files(finding.status.identity) { forget(id) }
        guard leftOut.insert(owner).inserted else { return }
        log(
            .warning,
            "\(finding.path): is written by \(owner), so it and its rotated files are not read; keep what sinks write "
                + "apart from what sources read")
    }

    private mutating func complain(_ subject: String, _ text: String, _ subjects: inout Set<String>) {
        subjects.insert(subject)
        complaints.set(subject, text)
        knownNames.isUnclear()
    }

    private mutating func inspect(_ path: String, isNamed: Bool, _ complained: inout Set<String>) -> Finding? {
        do throws(SystemError) {
            let status = try FileStatus(of: path)
            if status.isRegular { return Finding(path: path, status: status) }
            let what = status.isDirectory ? "a directory" : "no regular file"
            if isNamed || !status.isDirectory {
                complain(path, "\(path) is \(what); name files, such as \(path)/*.log", &complained)
            }
        } catch {
            // Such as a link that leads nowhere yet.
            knownNames.isUnclear()
            if path.unicodeScalars.contains("\u{fffd}"), error.code == Errno.notFound {
                complain(path, "\(path): its name is not UTF-8, so it cannot be read; rename it", &complained)
            } else if isNamed || error.code != Errno.notFound {
                complain(path, "\(error)\(again)", &complained)
            }
        }
        return nil
    }

    // MARK: What is known

    /// Finds the known files again, under their own or another name, and returns the findings that are none of them.
    private mutating func place(_ findings: [Finding], _ now: Duration) -> [Finding] {
        var owners: [FileIdentity: UInt64] = [:]
        for id in order {
            guard let file = files[id], file.state != .missing else { continue }
            owners[file.position.identity] = id
        }
        var placed: Set<UInt64> = []
        var elsewhere: [Finding] = []
        for finding in findings {
            guard let id = owners[finding.status.identity], files[id]?.path == finding.path else {
                elsewhere.append(finding)
                continue
            }
            placed.insert(id)
            if files[id]?.state == .leaving { files[id]?.move(to: finding.path, now) }
        }
        return elsewhere.filter { finding in
            guard let id = owners[finding.status.identity] else { return true }
            // A second name of a file that is followed already adds nothing.
            if placed.insert(id).inserted { rename(id, finding.path, now) }
            return false
        }
    }

    private mutating func rename(_ id: UInt64, _ path: String, _ now: Duration) {
        if files[id]?.state == .following { counts.rotations += 1 }
        let former = files[id]?.path ?? ""
        files[id]?.move(to: path, now)
        formerPaths[id] = former
    }

    /// The path of a followed file leads elsewhere or nowhere.
    private mutating func leave(_ id: UInt64, _ now: Duration) {
        counts.rotations += 1
        files[id]?.state = .leaving
        files[id]?.grewAt = now
        files[id]?.hasMore = true
        formerPaths[id] = files[id]?.path
        if files[id]?.file == nil { findRenamed(id, now) }
        if files[id]?.file != nil { followMissed(id, now) }
    }

    // MARK: What is new

    /// Goes on with a file that was missing and is what it was.
    private mutating func resumeSame(_ finding: Finding, _ candidates: [UInt64], _ now: Duration) -> Bool {
        for id in candidates where files[id]?.state == .missing && isSame(id, finding) {
            resume(id, finding, now)
            return true
        }
        return false
    }

    private mutating func resume(_ id: UInt64, _ finding: Finding, _ now: Duration) {
        let former = files[id]?.position.path
        files[id]?.move(to: finding.path, now)
        // Renamed while connlog was away: what has its name now comes after it.
        if let former, former != files[id]?.position.path { formerPaths[id] = former }
        files[id]?.position.identity = finding.status.identity
        files[id]?.restart.identity = finding.status.identity
        files[id]?.hasMore = true
        files[id]?.isRestored = false
        files[id]?.isFinal = false
        files[id]?.seen = nil
        files[id]?.pending = 0
        files[id]?.file = nil
        if let position = files[id]?.position { index.note(id, position) }
    }

    mutating func resembles(_ id: UInt64, _ finding: Finding) -> Likeness {
        guard let file = files[id], file.position.offset <= finding.status.size else { return .samePrefix }
        guard let open = try? openFile(finding.path) else { return .different }
        return (try? file.position.compare(open, &scratch)) ?? .different
    }

    /// Decides what a file is that no followed one is, and follows it.
    private mutating func bind(_ finding: Finding, _ now: Duration) {
        let open: LocalFile
        do throws(SystemError) {
            open = try openFile(finding.path)
            guard try FileStatus(of: open).identity == finding.status.identity else {
                scanIsDue = true
                return
            }
        } catch {
            knownNames.isUnclear()
            if error.isNoDescriptor { scanIsDue = true }
            return complaints.set(finding.path, "\(error)\(again)")
        }
        complaints.clear(finding.path)
        bind(finding, open, now)
    }

    private mutating func bind(_ finding: Finding, _ open: LocalFile, _ now: Duration) {
        let alike = filesAlike(open)
        // A copy comes first: it may have got the inode of an older file of the same name.
        if resumeMoved(alike, finding, open, now) || followCopy(alike, finding, open, now)
            || resumeRewritten(finding, now)
        {
            return
        }
        follow(finding, open, now)
    }

    /// The known files that begin as an open one does, those of which most was read first: of several versions of a file
    /// the longest says best where reading goes on.
    mutating func filesAlike(_ open: LocalFile) -> [UInt64] {
        scratch.removeAll()
        guard (try? open.read(into: &scratch, at: 0, count: FilePosition.prefixMax)) != nil else { return [] }
        let alike = index.files(beginningLike: scratch.span).map { (id: $0, offset: files[$0]?.position.offset ?? 0) }
        return alike.sorted { ($0.offset, $0.id) > ($1.offset, $1.id) }.map(\.id)
    }

    /// The file that was read is still there by its inode and name, but its content is another.
    private mutating func resumeRewritten(_ finding: Finding, _ now: Duration) -> Bool {
        let home = FileStatus.resolve(finding.path)
        let former = index.files(finding.status.identity).first { id in
            files[id]?.state == .missing && files[id]?.position.path == home
        }
        guard let id = former else { return false }
        resume(id, finding, now)
        startOver(id, finding.status.identity)
        return true
    }

    /// A missing file that came back as another inode: moved over a file system's border, or restored.
    private mutating func resumeMoved(
        _ alike: [UInt64], _ finding: Finding, _ open: LocalFile, _ now: Duration
    ) -> Bool {
        let former = alike.first { id in
            guard let file = files[id], file.state == .missing else { return false }
            return file.position.offset <= finding.status.size
                && (try? file.position.compare(open, &scratch)) == .same
        }
        guard let id = former else { return false }
        resume(id, finding, now)
        return true
    }

    /// A copy of a followed file: its bytes are read there, and here only what is added to it.
    private mutating func followCopy(
        _ alike: [UInt64], _ finding: Finding, _ open: LocalFile, _ now: Duration
    ) -> Bool {
        for id in alike {
            guard let file = files[id], file.state != .missing else { continue }
            guard let copy = try? copyPosition(finding, open, of: file) else {
                if takesOver(id, finding, open, now) { return true }
                continue
            }
            let added = add(finding.path, copy, .following)
            files[added]?.mustSave = file.state == .following
            files[added]?.grewAt = now
            guard file.state == .leaving else { return true }
            files[added]?.continues = (id, copy.offset)
            files[added]?.waitsFor = [id]
            return true
        }
        return false
    }

    /// Whether a followed file was cut or rewritten, and its end goes on in this copy.
    private mutating func takesOver(_ id: UInt64, _ finding: Finding, _ open: LocalFile, _ now: Duration) -> Bool {
        guard let file = files[id], file.state == .following, let original = file.file,
            (try? file.position.compare(open, &scratch)) == .same,
            (try? file.position.compare(original, &scratch)) != .same
        else { return false }
        rewritten(id, now)
        return files[id]?.position.identity == finding.status.identity
    }

    /// How far `open` is a copy of `file`, if it is one.
    private mutating func copyPosition(
        _ finding: Finding, _ open: LocalFile, of file: FollowedFile
    ) throws(SystemError) -> FilePosition? {
        let original: LocalFile
        if let open = file.file { original = open } else { original = try openFile(file.path) }
        let common = min(finding.status.size, try FileStatus(of: original).size)
        guard common > 0 else { return nil }
        var position = FilePosition(path: FileStatus.resolve(finding.path), identity: finding.status.identity)
        scratch.removeAll()
        position.prefixLength = try original.read(
            into: &scratch, at: 0, count: min(common, FilePosition.prefixMax))
        position.prefixHash = FilePosition.hash(scratch.span)
        position.offset = common
        position.isCopy = true
        scratch.removeAll()
        let marker = position.markerLength
        guard try original.read(into: &scratch, at: common - marker, count: marker) == marker else { return nil }
        position.markerHash = FilePosition.hash(scratch.span)
        return try position.compare(open, &scratch) == .same ? position : nil
    }

    private mutating func follow(_ finding: Finding, _ open: LocalFile, _ now: Duration) {
        var position = FilePosition(path: FileStatus.resolve(finding.path), identity: finding.status.identity)
        let startsAtEnd = settings.startsAtEnd && isFirstStart && !hasScanned
        if startsAtEnd { moveToEnd(&position, open) }
        // Another one may have had the path between the file that left it and this one.
        if let last = leftBehind(finding.path, position.path).last { followMissed(last, now) }
        let before = leftBehind(finding.path, position.path)
        let id = add(finding.path, position, .following)
        files[id]?.grewAt = now
        // Known from now on, even if it is renamed before anything was read of it.
        files[id]?.mustSave = true
        files[id]?.waitsFor = before
        files[id]?.mayBeCopy = finding.status.size == 0
    }

    /// A file that was found empty may have been the beginning of a copy, as `cp` makes it: what it holds by now tells.
    mutating func adoptCopy(_ id: UInt64, _ now: Duration) {
        guard let file = files[id], file.mayBeCopy, let status = try? FileStatus(of: file.path), status.size > 0 else {
            return
        }
        files[id]?.mayBeCopy = false
        guard status.identity == file.position.identity, let open = try? openFile(file.path) else { return }
        let finding = Finding(path: file.path, status: status)
        for other in filesAlike(open) where other != id {
            guard let original = files[other], original.state != .missing,
                let copy = try? copyPosition(finding, open, of: original)
            else { continue }
            files[id]?.position = copy
            files[id]?.restart = copy
            index.note(id, copy)
            guard original.state == .leaving else { return }
            files[id]?.continues = (other, copy.offset)
            files[id]?.waitsFor.append(other)
            return
        }
    }

    /// The files that had that path before and still have something to say, the oldest first.
    private mutating func leftBehind(_ path: String, _ home: String) -> [UInt64] {
        let left = filesThatLeft(path) + (home == path ? [] : filesThatLeft(home))
        return left.sorted().filter { id in
            guard let file = files[id], file.state != .missing else { return false }
            return file.path != path || file.state == .leaving
        }
    }

    /// The beginning of the last line, which is not complete yet, or the end.
    private mutating func moveToEnd(_ position: inout FilePosition, _ open: LocalFile) {
        guard let size = try? FileStatus(of: open).size, size > 0 else { return }
        let length = min(size, 1 << 20)
        scratch.removeAll()
        guard (try? open.read(into: &scratch, at: size - length, count: length)) == length else { return }
        var end = length
        while end > 0, scratch[end - 1] != UInt8(ascii: "\n") { end -= 1 }
        // Without a line's beginning in reach the end of the file has to do.
        if end == 0, length < size { end = length }
        position.offset = size - length + end
        position.markerHash = FilePosition.hash(scratch.span(max(0, end - FilePosition.markerMax)..<end))
        _ = try? position.checkPrefix(open, &scratch)
    }
}
