import ConnlogSystem
import ConnlogTestSupport
import Synchronization

/// A disk for a queue that has forgotten a rule: between the code and the simulated disk, it leaves calls out or turns
/// them round, as if the code did. The simulation is worth something only if each of these makes it fail.
struct MutatedFileSystem: FileSystem {
    enum Mutation: String, CaseIterable, Sendable {
        /// Everything is passed on.
        case none
        case withoutDirectorySync
        /// Segments are not synced.
        case withoutDataSync
        /// Segments go before the offsets that allow it are on disk.
        case deletionBeforePublishing
        /// A new segment gets its name before what is in it is on disk.
        case useBeforePublishing
    }

    let disk: SimulatedFileSystem
    let mutation: Mutation
    /// A sync that comes later than the code asked for it.
    private let late = LateSync()

    init(_ disk: SimulatedFileSystem, _ mutation: Mutation) {
        self.disk = disk
        self.mutation = mutation
    }

    final class LateSync: Sendable {
        private let file = Mutex<(any OpenFile)?>(nil)

        func put(_ late: any OpenFile) { file.withLock { $0 = late } }

        func make() {
            let late = file.withLock { file in
                defer { file = nil }
                return file
            }
            try? late?.sync()
        }
    }

    func open(_ path: String, _ mode: OpenMode) throws(SystemError) -> any OpenFile {
        let file = try disk.open(path, mode)
        let isNew = mode == .createNew
        let isOffsets = path.contains("offsets")
        let isDelayed =
            switch mutation {
            case .none, .withoutDirectorySync, .withoutDataSync: false
            case .deletionBeforePublishing: isOffsets
            case .useBeforePublishing: path.hasSuffix(".tmp") && !isOffsets
            }
        // The first sync of a new offsets file is not about deleting, and only that of a new segment about its name.
        let isFirstDelayed = !(isOffsets && isNew)
        return MutatedFile(
            file, late: isDelayed ? late : nil, delaysFirst: isFirstDelayed, delaysOthers: isOffsets,
            isSynced: mutation != .withoutDataSync || isOffsets)
    }

    func syncDirectory(_ path: String) throws(SystemError) {
        if mutation != .withoutDirectorySync { try disk.syncDirectory(path) }
    }

    func rename(_ path: String, to newPath: String) throws(SystemError) {
        try disk.rename(path, to: newPath)
        try turnRound(isTurning: mutation == .useBeforePublishing ? newPath.hasSuffix(".seg") : path.hasSuffix(".seg"))
    }

    func remove(_ path: String) throws(SystemError) {
        try disk.remove(path)
        try turnRound(isTurning: path.hasSuffix(".seg"))
    }

    private func turnRound(isTurning: Bool) throws(SystemError) {
        guard isTurning, mutation == .deletionBeforePublishing || mutation == .useBeforePublishing else { return }
        try disk.syncDirectory("/q")
        late.make()
    }

    func createDirectory(_ path: String) throws(SystemError) { try disk.createDirectory(path) }
    func list(_ directory: String) throws(SystemError) -> [String] { try disk.list(directory) }
    func lock(_ path: String) throws(SystemError) -> any FileLock { try disk.lock(path) }
    func space(of path: String) throws(SystemError) -> DiskSpace { try disk.space(of: path) }
}

private final class MutatedFile: OpenFile {
    private let file: any OpenFile
    private let late: MutatedFileSystem.LateSync?
    private let delaysFirst: Bool
    private let delaysOthers: Bool
    private let isSynced: Bool
    private let syncs = Mutex(0)

    init(
        _ file: any OpenFile, late: MutatedFileSystem.LateSync?, delaysFirst: Bool, delaysOthers: Bool, isSynced: Bool
    ) {
        self.file = file
        self.late = late
        self.delaysFirst = delaysFirst
        self.delaysOthers = delaysOthers
        self.isSynced = isSynced
    }

    func read(into buffer: inout ByteBuffer, at position: Int, count: Int) throws(SystemError) -> Int {
        try file.read(into: &buffer, at: position, count: count)
    }

    func write(_ buffer: ByteBuffer, _ range: Range<Int>, at position: Int) throws(SystemError) -> Int {
        late?.make()
        return try file.write(buffer, range, at: position)
    }

    func sync() throws(SystemError) {
        guard isSynced else { return }
        let number = syncs.withLock { syncs in
            syncs += 1
            return syncs
        }
        if let late, number == 1 ? delaysFirst : delaysOthers { return late.put(file) }
        try file.sync()
    }

    func size() throws(SystemError) -> Int { try file.size() }
    func truncate(to size: Int) throws(SystemError) { try file.truncate(to: size) }
    func identity() throws(SystemError) -> FileIdentity { try file.identity() }
}
