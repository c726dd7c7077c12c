internal import ConnlogSystem

/// Finds, at the start, the file that the last commit speaks of.
struct FileSearch {
    enum Outcome: Equatable {
        /// There is no file: make one.
        case missing
        /// The file has the committed name and the committed bytes; after them may be events that were not committed.
        case asCommitted
        /// The file is the committed one, but somebody cut or rewrote it.
        case changed
        /// Another file has the name. All of it may be events that were written and not committed: nothing was ever
        /// committed, or a crash came between a rotation and the next commit.
        case begun
        /// Another file has the name, and the committed one is gone.
        case replaced
        /// The committed file was given this name in the same directory by somebody else, and after the committed
        /// bytes are more.
        case moved(String)
    }

    let disk: any LogFileSystem
    let path: String
    let directory: String
    let pattern: RotatedName

    func run(_ commit: FileCommit?) throws(SystemError) -> Outcome {
        let status = try disk.status(path)
        guard let commit else { return status == nil ? .missing : .begun }
        if let status, status.identity.inode == commit.identity.inode {
            return try holds(path, status, commit) ? .asCommitted : .changed
        }
        let name = try committedName(commit)
        // What we rotate away was committed to its last byte before. Asked before any bytes are compared: where all lines
        // are of one length and end alike, the file begun since may well look as the committed one did.
        if let name, let rotated = pattern.parse(name), rotated.number > commit.rotation {
            return status == nil ? .missing : .begun
        }
        // A file restored from a copy has another inode; the bytes before the committed length prove it.
        if let status, commit.length > 0, try holds(path, status, commit) { return .asCommitted }
        if let name { return try elsewhere(name, commit, status) }
        return status == nil ? .missing : .replaced
    }

    /// Whether the committed bytes are there: the file is long enough, and its last bytes before the length are those.
    private func holds(_ path: String, _ status: LogFileStatus, _ commit: FileCommit) throws(SystemError) -> Bool {
        guard status.kind == .regular, status.size >= commit.length else { return false }
        return try LogFile.marker(disk.open(path, .read), before: commit.length) == commit.marker
    }

    private func elsewhere(
        _ name: String, _ commit: FileCommit, _ status: LogFileStatus?
    ) throws(SystemError) -> Outcome {
        let rest: Outcome = status == nil ? .missing : .begun
        let moved = FilePath.join(directory, name)
        guard let found = try disk.status(moved), found.size > commit.length, try holds(moved, found, commit) else {
            return rest
        }
        return .moved(moved)
    }

    /// The name in the directory that the committed file has now.
    private func committedName(_ commit: FileCommit) throws(SystemError) -> String? {
        for name in try disk.list(directory) {
            let status = try disk.status(FilePath.join(directory, name))
            if status?.identity.inode == commit.identity.inode, status?.kind == .regular { return name }
        }
        return nil
    }
}
