import ConnlogSystem

/// Reads files that are small by nature: configurations, and values in files of their own.
enum SmallFile {
    /// The most that `${file:...}` may hold.
    static let valueBytesMax = 65_536

    /// All bytes of a file; at most `limit` + 1 of them, so that the caller sees when it was more.
    static func bytes(_ path: String, limit: Int) throws(SystemError) -> [UInt8] {
        let file = try LocalFileSystem().open(path, .read)
        var buffer = ByteBuffer()
        while buffer.count <= limit {
            let wanted = min(65_536, limit + 1 - buffer.count)
            if try file.read(into: &buffer, at: buffer.count, count: wanted) == 0 { break }
        }
        return buffer.array
    }

    /// The text of a file that holds one value, without one last line feed.
    static func value(_ path: String) throws(SecretError) -> String {
        var bytes: [UInt8]
        do { bytes = try SmallFile.bytes(path, limit: valueBytesMax) } catch {
            throw .unreadable(path: path, reason: error.reason)
        }
        if bytes.count > valueBytesMax { throw .tooLarge(path: path) }
        if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
        if bytes.isEmpty { throw .empty(path: path) }
        if bytes.contains(UInt8(ascii: "\n")) || bytes.contains(UInt8(ascii: "\r")) { throw .severalLines(path: path) }
        guard !bytes.contains(0), let text = String(validating: bytes, as: UTF8.self) else {
            throw .notText(path: path)
        }
        return text
    }
}
