#if canImport(Glibc)
import Glibc
#endif

/// What the kernel tells of a file.
package struct FileStatus: Sendable, Equatable {
    package let identity: FileIdentity
    /// Bytes.
    package let size: Int
    /// When its bytes were last changed.
    package let modified: Nanoseconds
    /// It is a file proper: no directory, pipe, socket or device.
    package let isRegular: Bool
    package let isDirectory: Bool
    /// How many names it has; 0 for an open file that was removed.
    package let links: Int
    /// The group that it belongs to.
    package let group: UInt32

    /// Of what `path` leads to, links followed.
    package init(of path: String) throws(SystemError) {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { throw .last("stat", path) }
        self.init(status)
    }

    package init(of file: LocalFile) throws(SystemError) {
        var status = stat()
        guard unsafe fstat(file.descriptor, &status) == 0 else { throw .last("fstat", file.path) }
        self.init(status)
    }

    private init(_ status: stat) {
        identity = FileIdentity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
        size = Int(status.st_size)
        modified = Nanoseconds(status.st_mtim)
        isRegular = status.st_mode & S_IFMT == S_IFREG
        isDirectory = status.st_mode & S_IFMT == S_IFDIR
        links = Int(status.st_nlink)
        group = status.st_gid
    }

    /// Whether the last component of `path` is a symbolic link.
    package static func isSymbolicLink(_ path: String) -> Bool {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else { return false }
        return status.st_mode & S_IFMT == S_IFLNK
    }

    /// `path` from the root on and without symbolic links, or as it is when it leads nowhere.
    package static func resolve(_ path: String) -> String {
        guard let resolved = unsafe realpath(path, nil) else { return path }
        defer { unsafe free(resolved) }
        return unsafe String(cString: resolved)
    }
}

extension LocalFile {
    /// Opens for reading and never waits, not even for the writer of a named pipe.
    package static func openForReading(_ path: String) throws(SystemError) -> LocalFile {
        try LocalFile(path, flags: O_RDONLY | O_NONBLOCK | O_NOCTTY, mode: 0)
    }
}
