import ConnlogCore
import ConnlogSystem

/// Opening: what the last commit speaks of is looked for, and what is there is gone on with, or made.
extension FileSink {
    func openTarget(_ committed: [UInt8]) throws(SystemError) {
        state = committed
        let status = try disk.status(options.path)
        if DevicePath.isOne(options.path) || status?.kind == .other {
            stream = StreamTarget(try disk.openStream(options.path))
            return
        }
        if status?.kind == .symbolicLink {
            throw SystemError(code: Errno.symbolicLink, call: "open", subject: options.path)
        }
        if let links = status?.links, links > 1 { report.otherNames(options.path, links - 1) }
        try disk.createDirectory(directory, permissions: 0o750)
        if !wasOpened { try rotated.removeTemporaries() }
        wasOpened = true
        try openFile(commit(committed))
    }

    private func commit(_ committed: [UInt8]) -> FileCommit? {
        if committed.isEmpty { return nil }
        if let commit = FileCommit(committed) { return commit }
        report.log(.error, "\(options.path): the committed state is not known to this version; events may be repeated")
        return nil
    }

    private func openFile(_ commit: FileCommit?) throws(SystemError) {
        // The delivery may come back to the last commit at any time.
        (sends, sendsAtPoint, sendsCommitted) = (0, 0, 0)
        rotated.prune()
        let leftovers = try rotated.list().filter { !$0.isTemporary }
        rotation = max(commit?.rotation ?? 0, leftovers.last?.number ?? 0)
        let search = FileSearch(disk: disk, path: options.path, directory: directory, pattern: pattern)
        let found = try search.run(commit)
        try openFound(found, commit)
        let plain = leftovers.filter { !$0.isCompressed }.map(\.name)
        // What the last commit speaks of stays as it is until the next.
        rotatedSince = found == .asCommitted ? [] : plain.suffix(1)
        rotatedAtPoint = []
        keeper.submit(plain.dropLast(rotatedSince.count))
        nextLook = clock.uptime() + FileSink.second
        if case .moved = found { nextLook = .min }
    }

    private func openFound(_ found: FileSearch.Outcome, _ commit: FileCommit?) throws(SystemError) {
        let path = options.path
        let known = commit != nil
        switch found {
        case .missing:
            try create()
        case .asCommitted:
            file = try existing(path, from: commit?.length, begun: commit?.begun, knowsTail: known)
        case .changed:
            report.foreignChange(path, "was cut or rewritten")
            file = try existing(path, from: nil)
        case .begun:
            file = try existing(path, from: 0, knowsTail: known)
        case .replaced:
            report.foreignChange(path, "was replaced")
            file = try existing(path, from: 0, knowsTail: known)
        case .moved(let name):
            report.foreignChange(path, "was moved to \(name)")
            file = try existing(name, from: commit?.length, begun: commit?.begun, knowsTail: known)
        }
    }

    private func existing(
        _ path: String, from length: Int?, begun: Nanoseconds? = nil, knowsTail: Bool = false
    ) throws(SystemError) -> LogFile {
        let opened = try disk.openAppending(path)
        let modified = try disk.status(path)?.modified
        return try LogFile(
            opened, path: path, length: length, begun: begun ?? modified ?? clock.now(), knowsTail: knowsTail,
            disk: disk, report: report)
    }

    func create() throws(SystemError) {
        directoryIsDirty = true
        let created = try disk.createAppending(options.path, permissions: options.permissions)
        file = try LogFile(
            created, path: options.path, length: 0, begun: clock.now(), disk: disk, report: report)
    }

    /// Opens what has the name now, or makes it. Everything before is committed.
    func openByName() throws(SystemError) {
        if try disk.status(options.path) == nil { return try create() }
        file = try existing(options.path, from: nil)
    }
}
