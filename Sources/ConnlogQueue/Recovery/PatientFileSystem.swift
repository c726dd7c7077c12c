internal import ConnlogSystem
import Synchronization

/// A disk that is asked again when it refuses to give something (EIO, EUCLEAN), for as long as a queue opens.
///
/// What cannot be read then counts as damaged, and at the end of the log that means cut off: a disk that is away for a
/// moment (a path that fails over, a cable, a volume that is just being attached) must not cost what it has. All refusals
/// together are waited for, so that a disk with many bad sectors does not hold the start up for minutes.
struct PatientFileSystem: FileSystem {
    /// How often in all it is waited, and for how long: two seconds together.
    static let pausesMax = 8
    static let pause = Duration.milliseconds(250)

    let base: any FileSystem
    let retries: ReadRetries

    init(_ base: any FileSystem, _ timer: any QueueTimer) {
        self.base = base
        retries = ReadRetries(timer)
    }

    func open(_ path: String, _ mode: OpenMode) throws(SystemError) -> any OpenFile {
        PatientFile(
            base: try retries.insist { () throws(SystemError) in try base.open(path, mode) }, retries: retries)
    }

    func list(_ directory: String) throws(SystemError) -> [String] {
        try retries.insist { () throws(SystemError) in try base.list(directory) }
    }

    func createDirectory(_ path: String) throws(SystemError) { try base.createDirectory(path) }
    func rename(_ path: String, to newPath: String) throws(SystemError) { try base.rename(path, to: newPath) }
    func remove(_ path: String) throws(SystemError) { try base.remove(path) }
    func syncDirectory(_ path: String) throws(SystemError) { try base.syncDirectory(path) }
    func lock(_ path: String) throws(SystemError) -> any FileLock { try base.lock(path) }
    func space(of path: String) throws(SystemError) -> DiskSpace { try base.space(of: path) }
}

/// Counts how often the disk refused.
final class ReadRetries: Sendable {
    private struct State {
        var pauses = 0
        var refusals = 0
    }

    private let state = Mutex(State())
    private let timer: any QueueTimer

    init(_ timer: any QueueTimer) { self.timer = timer }

    /// Refusals so far.
    var refusals: Int { state.withLock { $0.refusals } }

    func insist<Value>(_ body: () throws(SystemError) -> Value) throws(SystemError) -> Value {
        while true {
            do {
                return try body()
            } catch {
                guard error.code == Errno.inputOutput || error.code == Errno.corrupted, mayPause() else {
                    throw error
                }
                timer.pause(PatientFileSystem.pause)
            }
        }
    }

    private func mayPause() -> Bool {
        state.withLock { state in
            state.refusals += 1
            guard state.pauses < PatientFileSystem.pausesMax else { return false }
            state.pauses += 1
            return true
        }
    }
}

/// One of its files.
private struct PatientFile: OpenFile {
    let base: any OpenFile
    let retries: ReadRetries

    func read(into buffer: inout ByteBuffer, at position: Int, count: Int) throws(SystemError) -> Int {
        // A read that fails has appended nothing.
        try retries.insist { () throws(SystemError) in try base.read(into: &buffer, at: position, count: count) }
    }

    func write(_ buffer: ByteBuffer, _ range: Range<Int>, at position: Int) throws(SystemError) -> Int {
        try base.write(buffer, range, at: position)
    }

    func sync() throws(SystemError) { try base.sync() }
    func size() throws(SystemError) -> Int { try retries.insist { () throws(SystemError) in try base.size() } }
    func truncate(to size: Int) throws(SystemError) { try base.truncate(to: size) }
    func identity() throws(SystemError) -> FileIdentity { try base.identity() }
}
