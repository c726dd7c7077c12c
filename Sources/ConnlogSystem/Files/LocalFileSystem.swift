private import CConnlog
#if canImport(Glibc)
import Glibc
#endif

/// The machine's own file system.
public struct LocalFileSystem: FileSystem {
    /// The file system that there is.
    public init() {}

    /// Opens a file: see `FileSystem.open(_:_:)`.
    public func open(_ path: String, _ mode: OpenMode) throws(SystemError) -> any OpenFile {
        let flags =
            switch mode {
            // Whoever put a pipe there must not make anybody wait for its writer.
            case .read: O_RDONLY | O_NONBLOCK | O_NOCTTY
            case .readWrite: O_RDWR
            case .createNew: O_RDWR | O_CREAT | O_EXCL
            }
        return try LocalFile(path, flags: flags, mode: 0o600)
    }

    /// Makes a directory: see `FileSystem.createDirectory(_:)`.
    public func createDirectory(_ path: String) throws(SystemError) {
        if unsafe mkdir(path, 0o700) == 0 { return try syncDirectory(LocalFileSystem.parent(of: path)) }
        switch errorNumber {
        case EEXIST: return
        case ENOENT where LocalFileSystem.parent(of: path) != path:
            try createDirectory(LocalFileSystem.parent(of: path))
            // Once more, not on and on: the parent may be a link that leads nowhere.
            guard unsafe mkdir(path, 0o700) == 0 || errorNumber == EEXIST else { throw .last("mkdir", path) }
            try syncDirectory(LocalFileSystem.parent(of: path))
        default: throw .last("mkdir", path)
        }
    }

    /// The names in a directory: see `FileSystem.list(_:)`.
    public func list(_ directory: String) throws(SystemError) -> [String] {
        guard let stream = unsafe opendir(directory) else { throw .last("opendir", directory) }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { name in
                unsafe name.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }

    /// Renames, over what has the new name: see `FileSystem.rename(_:to:)`.
    public func rename(_ path: String, to newPath: String) throws(SystemError) {
        guard unsafe Glibc.rename(path, newPath) == 0 else { throw .last("rename", path) }
    }

    /// Removes a file.
    public func remove(_ path: String) throws(SystemError) {
        guard unsafe unlink(path) == 0 else { throw .last("unlink", path) }
    }

    /// Makes names durable: see `FileSystem.syncDirectory(_:)`.
    public func syncDirectory(_ path: String) throws(SystemError) {
        try LocalFile(path, flags: O_RDONLY | O_DIRECTORY, mode: 0).syncEverything()
    }

    /// Locks a file for this process: see `FileSystem.lock(_:)`.
    public func lock(_ path: String) throws(SystemError) -> any FileLock {
        let file = try LocalFile(path, flags: O_RDWR | O_CREAT, mode: 0o600)
        guard flock(file.descriptor, LOCK_EX | LOCK_NB) == 0 else { throw .last("flock", path) }
        return LocalLock(file)
    }

    /// Locks the directory itself: see `FileSystem.lockDirectory(_:)`.
    public func lockDirectory(_ path: String) throws(SystemError) -> (any FileLock)? {
        let file = try LocalFile(path, flags: O_RDONLY | O_DIRECTORY, mode: 0)
        guard flock(file.descriptor, LOCK_EX | LOCK_NB) == 0 else { throw .last("flock", path) }
        return LocalLock(file)
    }

    /// The room on the file system of a path.
    public func space(of path: String) throws(SystemError) -> DiskSpace {
        var status = statvfs()
        guard unsafe statvfs(path, &status) == 0 else { throw .last("statvfs", path) }
        let blockBytes = Int(clamping: status.f_frsize)
        // Some that have no end, as in a cloud, say that they have as many blocks as there are numbers.
        func bytes(_ blocks: Int) -> Int {
            let (bytes, overflows) = blocks.multipliedReportingOverflow(by: blockBytes)
            return overflows ? .max : bytes
        }
        return DiskSpace(
            available: bytes(Int(clamping: status.f_bavail)), total: bytes(Int(clamping: status.f_blocks)))
    }

    /// The directory that holds `path`: `.` for a bare name, `/` for the root.
    package static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}

/// A lock on a file of the machine; it is given up with the last reference.
private final class LocalLock: FileLock {
    private let file: LocalFile

    init(_ file: LocalFile) { self.file = file }

    // Closing alone would not do: a child that another thread has just forked has the file open, and the lock with it, until
    // it executes its program.
    deinit { flock(file.descriptor, LOCK_UN) }
}

/// An open file of the machine; the descriptor is closed with the last reference.
package final class LocalFile: OpenFile {
    package let path: String
    package let descriptor: Int32

    /// Opens with `open(2)` flags; O_CLOEXEC is added.
    package init(_ path: String, flags: Int32, mode: UInt32) throws(SystemError) {
        self.path = path
        descriptor = unsafe Glibc.open(path, flags | connlog_O_CLOEXEC, mode)
        if descriptor < 0 { throw .last("open", path) }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    package func read(into buffer: inout ByteBuffer, at position: Int, count: Int) throws(SystemError) -> Int {
        try unsafe buffer.fill(atMost: count) { (memory) throws(SystemError) in
            while true {
                let got = unsafe pread(descriptor, memory.baseAddress, memory.count, position)
                if got >= 0 { return got }
                if errorNumber != EINTR { throw .last("pread", path) }
            }
        }
    }

    package func write(_ buffer: ByteBuffer, _ range: Range<Int>, at position: Int) throws(SystemError) -> Int {
        try unsafe buffer.withUnsafeBytes(range) { (memory) throws(SystemError) in
            while true {
                let written = unsafe pwrite(descriptor, memory.baseAddress, memory.count, position)
                if written >= 0 { return written }
                if errorNumber != EINTR { throw .last("pwrite", path) }
            }
        }
    }

    package func sync() throws(SystemError) {
        guard fdatasync(descriptor) == 0 else { throw .last("fdatasync", path) }
    }

    /// Data and all metadata (fsync), as a directory needs it.
    func syncEverything() throws(SystemError) {
        guard fsync(descriptor) == 0 else { throw .last("fsync", path) }
    }

    package func size() throws(SystemError) -> Int { Int(try status().st_size) }

    package func truncate(to size: Int) throws(SystemError) {
        guard ftruncate(descriptor, size) == 0 else { throw .last("ftruncate", path) }
    }

    package func identity() throws(SystemError) -> FileIdentity {
        let status = try status()
        return FileIdentity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
    }

    private func status() throws(SystemError) -> stat {
        var result = stat()
        guard unsafe fstat(descriptor, &result) == 0 else { throw .last("fstat", path) }
        return result
    }
}
