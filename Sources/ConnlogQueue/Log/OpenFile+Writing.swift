internal import ConnlogSystem

extension OpenFile {
    /// Writes all of `range`, in as many calls as it takes.
    func writeAll(_ buffer: ByteBuffer, _ range: Range<Int>, at position: Int) throws(SystemError) {
        var done = range.lowerBound
        while done < range.upperBound {
            let count = try write(buffer, done..<range.upperBound, at: position + done - range.lowerBound)
            // Neither an error nor progress is what a full disk may look like.
            guard count > 0 else { throw SystemError(code: Errno.noSpace, call: "pwrite", subject: "queue") }
            done += count
        }
    }
}
