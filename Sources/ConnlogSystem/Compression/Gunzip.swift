private import CISAL

/// Why bytes are not gzip.
package enum GunzipError: Error, Equatable, Sendable {
    /// Not gzip, or damaged; the number is ISA-L's.
    case damaged(Int32)
    /// The last member has no end.
    case cut
    /// More than was asked for comes out.
    case tooLarge(limit: Int)
}

/// Reads gzip, with any number of members one after another, and checks their checksums.
package enum Gunzip {
    private static let piece = 64 << 10

    /// Appends what `bytes` hold to `output`.
    /// - Parameter limit: the most bytes that may come out, so that a small input cannot fill the memory.
    package static func decompress(
        _ bytes: Span<UInt8>, into output: inout ByteBuffer, limit: Int
    ) throws(GunzipError) {
        let state = UnsafeMutablePointer<inflate_state>.allocate(capacity: 1)
        defer { unsafe state.deallocate() }
        let outcome: Result<Void, GunzipError> = unsafe bytes.withUnsafeBytes { input in
            let start = unsafe input.baseAddress?.assumingMemoryBound(to: UInt8.self)
            var consumed = 0
            let most = output.count + limit
            repeat {
                unsafe isal_inflate_init(state)
                unsafe state.pointee.crc_flag = UInt32(ISAL_GZIP)
                unsafe state.pointee.next_in = unsafe UnsafeMutablePointer(mutating: start?.advanced(by: consumed))
                unsafe state.pointee.avail_in = UInt32(input.count - consumed)
                if let error = unsafe member(state, into: &output, most: most) { return .failure(error) }
                consumed = unsafe input.count - Int(state.pointee.avail_in)
            } while consumed < input.count
            return .success(())
        }
        try outcome.get()
    }

    private static func member(
        _ state: UnsafeMutablePointer<inflate_state>, into output: inout ByteBuffer, most: Int
    ) -> GunzipError? {
        while true {
            var failure: GunzipError?
            let filled = unsafe output.fill(atMost: piece) { (free: UnsafeMutableRawBufferPointer) -> Int in
                unsafe state.pointee.next_out = unsafe free.baseAddress?.assumingMemoryBound(to: UInt8.self)
                unsafe state.pointee.avail_out = UInt32(free.count)
                let status = unsafe isal_inflate(state)
                if status != ISAL_DECOMP_OK && status != ISAL_END_INPUT { failure = .damaged(status) }
                return unsafe free.count - Int(state.pointee.avail_out)
            }
            if let failure { return failure }
            if output.count > most { return .tooLarge(limit: most) }
            if unsafe state.pointee.block_state == ISAL_BLOCK_FINISH { return nil }
            if filled == 0, unsafe state.pointee.avail_in == 0 { return .cut }
        }
    }
}
