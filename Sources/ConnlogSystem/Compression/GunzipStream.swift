private import CISAL

/// Reads gzip piece by piece, whatever its size, with any number of members, and checks their checksums.
///
/// For one thread: not `Sendable`.
@safe package final class GunzipStream {
    private static let pieceBytes = 256 << 10
    private let state = UnsafeMutablePointer<inflate_state>.allocate(capacity: 1)
    /// Between two members, where the input may end.
    private var isBetween = true

    package init() { unsafe isal_inflate_init(state) }

    deinit { unsafe state.deallocate() }

    /// Appends what comes out of `bytes` to `output`; about `bytes` times the compression in size.
    package func update(_ bytes: Span<UInt8>, into output: inout ByteBuffer) throws(GunzipError) {
        let failure: GunzipError? = unsafe bytes.withUnsafeBytes { input in
            let start = unsafe input.baseAddress?.assumingMemoryBound(to: UInt8.self)
            unsafe state.pointee.next_in = unsafe UnsafeMutablePointer(mutating: start)
            unsafe state.pointee.avail_in = UInt32(input.count)
            while unsafe state.pointee.avail_in > 0 {
                if isBetween { begin() }
                if let failure = inflate(into: &output) { return failure }
            }
            return nil
        }
        if let failure { throw failure }
    }

    /// Nothing more will come.
    /// - Throws: `cut` when a member has no end.
    package func finish() throws(GunzipError) {
        if !isBetween { throw .cut }
    }

    /// The input goes on with another member.
    private func begin() {
        let next = unsafe state.pointee.next_in
        let available = unsafe state.pointee.avail_in
        unsafe isal_inflate_init(state)
        unsafe state.pointee.crc_flag = UInt32(ISAL_GZIP)
        unsafe state.pointee.next_in = unsafe next
        unsafe state.pointee.avail_in = available
        isBetween = false
    }

    /// Lets the input of this member go through, until it is used up or the member ends.
    private func inflate(into output: inout ByteBuffer) -> GunzipError? {
        while true {
            var failure: GunzipError?
            let filled = unsafe output.fill(atMost: GunzipStream.pieceBytes) {
                (free: UnsafeMutableRawBufferPointer) -> Int in
                unsafe state.pointee.next_out = unsafe free.baseAddress?.assumingMemoryBound(to: UInt8.self)
                unsafe state.pointee.avail_out = UInt32(free.count)
                let status = unsafe isal_inflate(state)
                if status != ISAL_DECOMP_OK && status != ISAL_END_INPUT { failure = .damaged(status) }
                return unsafe free.count - Int(state.pointee.avail_out)
            }
            if let failure { return failure }
            if unsafe state.pointee.block_state == ISAL_BLOCK_FINISH {
                isBetween = true
                return nil
            }
            // All input is taken, and nothing is left that waits for room.
            if unsafe state.pointee.avail_in == 0, filled < GunzipStream.pieceBytes { return nil }
        }
    }
}
