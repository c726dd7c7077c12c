/// The kernel's table of file locks, so that one can know who holds a lock without trying to take it.
package enum LockTable {
    /// The process that holds an flock on a file; `nil` when there is none that can be seen from here, such as one in
    /// another container.
    package static func holder(of path: String) -> Int32? {
        guard let identity = try? LocalFile.openForReading(path).identity() else { return nil }
        var table = ByteBuffer()
        guard let file = try? LocalFile.openForReading("/proc/locks") else { return nil }
        while let got = try? file.read(into: &table, at: table.count, count: 64 << 10), got > 0 {}
        return holder(of: identity, in: table.text)
    }

    /// Lines such as `3: FLOCK  ADVISORY  WRITE 4711 08:01:131078 0 EOF`: the device's two numbers are hexadecimal.
    ///
    /// Where the file system is layered the table has the lower device's number, so the inode alone decides.
    static func holder(of identity: FileIdentity, in table: String) -> Int32? {
        for line in table.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count >= 6, words[1] == "FLOCK", words[3] == "WRITE" else { continue }
            guard let inode = words[5].split(separator: ":").last.flatMap({ UInt64($0) }) else { continue }
            if inode == identity.inode, let process = Int32(words[4]), process > 0 { return process }
        }
        return nil
    }
}
