#if Server
import ConnlogSystem

/// Nobody but connlog reads the store: who connected from where to what is in it.
///
/// SQLite gives the log and its index the mode of the file, and the file whatever the umask leaves of 0644. So the file
/// is made before SQLite opens it, and set right if somebody made it otherwise, whatever its directory allows.
enum StoreModes {
    private static let ownerOnly: UInt32 = 0o600

    /// Call it while no connection to the file is open in this process.
    /// - Returns: what was not as it should be, for the log.
    static func prepare(_ path: String) throws(SystemError) -> [String] {
        let directory = LocalFileSystem.parent(of: path)
        try LocalFileSystem().createDirectory(directory)
        try FileMode.createPrivate(path)
        var notices: [String] = []
        let backups = (1...max(1, Migrations.steps.count)).map { "\(path).v\($0)" }
        for file in [path, path + "-wal", path + "-shm"] + backups {
            guard let mode = try? FileMode.of(file), mode != ownerOnly else { continue }
            let words = "\(file) could be used by others (mode \(String(mode, radix: 8)))"
            do throws(SystemError) {
                try FileMode.set(file, ownerOnly)
                notices.append("\(words); it is its owner's alone now")
            } catch {
                notices.append("\(words), and that cannot be changed: \(error)")
            }
        }
        if (try? FileMode.othersWrite(in: directory)) ?? false {
            notices.append("others can write in \(directory), so they can replace the store; take that right from them")
        }
        return notices
    }
}
#endif
