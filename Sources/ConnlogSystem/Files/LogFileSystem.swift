/// What files that people read, move and compress ask of a disk beyond `FileSystem`.
public protocol LogFileSystem: FileSystem {
    /// What a name stands for, symbolic links not followed; `nil` when nothing has the name.
    func status(_ path: String) throws(SystemError) -> LogFileStatus?

    /// Opens a file that exists for reading and appending (O_APPEND): each write goes to the end, wherever that is.
    func openAppending(_ path: String) throws(SystemError) -> any OpenFile

    /// Makes a file for reading and appending with exactly these permissions, whatever the umask says.
    /// - Throws: `Errno.exists` where the name is taken.
    func createAppending(_ path: String, permissions: UInt32) throws(SystemError) -> any OpenFile

    /// Opens what is not a regular file (a FIFO, a terminal, /dev/null) for writing; positions mean nothing there.
    /// - Throws: for a FIFO that nobody reads, at once.
    func openStream(_ path: String) throws(SystemError) -> any OpenFile

    /// Gives a file another name, never replacing what has it.
    /// - Throws: `Errno.exists` where the name is taken.
    func renameNew(_ path: String, to newPath: String) throws(SystemError)

    /// Makes a directory and its missing parents with exactly these permissions, whatever the umask says, and syncs each parent it changed.
    func createDirectory(_ path: String, permissions: UInt32) throws(SystemError)

    /// Sets when a file was last changed.
    func setModified(_ path: String, _ time: Nanoseconds) throws(SystemError)
}

/// What is known about a file by its name.
public struct LogFileStatus: Sendable, Equatable {
    /// What stands under a name.
    public enum Kind: Sendable, Equatable { case regular, directory, symbolicLink, other }

    /// Which file it is.
    public let identity: FileIdentity
    /// What it is.
    public let kind: Kind
    /// Bytes.
    public let size: Int
    /// When it was last written; nanoseconds since 1970.
    public let modified: Nanoseconds
    /// The lower nine bits of the mode; 0 where that is not known.
    public let permissions: UInt32
    /// How many names it has.
    public let links: Int

    /// What is said of a file.
    public init(
        identity: FileIdentity, kind: Kind, size: Int, modified: Nanoseconds, permissions: UInt32 = 0, links: Int = 1
    ) {
        self.identity = identity
        self.kind = kind
        self.size = size
        self.modified = modified
        self.permissions = permissions
        self.links = links
    }
}
