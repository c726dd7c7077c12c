internal import ConnlogSystem

/// A target that is no regular file: /dev/stdout, /dev/null, a FIFO, a terminal.
///
/// There is no rotation, nothing is synced, and nothing can be compared after a crash: events written and not
/// committed before it are written again. Writing waits for a slow reader.
struct StreamTarget {
    private let file: any OpenFile
    // Bytes of the lines under way that the reader has already, when a write failed in the middle.
    private var written = 0

    init(_ file: any OpenFile) { self.file = file }

    /// Writes whole lines. After an error the same lines are to come again; what of them was written is skipped.
    mutating func append(_ lines: ByteBuffer, _ report: FileReport, _ path: String) throws(SystemError) {
        var done = min(written, lines.count)
        defer { written = done == lines.count ? 0 : done }
        while done < lines.count {
            let more = try file.write(lines, done..<lines.count, at: 0)
            guard more > 0 else { throw SystemError(code: Errno.again, call: "write", subject: path) }
            done += more
            report.counters.add(\.bytesWritten, more)
        }
    }
}
