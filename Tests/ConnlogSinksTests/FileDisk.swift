import ConnlogSystem

/// A disk in memory for log files. It keeps what is synced apart from what is merely written, for bytes and for names,
/// and can die, fail or write short at any call.
///
/// `@unchecked Sendable`: `contents` is touched only while `lock` is held.
final class FileDisk: LogFileSystem, @unchecked Sendable {
    /// What happens at one call instead of what was asked for.
    enum Fault: Sendable {
        /// The call and all after it do nothing: the process is gone. With `after`, the call itself was still done.
        case death(after: Bool)
        case error(Int32)
        /// A write that takes only half; for other calls nothing.
        case short
    }

    private var contents: DiskContents
    private let lock = ConditionLock()

    init(_ contents: DiskContents = DiskContents()) {
        self.contents = contents
    }

    fileprivate func withLock<Value>(_ body: (inout DiskContents) -> Value) -> Value {
        lock.lock()
        defer { lock.unlock(waking: false) }
        return body(&contents)
    }

    var isDead: Bool { withLock { $0.isDead } }
    var calls: Int { withLock { $0.log.count } }
    var log: [String] { withLock { $0.log } }

    /// - Parameter call: counted from 0.
    func fail(_ call: Int, _ fault: Fault) { withLock { $0.faults[call] = fault } }

    /// From now on each call of this name fails, until `nil` is set.
    func failAll(_ name: String, _ code: Int32?) { withLock { $0.failing[name] = code } }

    /// What is there after the process died and started again.
    func afterDeath() -> FileDisk { FileDisk(withLock { $0.revived() }) }

    /// What is there after the power failed: any part of what was not synced.
    func afterPowerFailure(_ generator: inout some RandomNumberGenerator) -> FileDisk {
        FileDisk(withLock { $0.survivors(&generator) })
    }

    /// All files by name.
    var files: [String: [UInt8]] { withLock { disk in disk.names.mapValues { disk.nodes[$0]?.bytes ?? [] } } }

    func inode(_ path: String) -> Int? { withLock { $0.names[path] } }

    func edit(_ path: String, _ change: (inout [UInt8]) -> Void) {
        withLock { disk in
            if disk.names[path] == nil { disk.create(path) }
            if let node = disk.names[path] { disk.edit(node, change) }
        }
    }

    /// As somebody else does it, with `mv`.
    func move(_ path: String, to newPath: String) {
        withLock { disk in
            disk.names[newPath] = disk.names[path]
            disk.names[path] = nil
            disk.durableNames = disk.names
        }
    }

    // MARK: LogFileSystem

    fileprivate func call<Value>(
        _ name: String, _ path: String, _ body: (inout DiskContents, Fault?) throws(SystemError) -> Value
    ) throws(SystemError) -> Value {
        let outcome: Result<Value, SystemError> = withLock { disk in
            do throws(SystemError) { return .success(try disk.call(name, path, body)) } catch { return .failure(error) }
        }
        return try outcome.get()
    }

    func status(_ path: String) throws(SystemError) -> LogFileStatus? {
        try call("lstat", path) { (disk, _) throws(SystemError) in
            guard let node = disk.names[path], let found = disk.nodes[node] else { return nil }
            return LogFileStatus(
                identity: FileIdentity(device: 1, inode: UInt64(node)), kind: .regular, size: found.bytes.count,
                modified: found.modified)
        }
    }

    func open(_ path: String, _ mode: OpenMode) throws(SystemError) -> any OpenFile {
        guard mode == .createNew else { return try openAppending(path, appends: false) }
        let node = try call("create", path) { (disk, _) throws(SystemError) in
            guard disk.names[path] == nil else { throw DiskContents.error(Errno.exists, "create", path) }
            return disk.create(path)
        }
        return FileDiskFile(disk: self, path: path, node: node, appends: false)
    }

    func openAppending(_ path: String) throws(SystemError) -> any OpenFile { try openAppending(path, appends: true) }

    private func openAppending(_ path: String, appends: Bool) throws(SystemError) -> any OpenFile {
        let node = try call("open", path) { (disk, _) throws(SystemError) in
            guard let node = disk.names[path] else { throw DiskContents.error(Errno.notFound, "open", path) }
            return node
        }
        return FileDiskFile(disk: self, path: path, node: node, appends: appends)
    }

    func createAppending(_ path: String, permissions: UInt32) throws(SystemError) -> any OpenFile {
        let node = try call("create", path) { (disk, _) throws(SystemError) in
            guard disk.names[path] == nil else { throw DiskContents.error(Errno.exists, "create", path) }
            return disk.create(path)
        }
        return FileDiskFile(disk: self, path: path, node: node, appends: true)
    }

    func openStream(_ path: String) throws(SystemError) -> any OpenFile {
        throw DiskContents.error(Errno.notFound, "open", path)
    }

    func renameNew(_ path: String, to newPath: String) throws(SystemError) {
        try call("rename", path) { (disk, _) throws(SystemError) in
            guard disk.names[newPath] == nil else { throw DiskContents.error(Errno.exists, "rename", newPath) }
            try disk.rename(path, newPath)
        }
    }

    func rename(_ path: String, to newPath: String) throws(SystemError) {
        try call("rename", path) { (disk, _) throws(SystemError) in try disk.rename(path, newPath) }
    }

    func remove(_ path: String) throws(SystemError) {
        try call("remove", path) { (disk, _) throws(SystemError) in
            guard disk.names[path] != nil else { throw DiskContents.error(Errno.notFound, "remove", path) }
            disk.apply(.remove(path))
        }
    }

    func syncDirectory(_ path: String) throws(SystemError) {
        try call("syncdir", path) { (disk, _) in disk.syncNames(of: path) }
    }

    func setModified(_ path: String, _ time: Nanoseconds) throws(SystemError) {
        try call("utimens", path) { (disk, _) in
            if let node = disk.names[path] { disk.nodes[node]?.modified = time }
        }
    }

    func createDirectory(_ path: String, permissions: UInt32) throws(SystemError) {}
    func createDirectory(_ path: String) throws(SystemError) {}

    func list(_ directory: String) throws(SystemError) -> [String] {
        try call("list", directory) { (disk, _) in
            disk.names.keys.filter { LocalFileSystem.parent(of: $0) == directory }
                .map { String($0.dropFirst(directory.count + 1)) }
        }
    }

    /// Nobody else is on this machine.
    func lock(_ path: String) throws(SystemError) -> any FileLock { FileDiskLock() }

    func space(of path: String) throws(SystemError) -> DiskSpace { DiskSpace(available: .max, total: .max) }
}

private final class FileDiskLock: FileLock {}

private final class FileDiskFile: OpenFile {
    let disk: FileDisk
    let path: String
    let node: Int
    let appends: Bool

    init(disk: FileDisk, path: String, node: Int, appends: Bool) {
        self.disk = disk
        self.path = path
        self.node = node
        self.appends = appends
    }

    func read(into buffer: inout ByteBuffer, at position: Int, count: Int) throws(SystemError) -> Int {
        let found = try disk.call("read", path) { (disk, _) in
            Array((disk.nodes[node]?.bytes ?? []).dropFirst(position).prefix(count))
        }
        buffer.append(contentsOf: found)
        return found.count
    }

    func write(_ buffer: ByteBuffer, _ range: Range<Int>, at position: Int) throws(SystemError) -> Int {
        let bytes = Array(buffer.array[range])
        return try disk.call("write", path) { (disk, fault) in
            var some = bytes[...]
            if case .short = fault { some = bytes.prefix((bytes.count + 1) / 2) }
            disk.write(node, Array(some), at: appends ? disk.nodes[node]?.bytes.count ?? 0 : position)
            return some.count
        }
    }

    func sync() throws(SystemError) {
        do throws(SystemError) {
            try disk.call("fdatasync", path) { (disk, _) in disk.nodes[node]?.sync() }
        } catch {
            // As Linux does it: the pages count as clean although they never got to the disk.
            disk.withLock { disk in disk.nodes[node]?.dirty = [] }
            throw error
        }
    }

    func size() throws(SystemError) -> Int {
        try disk.call("fstat", path) { (disk, _) in disk.nodes[node]?.bytes.count ?? 0 }
    }

    func truncate(to size: Int) throws(SystemError) {
        try disk.call("ftruncate", path) { (disk, _) in
            disk.edit(node) { $0.removeSubrange(min(size, $0.count)...) }
        }
    }

    func identity() throws(SystemError) -> FileIdentity { FileIdentity(device: 1, inode: UInt64(node)) }
}
