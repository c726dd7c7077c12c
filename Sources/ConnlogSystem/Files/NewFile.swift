import Synchronization

/// A file that has its name only once it is whole: it is written under another one beside it, synced, and renamed.
package final class NewFile: Sendable {
    private struct State {
        var bytes = 0
        var problem: SystemError?
    }

    private let path: String
    private let part: String
    private let file: any OpenFile
    private let state = Mutex(State())

    /// - Throws: `Errno.exists` where there is a file of that name, or what forbids one.
    package init(_ path: String) throws(SystemError) {
        let disk = LocalFileSystem()
        if (try? disk.open(path, .read)) != nil { throw SystemError(code: Errno.exists, call: "open", subject: path) }
        self.path = path
        part = path + ".part"
        // What is left of a run that was killed.
        if (try? disk.open(part, .read)) != nil { try disk.remove(part) }
        file = try disk.open(part, .createNew)
    }

    /// How many have been written.
    package var bytes: Int { state.withLock { $0.bytes } }

    /// Writes at the end. What goes wrong is told at the end.
    package func write(_ bytes: [UInt8]) {
        let buffer = ByteBuffer(bytes)
        state.withLock { state in
            var done = 0
            do throws(SystemError) {
                while done < buffer.count, state.problem == nil {
                    done += try file.write(buffer, done..<buffer.count, at: state.bytes + done)
                }
                state.bytes += done
            } catch { state.problem = error }
        }
    }

    /// Gives it its name.
    package func finish() throws(SystemError) {
        if let problem = state.withLock({ $0.problem }) { throw problem }
        try file.sync()
        try LocalFileSystem().renameNew(part, to: path)
        try LocalFileSystem().syncDirectory(LocalFileSystem.parent(of: path))
    }

    /// Leaves nothing after.
    package func abandon() { try? LocalFileSystem().remove(part) }
}
