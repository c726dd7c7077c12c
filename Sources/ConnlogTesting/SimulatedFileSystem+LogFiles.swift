public import ConnlogSystem

/// What log files ask of a disk beyond what the queue does, so that both can live, and die, on one.
extension SimulatedFileSystem: LogFileSystem {
    /// What stands under a path: see `LogFileSystem.status(_:)`.
    public func status(_ path: String) throws(SystemError) -> LogFileStatus? {
        try call("lstat", path, changes: false) { disk in
            guard let node = disk.names[path] else { return nil }
            return LogFileStatus(
                identity: FileIdentity(device: 1, inode: UInt64(node)), kind: .regular,
                size: disk.nodes[node].written.count, modified: disk.nodes[node].modified)
        }
    }

    /// Opens a file to append to it: see `LogFileSystem.openAppending(_:)`.
    public func openAppending(_ path: String) throws(SystemError) -> any OpenFile {
        let node = try call("open", path, changes: false) { (disk) throws(SystemError) in
            try disk.open(path, .readWrite)
        }
        return SimulatedFile(self, node, path, appends: true)
    }

    /// Makes a file to append to: see `LogFileSystem.createAppending(_:permissions:)`.
    public func createAppending(_ path: String, permissions: UInt32) throws(SystemError) -> any OpenFile {
        let node = try call("create", path, changes: true) { (disk) throws(SystemError) in
            try disk.open(path, .createNew)
        }
        return SimulatedFile(self, node, path, appends: true)
    }

    /// There are only regular files here.
    public func openStream(_ path: String) throws(SystemError) -> any OpenFile {
        throw SystemError(code: Errno.notFound, call: "open", subject: path)
    }

    /// Renames, unless the new name is taken: see `LogFileSystem.renameNew(_:to:)`.
    public func renameNew(_ path: String, to newPath: String) throws(SystemError) {
        try call("renameat2", path, changes: true) { (disk) throws(SystemError) in
            guard disk.names[newPath] == nil else {
                throw SystemError(code: Errno.exists, call: "rename", subject: newPath)
            }
            try disk.rename(path, newPath)
        }
    }

    /// Makes a directory with these permissions: see `LogFileSystem`.
    public func createDirectory(_ path: String, permissions: UInt32) throws(SystemError) {
        try createDirectory(path)
    }

    /// Sets the time of the last change.
    public func setModified(_ path: String, _ time: Nanoseconds) throws(SystemError) {
        try call("utimensat", path, changes: true) { disk in
            if let node = disk.names[path] { disk.nodes[node].modified = time }
        }
    }
}
