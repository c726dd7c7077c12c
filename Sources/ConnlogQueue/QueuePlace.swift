internal import ConnlogSystem

/// Where a queue was opened, so that it can be seen when somebody removes or replaces its directory.
struct QueuePlace: Sendable {
    static let lockName = "lock"

    let directory: String
    private let directoryIdentity: FileIdentity?
    private let lockIdentity: FileIdentity?

    var lockPath: String { "\(directory)/\(QueuePlace.lockName)" }

    /// Of what is there now, which is locked already.
    init(_ directory: String, _ fileSystem: any FileSystem) {
        self.directory = directory
        directoryIdentity = try? fileSystem.open(directory, .read).identity()
        lockIdentity = try? fileSystem.open("\(directory)/\(QueuePlace.lockName)", .read).identity()
    }

    /// Compares with what is there now.
    /// - Returns: what is wrong with the directory, in words, and whether the lock is gone while the directory is there. A
    ///   disk that does not answer is neither.
    func look(_ fileSystem: any FileSystem) -> (trouble: String?, isLockGone: Bool) {
        if hasChanged(directory, directoryIdentity, fileSystem) {
            let words = "\(directory) was removed or replaced while connlog runs; put it back, or restart connlog"
            return (words, false)
        }
        return (nil, hasChanged(lockPath, lockIdentity, fileSystem))
    }

    private func hasChanged(_ path: String, _ before: FileIdentity?, _ fileSystem: any FileSystem) -> Bool {
        guard let before else { return false }
        do throws(SystemError) {
            return try fileSystem.open(path, .read).identity() != before
        } catch {
            return error.code == Errno.notFound
        }
    }
}
