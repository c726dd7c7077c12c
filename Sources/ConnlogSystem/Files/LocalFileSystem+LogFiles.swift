private import CConnlog
#if canImport(Glibc)
import Glibc
#endif

extension LocalFileSystem: LogFileSystem {
    /// What stands under a path: see `LogFileSystem.status(_:)`.
    public func status(_ path: String) throws(SystemError) -> LogFileStatus? {
        var result = stat()
        guard unsafe lstat(path, &result) == 0 else {
            if errorNumber == ENOENT || errorNumber == ENOTDIR { return nil }
            throw .last("lstat", path)
        }
        return LogFileStatus(
            identity: FileIdentity(device: UInt64(result.st_dev), inode: UInt64(result.st_ino)),
            kind: LocalFileSystem.kind(result.st_mode), size: Int(result.st_size),
            modified: Nanoseconds(result.st_mtim), permissions: result.st_mode & 0o777, links: Int(result.st_nlink))
    }

    /// Opens a file to append to it: see `LogFileSystem.openAppending(_:)`.
    public func openAppending(_ path: String) throws(SystemError) -> any OpenFile {
        try LocalFile(path, flags: O_RDWR | O_APPEND | connlog_O_NOFOLLOW, mode: 0)
    }

    /// Makes a file to append to: see `LogFileSystem.createAppending(_:permissions:)`.
    public func createAppending(_ path: String, permissions: UInt32) throws(SystemError) -> any OpenFile {
        let flags = O_RDWR | O_APPEND | O_CREAT | O_EXCL | connlog_O_NOFOLLOW
        let file = try LocalFile(path, flags: flags, mode: permissions & 0o600)
        guard fchmod(file.descriptor, permissions) == 0 else { throw .last("fchmod", path) }
        return file
    }

    /// Opens what is no regular file: see `LogFileSystem.openStream(_:)`.
    public func openStream(_ path: String) throws(SystemError) -> any OpenFile {
        // O_NONBLOCK makes opening a FIFO without a reader fail instead of waiting; writes shall wait again.
        let file = try LocalFile(path, flags: O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY, mode: 0)
        guard connlog_clear_nonblocking(file.descriptor) == 0 else { throw .last("fcntl", path) }
        return LocalStream(file)
    }

    /// Renames, unless the new name is taken: see `LogFileSystem.renameNew(_:to:)`.
    public func renameNew(_ path: String, to newPath: String) throws(SystemError) {
        if unsafe connlog_rename_new(path, newPath) == 0 { return }
        // Some network file systems cannot do it in one step. Nobody but us makes names of this pattern, so a look
        // before the ordinary rename is enough there.
        guard errorNumber == EINVAL || errorNumber == ENOSYS else { throw .last("rename", path) }
        guard try status(newPath) == nil else { throw SystemError(code: EEXIST, call: "rename", subject: newPath) }
        try rename(path, to: newPath)
    }

    /// Makes a directory with these permissions: see `LogFileSystem`.
    public func createDirectory(_ path: String, permissions: UInt32) throws(SystemError) {
        let parent = LocalFileSystem.parent(of: path)
        if unsafe mkdir(path, permissions & 0o700) == 0 {
            guard unsafe chmod(path, permissions) == 0 else { throw .last("chmod", path) }
            return try syncDirectory(parent)
        }
        switch errorNumber {
        case EEXIST: return
        case ENOENT where parent != path:
            try createDirectory(parent, permissions: permissions)
            try createDirectory(path, permissions: permissions)
        default: throw .last("mkdir", path)
        }
    }

    /// Sets the time of the last change.
    public func setModified(_ path: String, _ time: Nanoseconds) throws(SystemError) {
        // Rounded down, since nanoseconds are never negative.
        let (quotient, remainder) = time.quotientAndRemainder(dividingBy: 1_000_000_000)
        let stamp = timespec(
            tv_sec: Int(remainder < 0 ? quotient - 1 : quotient),
            tv_nsec: Int(remainder < 0 ? remainder + 1_000_000_000 : remainder))
        let times = [stamp, stamp]
        let failed = unsafe times.withUnsafeBufferPointer { unsafe utimensat(AT_FDCWD, path, $0.baseAddress, 0) }
        guard failed == 0 else { throw .last("utimensat", path) }
    }

    private static func kind(_ mode: mode_t) -> LogFileStatus.Kind {
        switch mode & S_IFMT {
        case S_IFREG: .regular
        case S_IFDIR: .directory
        case S_IFLNK: .symbolicLink
        default: .other
        }
    }
}

/// A FIFO, a terminal or a device: bytes go in one after another, and that is all.
private final class LocalStream: OpenFile {
    private let file: LocalFile

    init(_ file: LocalFile) { self.file = file }

    func read(into buffer: inout ByteBuffer, at position: Int, count: Int) throws(SystemError) -> Int { 0 }

    func write(_ buffer: ByteBuffer, _ range: Range<Int>, at position: Int) throws(SystemError) -> Int {
        try unsafe buffer.withUnsafeBytes(range) { (memory) throws(SystemError) in
            while true {
                let written = unsafe Glibc.write(file.descriptor, memory.baseAddress, memory.count)
                if written >= 0 { return written }
                if errorNumber != EINTR { throw .last("write", file.path) }
            }
        }
    }

    func sync() throws(SystemError) {}
    func size() throws(SystemError) -> Int { 0 }
    func truncate(to size: Int) throws(SystemError) {}
    func identity() throws(SystemError) -> FileIdentity { try file.identity() }
}
