#if canImport(Glibc)
import Glibc
#endif

extension LocalFile {
    /// Opens a file for reading and insists that it is one: a pipe, a device or a directory of that name is refused at
    /// once, without waiting for anybody at its other end.
    package static func openRegular(_ path: String) throws(SystemError) -> LocalFile {
        let file = try openForReading(path)
        let status = try FileStatus(of: file)
        if status.isDirectory { throw SystemError(code: Errno.isDirectory, call: "open", subject: path) }
        guard status.isRegular else { throw SystemError(code: Errno.notRegular, call: "open", subject: path) }
        return file
    }

    /// All of a small file, or `limit` bytes and one more, so that the caller sees when it was larger.
    package func bytes(limit: Int) throws(SystemError) -> ByteBuffer {
        var buffer = ByteBuffer()
        while buffer.count <= limit {
            if try read(into: &buffer, at: buffer.count, count: min(1 << 20, limit + 1 - buffer.count)) == 0 { break }
        }
        return buffer
    }
}
