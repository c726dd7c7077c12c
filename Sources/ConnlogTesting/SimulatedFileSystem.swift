public import ConnlogSystem
import Synchronization

/// A disk in memory that keeps what is synced apart from what is merely written, for bytes and for names.
///
/// It counts the calls that change something, and can go wrong at any of them: crash, fail, run out of room, write less
/// than asked. After a crash every call fails; `restarted` is the disk as the next process finds it: each unsynced sector
/// (512 bytes) is as it was at the last sync, or as one of the writes since left it; each unsynced change of a name is
/// there or not, in any order. All by the seed.
public final class SimulatedFileSystem: FileSystem {
    package static let sectorBytes = 512

    /// What goes wrong at one call.
    public enum Fault: Sendable, Equatable {
        /// The machine stops in the middle of the call.
        case crash
        /// The call fails with this error number and does nothing. A failed sync brings some sectors to the disk and
        /// forgets the others: the next sync succeeds without them.
        case error(Int32)
        /// A write takes half of its bytes.
        case shortWrite
    }

    private let disk: Mutex<SimulatedDisk>
    private let onCrash = Mutex<(@Sendable () -> Void)?>(nil)

    /// - Parameter seed: decides what a crash takes.
    public init(seed: UInt64 = 0) {
        disk = Mutex(SimulatedDisk(seed: seed))
    }

    private init(_ disk: consuming SimulatedDisk) {
        self.disk = Mutex(disk)
    }

    /// Calls so far that change something.
    public var calls: Int { disk.withLock { $0.calls } }
    /// Calls so far that only read.
    public var reads: Int { disk.withLock { $0.reads } }
    /// Calls that made something durable.
    public var syncs: Int { disk.withLock { $0.syncs } }
    /// Whether it has crashed: every call fails from then on.
    public var hasCrashed: Bool { disk.withLock { $0.hasCrashed } }
    /// One line for each call that changes something, for a failure's message.
    package var trace: [String] {
        disk.withLock { disk in disk.trace.enumerated().map { "\($0 + 1) \($1.call) \($1.path)" } }
    }
    /// Bytes of all files now, and the most there ever were.
    public var usedBytes: Int { disk.withLock { $0.usedBytes } }
    package var peakBytes: Int { disk.withLock { $0.peakBytes } }

    /// What goes wrong at the call with this number, counted from 1.
    public func fail(_ fault: Fault, atCall call: Int) { disk.withLock { $0.faults[call] = fault } }

    /// The reading call with this number, counted from 1, fails.
    public func failRead(_ code: Int32, atRead read: Int) { disk.withLock { $0.readFaults[read] = code } }

    /// What must happen when the machine stops, such as abandoning the queue. Called once, with no lock held.
    public func whenCrashed(_ body: @escaping @Sendable () -> Void) { onCrash.withLock { $0 = body } }

    /// From now on at most this many bytes fit on the disk; `nil`: any number.
    public func setCapacity(_ bytes: Int?) { disk.withLock { $0.capacity = bytes } }

    /// Every sync of a file fails from now on, or works again.
    public func setSyncError(_ code: Int32?) { disk.withLock { $0.syncError = code } }

    /// Reading these bytes of a file fails (EIO).
    public func setUnreadable(_ path: String, _ range: Range<Int>) {
        disk.withLock { $0.unreadable.append((path, range)) }
    }

    /// Everything can be read again.
    public func setReadable() { disk.withLock { $0.unreadable = [] } }

    /// The disk after the machine stopped: what was synced, and of the rest whatever the seed keeps.
    public func restarted(seed: UInt64) -> SimulatedFileSystem {
        SimulatedFileSystem(disk.withLock { $0.restarted(seed: seed) })
    }

    /// The disk after the process was killed: everything that was written is there.
    public func killed() -> SimulatedFileSystem {
        SimulatedFileSystem(disk.withLock { $0.killed() })
    }

    // MARK: - For looking and for damaging

    /// Every path there is, sorted.
    public var names: [String] { disk.withLock { $0.names.keys.sorted() } }

    /// What was written to a file, durable or not; empty when there is none.
    public func bytes(_ path: String) -> [UInt8] { disk.withLock { $0.file(path)?.written ?? [] } }

    /// Sets a file's bytes, as a fault of the disk would; makes it where it is missing.
    public func setBytes(_ path: String, _ bytes: [UInt8]) { disk.withLock { $0.set(path, bytes) } }

    /// Renames or, with `nil`, removes a file, as somebody else would.
    public func moveAside(_ path: String, to newPath: String?) { disk.withLock { $0.move(path, newPath) } }

    /// All files by their names.
    public var files: [String: [UInt8]] {
        disk.withLock { disk in disk.names.mapValues { disk.nodes[$0].written } }
    }

    // MARK: - FileSystem

    /// Opens a file: see `FileSystem.open(_:_:)`.
    public func open(_ path: String, _ mode: OpenMode) throws(SystemError) -> any OpenFile {
        let node = try call("open", path, changes: mode == .createNew) { (disk) throws(SystemError) in
            try disk.open(path, mode)
        }
        return SimulatedFile(self, node, path)
    }

    /// Makes a directory: see `FileSystem.createDirectory(_:)`.
    public func createDirectory(_ path: String) throws(SystemError) {
        try call("mkdir", path, changes: true) { disk in _ = disk.directories.insert(path) }
    }

    /// The names in a directory: see `FileSystem.list(_:)`.
    public func list(_ directory: String) throws(SystemError) -> [String] {
        try call("list", directory, changes: false) { (disk) throws(SystemError) in try disk.list(directory) }
    }

    /// Renames, over what has the new name: see `FileSystem.rename(_:to:)`.
    public func rename(_ path: String, to newPath: String) throws(SystemError) {
        try call("rename", path, changes: true) { (disk) throws(SystemError) in try disk.rename(path, newPath) }
    }

    /// Removes a file.
    public func remove(_ path: String) throws(SystemError) {
        try call("remove", path, changes: true) { (disk) throws(SystemError) in try disk.remove(path) }
    }

    /// Makes names durable: see `FileSystem.syncDirectory(_:)`.
    public func syncDirectory(_ path: String) throws(SystemError) {
        try call("syncDirectory", path, changes: true) { $0.syncDirectory(path) }
    }

    /// Locks a file for this process: see `FileSystem.lock(_:)`.
    public func lock(_ path: String) throws(SystemError) -> any FileLock {
        try call("lock", path, changes: false) { (disk) throws(SystemError) in try disk.lock(path) }
        return SimulatedLock(self, path)
    }

    /// The room on the file system of a path.
    public func space(of path: String) throws(SystemError) -> DiskSpace {
        disk.withLock { disk in
            DiskSpace(
                available: disk.capacity.map { max(0, $0 - disk.usedBytes) } ?? .max, total: disk.capacity ?? .max)
        }
    }

    fileprivate func unlock(_ path: String) { _ = disk.withLock { $0.locks.remove(path) } }

    /// One call: counted, and gone wrong with if a fault is set for it.
    func call<Value: Sendable>(
        _ name: String, _ path: String, changes: Bool,
        _ body: (inout SimulatedDisk) throws(SystemError) -> Value
    ) throws(SystemError) -> Value {
        var crashedNow = false
        let result: Result<Value, SystemError> = disk.withLock { disk in
            do throws(SystemError) {
                crashedNow = try disk.begin(name, path, changes: changes)
                let value = try body(&disk)
                disk.end(changed: changes)
                if crashedNow {
                    disk.hasCrashed = true
                    throw SystemError(code: Errno.inputOutput, call: name, subject: "crashed")
                }
                return .success(value)
            } catch { return .failure(error) }
        }
        if crashedNow { onCrash.withLock { $0 }?() }
        return try result.get()
    }
}

/// A file that a simulated disk has opened.
final class SimulatedFile: OpenFile {
    private let system: SimulatedFileSystem
    private let node: Int
    private let path: String
    /// O_APPEND: each write goes to the end.
    private let appends: Bool

    init(_ system: SimulatedFileSystem, _ node: Int, _ path: String, appends: Bool = false) {
        self.system = system
        self.node = node
        self.path = path
        self.appends = appends
    }

    func read(into buffer: inout ByteBuffer, at position: Int, count: Int) throws(SystemError) -> Int {
        let (node, path) = (node, path)
        let bytes = try system.call("pread", path, changes: false) { (disk) throws(SystemError) in
            try disk.read(node, path, position, count)
        }
        buffer.append(contentsOf: bytes)
        return bytes.count
    }

    func write(_ buffer: ByteBuffer, _ range: Range<Int>, at position: Int) throws(SystemError) -> Int {
        let (node, appends) = (node, appends)
        let bytes = Array(buffer.array[range])
        return try system.call("pwrite", path, changes: true) { (disk) throws(SystemError) in
            try disk.write(node, bytes, appends ? disk.nodes[node].written.count : position)
        }
    }

    func sync() throws(SystemError) {
        let (node, path) = (node, path)
        try system.call("fdatasync", path, changes: true) { (disk) throws(SystemError) in try disk.sync(node, path) }
    }

    func size() throws(SystemError) -> Int {
        let node = node
        return try system.call("fstat", path, changes: false) { $0.nodes[node].written.count }
    }

    func truncate(to size: Int) throws(SystemError) {
        let node = node
        try system.call("ftruncate", path, changes: true) { $0.truncate(node, size) }
    }

    func identity() throws(SystemError) -> FileIdentity { FileIdentity(device: 1, inode: UInt64(node)) }
}

private final class SimulatedLock: FileLock {
    private let system: SimulatedFileSystem
    private let path: String

    init(_ system: SimulatedFileSystem, _ path: String) {
        self.system = system
        self.path = path
    }

    deinit { system.unlock(path) }
}
