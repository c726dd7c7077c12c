/// Everything that the queue, and whoever else must survive a crash, asks of a disk.
///
/// The seam for tests: `LocalFileSystem` is the machine's; a simulated one can crash, tear, fail or fill up at any
/// call. A name (after `open` with `create`, `rename`, `remove`) is durable only after `syncDirectory` on its
/// directory, bytes only after `OpenFile.sync`.
public protocol FileSystem: Sendable {
    /// Opens a file.
    /// - Throws: `Errno.exists` for `.createNew` where the name is taken, `Errno.notFound` for the others where it is not.
    func open(_ path: String, _ mode: OpenMode) throws(SystemError) -> any OpenFile

    /// Makes a directory and its missing parents with mode 0700, and syncs each parent it changed.
    func createDirectory(_ path: String) throws(SystemError)

    /// The names in a directory, without `.` and `..`, in no particular order.
    func list(_ directory: String) throws(SystemError) -> [String]

    /// Gives a file another name, replacing what had it.
    func rename(_ path: String, to newPath: String) throws(SystemError)

    func remove(_ path: String) throws(SystemError)

    /// Makes created, renamed and removed names of a directory durable.
    func syncDirectory(_ path: String) throws(SystemError)

    /// Takes an exclusive lock (flock) on a file that is made when missing; held until the result is released.
    /// - Throws: `Errno.again` when another process holds it.
    func lock(_ path: String) throws(SystemError) -> any FileLock

    /// Takes an exclusive lock (flock) on a directory itself, which nobody can remove and make anew while it is in use
    /// unnoticed, as a file in it can be. `nil` where that is not known.
    /// - Throws: `Errno.again` when another process holds it.
    func lockDirectory(_ path: String) throws(SystemError) -> (any FileLock)?

    /// How much room there is on the file system that holds `path`.
    func space(of path: String) throws(SystemError) -> DiskSpace
}

extension FileSystem {
    /// No lock: the directory cannot be locked here.
    public func lockDirectory(_ path: String) throws(SystemError) -> (any FileLock)? { nil }
}

/// Room on a file system, in bytes.
public struct DiskSpace: Sendable, Equatable {
    /// What an ordinary process could still write.
    public var available: Int
    /// What the whole file system holds.
    public var total: Int

    /// Both in bytes.
    public init(available: Int, total: Int) {
        self.available = available
        self.total = total
    }

    /// How many bytes are to be left free for the machine: what somebody asks for; without that 256 MiB, or a tenth of the
    /// file system where that is less.
    package static func keptFree(_ asked: Int?, of space: DiskSpace?) -> Int {
        asked ?? min(256 << 20, (space?.total ?? 0) / 10)
    }
}

/// What a file is opened for.
public enum OpenMode: Sendable, Equatable {
    case read
    case readWrite
    /// Reading and writing; the name must not exist (O_CREAT | O_EXCL, mode 0600).
    case createNew
}

/// Device and inode: which file a name stands for.
public struct FileIdentity: Sendable, Hashable {
    /// `st_dev`.
    public let device: UInt64
    /// `st_ino`.
    public let inode: UInt64

    /// As the kernel numbers them.
    public init(device: UInt64, inode: UInt64) {
        self.device = device
        self.inode = inode
    }
}

/// An open file. Closed when the last reference goes.
public protocol OpenFile: Sendable {
    /// Appends up to `count` bytes from `position` on to `buffer`; 0 at the end of the file. EINTR is handled inside.
    func read(into buffer: inout ByteBuffer, at position: Int, count: Int) throws(SystemError) -> Int

    /// Writes the bytes of `range` at `position` and returns how many were written, which may be fewer (a full disk).
    func write(_ buffer: ByteBuffer, _ range: Range<Int>, at position: Int) throws(SystemError) -> Int

    /// Makes bytes and size durable (fdatasync). After an error the bytes' fate is unknown: never call it again for them.
    func sync() throws(SystemError)

    func size() throws(SystemError) -> Int
    func truncate(to size: Int) throws(SystemError)
    func identity() throws(SystemError) -> FileIdentity
}

/// A lock that lives as long as the object.
public protocol FileLock: Sendable, AnyObject {}
