internal import ConnlogSystem

/// The last messages that a receiver's kernel has acknowledged, kept so that they can be sent again after a break.
///
/// When a receiver dies, its kernel throws away what it had acknowledged and the process had not read: the sender cannot
/// see how much. A tail at least as large as the receiver's socket buffer closes that gap, and repeats what had been
/// read after all.
struct SentTail {
    /// What is to be sent again, whole messages.
    struct Again {
        let bytes: ByteBuffer
        /// Where each message ends, in bytes from the beginning of the new connection.
        let ends: [UInt64]
        var count: Int { ends.count }
    }

    private let bytesMax: Int
    private var bytes = ByteBuffer()
    /// Where `bytes` begins, in bytes from the beginning of the connection.
    private var start: UInt64 = 0
    private var ends: [UInt64] = []
    /// Up to here it was sent again, and nobody else has it.
    private var resentEnd: UInt64 = 0
    private var isDue = false

    /// - Parameter bytesMax: how much of what is acknowledged is kept; 0 for nothing at all.
    init(bytesMax: Int) { self.bytesMax = bytesMax }

    /// These messages are about to be written; `acknowledged` is how far the peer has come.
    mutating func add(_ more: ByteBuffer, ends moreEnds: [UInt64], acknowledged: UInt64) {
        guard bytesMax > 0, let end = moreEnds.last else { return }
        if ends.isEmpty { start = end - UInt64(more.count) }
        bytes.append(more.span)
        ends += moreEnds
        // Cut now and then, not every time: it moves what stays.
        guard bytes.count > 2 * (bytesMax + (1 << 20)) else { return }
        let floor = acknowledged - min(acknowledged, UInt64(bytesMax))
        cut(count: ends.prefix { $0 <= floor }.count)
    }

    private mutating func cut(count: Int) {
        guard count > 0 else { return }
        let end = ends[count - 1]
        bytes.removeFirst(Int(end - start))
        ends.removeFirst(count)
        start = end
    }

    /// The connection is gone. What was not acknowledged is no affair of the tail: the delivery sends it again.
    mutating func breakOff(at acknowledged: UInt64, isOrderly: Bool) {
        guard bytesMax > 0, !ends.isEmpty else { return }
        let floor = acknowledged - min(acknowledged, UInt64(bytesMax))
        cut(count: ends.prefix { $0 <= floor }.count)
        ends = Array(ends.prefix { $0 <= max(acknowledged, resentEnd) })
        bytes.truncate(to: Int((ends.last ?? start) - start))
        if isOrderly { return forget() }
        isDue = !ends.isEmpty
    }

    /// What is due on the new connection, once.
    mutating func takeForResending() -> Again? {
        guard isDue else {
            forget()
            return nil
        }
        let again = Again(bytes: bytes, ends: ends.map { $0 - start })
        forget()
        return again
    }

    /// It could not be sent; the next connection has to.
    mutating func putBack(_ again: Again) {
        addResent(again)
        isDue = true
    }

    /// It was sent as the first thing on a new connection.
    mutating func addResent(_ again: Again) {
        bytes = again.bytes
        ends = again.ends
        start = 0
        resentEnd = again.ends.last ?? 0
    }

    mutating func forget() {
        resentEnd = 0
        bytes.removeAll()
        ends.removeAll()
        start = 0
        isDue = false
    }
}
