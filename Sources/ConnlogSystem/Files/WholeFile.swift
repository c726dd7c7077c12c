/// A file that is replaced as a whole or not at all: what was there before stays until the new one is on the disk.
package enum WholeFile {
    /// Makes the directory too. One writer at a time: it writes under `<path>.new` first.
    package static func write(
        _ bytes: ByteBuffer, to path: String, _ fileSystem: any FileSystem = LocalFileSystem()
    ) throws(SystemError) {
        let directory = LocalFileSystem.parent(of: path)
        try fileSystem.createDirectory(directory)
        let fresh = path + ".new"
        // What is left of a run that was killed.
        try? fileSystem.remove(fresh)
        let file = try fileSystem.open(fresh, .createNew)
        var done = 0
        while done < bytes.count { done += try file.write(bytes, done..<bytes.count, at: done) }
        try file.sync()
        try fileSystem.rename(fresh, to: path)
        try fileSystem.syncDirectory(directory)
    }
}
