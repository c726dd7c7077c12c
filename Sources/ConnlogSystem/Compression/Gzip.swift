private import CISAL

/// Makes gzip by ISA-L level 1: zlib's size at level 1 for a quarter of its time.
///
/// One object is one stream at a time and keeps its 300 KiB of working memory, so keep it for the next. It is not
/// `Sendable`: whoever hands it between threads does so under a lock of their own.
///
///     gzip.compress(bytes, into: &out)                        // a whole member at once
///     gzip.update(part, into: &out) ... gzip.finish(into: &out)   // a large file in parts
@safe package final class Gzip {
    private let stream = UnsafeMutablePointer<isal_zstream>.allocate(capacity: 1)
    private let levelBuffer = UnsafeMutablePointer<UInt8>.allocate(capacity: Gzip.levelBufferBytes)
    private var isOpen = false
    private let isRaw: Bool

    // ISA-L's own "large" size for level 1, the default of its command line tool.
    private static let levelBufferBytes = Int(connlog_isal_level1_bytes)
    /// Output is asked for in pieces of this size, so that nothing is reserved that may not be needed.
    private static let outputPiece = 64 << 10
    // The counters of a stream are 32 bits wide.
    private static let inputPiece = 1 << 30

    package convenience init() { self.init(isRaw: false) }

    /// - Parameter isRaw: makes deflate (RFC 1951) alone, without gzip's header and trailer, as other formats wrap it.
    package init(isRaw: Bool) { self.isRaw = isRaw }

    deinit {
        unsafe stream.deallocate()
        unsafe levelBuffer.deallocate()
    }

    /// Appends one complete gzip member that holds `bytes` to `output`. An unfinished stream is forgotten.
    package func compress(_ bytes: Span<UInt8>, into output: inout ByteBuffer) {
        isOpen = false
        run(bytes, isLast: true, into: &output)
    }

    /// Takes in the next bytes of a member and appends what is compressed so far; the first call begins the member.
    package func update(_ bytes: Span<UInt8>, into output: inout ByteBuffer) {
        var start = 0
        while start < bytes.count {
            let end = min(bytes.count, start + Gzip.inputPiece)
            run(bytes.extracting(start..<end), isLast: false, into: &output)
            start = end
        }
    }

    /// Ends the member: appends the rest and the trailer with checksum and length.
    package func finish(into output: inout ByteBuffer) {
        run([UInt8]().span, isLast: true, into: &output)
    }

    private func begin() {
        guard !isOpen else { return }
        unsafe isal_deflate_init(stream)
        unsafe stream.pointee.level = 1
        unsafe stream.pointee.level_buf = unsafe levelBuffer
        unsafe stream.pointee.level_buf_size = UInt32(Gzip.levelBufferBytes)
        unsafe stream.pointee.gzip_flag = UInt16(isRaw ? IGZIP_DEFLATE : IGZIP_GZIP)
        isOpen = true
    }

    private func run(_ bytes: Span<UInt8>, isLast: Bool, into output: inout ByteBuffer) {
        begin()
        unsafe bytes.withUnsafeBytes { input in
            let start = unsafe input.baseAddress?.assumingMemoryBound(to: UInt8.self)
            // ISA-L only reads what `next_in` points to.
            unsafe stream.pointee.next_in = unsafe UnsafeMutablePointer(mutating: start)
            unsafe stream.pointee.avail_in = UInt32(input.count)
            unsafe stream.pointee.end_of_stream = isLast ? 1 : 0
            drain(into: &output, untilEnd: isLast)
            unsafe stream.pointee.next_in = nil
        }
        if isLast { isOpen = false }
    }

    private func drain(into output: inout ByteBuffer, untilEnd: Bool) {
        var hasRoomLeft = false
        repeat {
            _ = unsafe output.fill(atMost: Gzip.outputPiece) { (free: UnsafeMutableRawBufferPointer) -> Int in
                unsafe stream.pointee.next_out = unsafe free.baseAddress?.assumingMemoryBound(to: UInt8.self)
                unsafe stream.pointee.avail_out = UInt32(free.count)
                let status = unsafe isal_deflate(stream)
                precondition(status == COMP_OK, "ISA-L refused its parameters: \(status)")
                let left = unsafe Int(stream.pointee.avail_out)
                hasRoomLeft = left > 0
                return free.count - left
            }
        } while untilEnd ? unsafe stream.pointee.internal_state.state != ZSTATE_END : !hasRoomLeft
    }
}
