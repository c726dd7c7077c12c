internal import ConnlogSystem

extension OpenFile {
    /// Reads like `read`, but what the disk cannot give becomes zeros, a block at a time, so that a bad sector costs the
    /// records in it and no others.
    func readTolerantly(into buffer: inout ByteBuffer, at position: Int, count: Int) throws(SystemError) -> Int {
        var refusal: SystemError?
        return try readTolerantly(into: &buffer, at: position, count: count, &refusal)
    }

    /// The same; `refusal` becomes what the disk said when it could not give something, and else stays as it is.
    func readTolerantly(
        into buffer: inout ByteBuffer, at position: Int, count: Int, _ refusal: inout SystemError?
    ) throws(SystemError) -> Int {
        do {
            return try read(into: &buffer, at: position, count: count)
        } catch  where error.code == Errno.inputOutput {
            return try readByBlocks(into: &buffer, at: position, count: count, &refusal)
        }
    }

    private func readByBlocks(
        into buffer: inout ByteBuffer, at position: Int, count: Int, _ refusal: inout SystemError?
    ) throws(SystemError) -> Int {
        let blockBytes = 4096
        let wanted = min(count, try size() - position)
        var done = 0
        while done < wanted {
            let length = min(blockBytes - (position + done) % blockBytes, wanted - done)
            do {
                let got = try read(into: &buffer, at: position + done, count: length)
                if got == 0 { break }
                done += got
            } catch  where error.code == Errno.inputOutput {
                refusal = error
                buffer.appendZeros(length)
                done += length
            }
        }
        return done
    }
}
