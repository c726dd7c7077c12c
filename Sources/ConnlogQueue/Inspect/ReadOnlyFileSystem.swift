internal import ConnlogSystem

/// A disk that can be looked at and not changed: whatever goes through it cannot disturb the process that owns the files.
struct ReadOnlyFileSystem: FileSystem {
    let base: any FileSystem

    func open(_ path: String, _ mode: OpenMode) throws(SystemError) -> any OpenFile {
        guard mode != .createNew else { throw ReadOnlyFileSystem.refusal("open", path) }
        return ReadOnlyFile(base: try base.open(path, .read), path: path)
    }

    func list(_ directory: String) throws(SystemError) -> [String] { try base.list(directory) }
    func space(of path: String) throws(SystemError) -> DiskSpace { try base.space(of: path) }

    func createDirectory(_ path: String) throws(SystemError) { throw ReadOnlyFileSystem.refusal("mkdir", path) }
    func rename(_ path: String, to newPath: String) throws(SystemError) {
        throw ReadOnlyFileSystem.refusal("rename", path)
    }
    func remove(_ path: String) throws(SystemError) { throw ReadOnlyFileSystem.refusal("unlink", path) }
    func syncDirectory(_ path: String) throws(SystemError) { throw ReadOnlyFileSystem.refusal("fsync", path) }
    func lock(_ path: String) throws(SystemError) -> any FileLock { throw ReadOnlyFileSystem.refusal("flock", path) }

    static func refusal(_ call: String, _ path: String) -> SystemError {
        SystemError(code: Errno.readOnly, call: call, subject: path)
    }
}

/// One of its files.
private struct ReadOnlyFile: OpenFile {
    let base: any OpenFile
    let path: String

    func read(into buffer: inout ByteBuffer, at position: Int, count: Int) throws(SystemError) -> Int {
        try base.read(into: &buffer, at: position, count: count)
    }

    func write(_ buffer: ByteBuffer, _ range: Range<Int>, at position: Int) throws(SystemError) -> Int {
        throw ReadOnlyFileSystem.refusal("write", path)
    }

    func sync() throws(SystemError) { throw ReadOnlyFileSystem.refusal("fdatasync", path) }
    func size() throws(SystemError) -> Int { try base.size() }
    func truncate(to size: Int) throws(SystemError) { throw ReadOnlyFileSystem.refusal("ftruncate", path) }
    func identity() throws(SystemError) -> FileIdentity { try base.identity() }
}
