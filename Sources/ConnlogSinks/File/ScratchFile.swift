package import ConnlogSystem

/// A file that lives for a moment, to find out whether a directory can be written.
package struct ScratchFile {
    private let disk: any LogFileSystem
    private let path: String
    private let permissions: UInt32

    /// - Parameter name: what it stands for; it gets a dot in front, so that no pattern meets it.
    package init(
        _ name: String, in directory: String, permissions: UInt32 = 0o600,
        disk: any LogFileSystem = LocalFileSystem()
    ) {
        self.disk = disk
        self.permissions = permissions
        path = FilePath.join(directory, ".\(name).connlog-check-\(Machine.processID)")
    }

    /// The directory, or the nearest one above it that exists; `nil` when something else is in the way.
    package static func existing(
        _ directory: String, _ disk: any LogFileSystem = LocalFileSystem()
    ) throws(SystemError) -> String? {
        var path = directory
        while true {
            // Links on the way are followed.
            let status = try disk.status(path == "." || path == "/" ? path : path + "/.")
            if status?.kind == .directory { return path }
            let parent = LocalFileSystem.parent(of: path)
            if try disk.status(path) != nil || parent == path || path == "." { return nil }
            path = parent
        }
    }

    /// Writes, syncs, reads back and removes.
    package func roundTrip(_ bytes: ByteBuffer) throws(SystemError) -> ByteBuffer {
        // Left by an earlier process of the same number that was killed.
        if try disk.status(path) != nil { try disk.remove(path) }
        var back = ByteBuffer()
        do throws(SystemError) {
            let file = try disk.createAppending(path, permissions: permissions | 0o600)
            _ = try file.writeAll(bytes, at: 0)
            try file.sync()
            try file.readAll(into: &back, 0..<bytes.count)
        } catch {
            try? disk.remove(path)
            throw error
        }
        try disk.remove(path)
        return back
    }
}
