internal import ConnlogCore
internal import ConnlogSystem

/// Compresses and removes log files that were rotated away. Slow; the sink calls it from a thread of its own.
struct RotatedFiles: Sendable {
    let disk: any LogFileSystem
    let directory: String
    let pattern: RotatedName
    let compresses: Bool
    /// How many rotated files stay; 0 keeps all.
    let keep: Int
    let permissions: UInt32
    let counters: FileCounters
    let log: LogFunction

    private static let pieceBytes = 1 << 20

    /// The rotated files in the directory, the oldest first; temporary ones too.
    func list() throws(SystemError) -> [RotatedName.Parsed] {
        try disk.list(directory).compactMap(pattern.parse).sorted { ($0.number, $0.name) < ($1.number, $1.name) }
    }

    /// Removes what a crash left half compressed.
    func removeTemporaries() throws(SystemError) {
        for file in try list() where file.isTemporary { try disk.remove(path(file.name)) }
    }

    /// Compresses one rotated file, if that is wanted, and removes the oldest beyond `keep`. Failures are told, counted
    /// and left for the next start; they lose nothing.
    func tidy(_ name: String, mayGoOn: (Int) -> Bool) {
        if compresses { compressTelling(name, mayGoOn) }
        prune()
    }

    /// Removes the oldest files beyond `keep`. One that exists plain and compressed counts once.
    func prune() {
        guard keep > 0 else { return }
        do throws(SystemError) {
            let files = try list().filter { !$0.isTemporary }
            let numbers = Set(files.map(\.number)).sorted()
            let doomed = Set(numbers.dropLast(keep))
            for file in files where doomed.contains(file.number) {
                try disk.remove(path(file.name))
                counters.add(\.pruned)
            }
        } catch {
            counters.add(\.pruneFailures)
            log(.warning, "an old log file could not be removed: \(error); it is tried again after the next rotation")
        }
    }

    func path(_ name: String) -> String { FilePath.join(directory, name) }

    private func compressTelling(_ name: String, _ mayGoOn: (Int) -> Bool) {
        do throws(SystemError) {
            if try compress(name, mayGoOn) { counters.add(\.compressed) }
        } catch {
            counters.add(\.compressFailures)
            log(.warning, "\(path(name)) stays uncompressed: \(error); it is tried again at the next start")
        }
    }

    /// - Parameter mayGoOn: asked with the bytes still to read, before each piece.
    /// - Returns: whether it was compressed to its end.
    private func compress(_ name: String, _ mayGoOn: (Int) -> Bool) throws(SystemError) -> Bool {
        guard let source = try disk.status(path(name)) else { return false }
        let target = path(name + ".gz")
        // A whole `.gz` has this name only after it was synced, so the source is what a crash left behind.
        if try disk.status(target) == nil {
            let temporary = target + ".tmp"
            guard try writeCompressed(path(name), to: temporary, mayGoOn) else {
                try disk.remove(temporary)
                return false
            }
            try disk.setModified(temporary, source.modified)
            try disk.rename(temporary, to: target)
        }
        // Also when an earlier process gave it its name and was killed before this.
        try disk.syncDirectory(directory)
        try disk.remove(path(name))
        return true
    }

    private func writeCompressed(
        _ source: String, to target: String, _ mayGoOn: (Int) -> Bool
    ) throws(SystemError) -> Bool {
        let input = try disk.open(source, .read)
        let total = try input.size()
        if try disk.status(target) != nil { try disk.remove(target) }
        let output = try disk.createAppending(target, permissions: permissions)
        let gzip = Gzip()
        let pieceBytes = min(total, RotatedFiles.pieceBytes)
        var plain = ByteBuffer(capacity: pieceBytes)
        var packed = ByteBuffer()
        var written = 0
        var position = 0
        while mayGoOn(total - position) {
            plain.removeAll()
            packed.removeAll()
            let got = try input.read(into: &plain, at: position, count: pieceBytes)
            position += got
            if got == 0 { gzip.finish(into: &packed) } else { gzip.update(plain.span, into: &packed) }
            written += try output.writeAll(packed, at: written)
            if got > 0 { continue }
            try output.sync()
            return true
        }
        return false
    }
}

extension OpenFile {
    /// Writes everything, however many calls that takes; returns how much that was.
    func writeAll(_ buffer: ByteBuffer, at position: Int) throws(SystemError) -> Int {
        var done = 0
        while done < buffer.count {
            let written = try write(buffer, done..<buffer.count, at: position + done)
            // No system does this for a file; going round for ever would be the worst answer.
            guard written > 0 else { throw SystemError(code: Errno.noSpace, call: "write", subject: "file") }
            done += written
        }
        return done
    }
}

/// Paths as text.
enum FilePath {
    static func join(_ directory: String, _ name: String) -> String {
        directory == "/" ? "/" + name : directory == "." ? name : directory + "/" + name
    }

    static func name(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return path }
        return String(path[path.index(after: slash)...])
    }
}
