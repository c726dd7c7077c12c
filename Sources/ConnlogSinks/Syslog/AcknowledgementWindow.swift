internal import ConnlogCore

/// The batches that were written to a connection and that the peer's kernel has not acknowledged yet.
///
/// A batch is delivered when its last byte is acknowledged. When the connection breaks, the messages before the last
/// acknowledged byte are delivered, and the rest must be sent again. Until the first broken batch has been told of,
/// nothing new may be written, or it would overtake.
struct AcknowledgementWindow {
    private struct Entry {
        let receipt: Receipt
        /// Where each message ends, in bytes from the beginning of the connection; ascending.
        let ends: [UInt64]
        var outcome: SendOutcome?
    }

    private var entries: [Entry] = []
    private var nextNumber: UInt64 = 1
    /// What the break of the connection came to (`retry` or `hold`), as long as nobody has been told.
    private(set) var untoldBreak: SendOutcome?

    var isEmpty: Bool { entries.isEmpty }
    /// Whether all batches have an outcome, told or not.
    var isSettled: Bool { entries.allSatisfy { $0.outcome != nil } }

    mutating func add(_ ends: [UInt64]) -> Receipt {
        let receipt = Receipt(nextNumber)
        nextNumber += 1
        entries.append(Entry(receipt: receipt, ends: ends))
        return receipt
    }

    /// The peer has acknowledged the connection's first `bytes` bytes.
    mutating func advance(to bytes: UInt64) {
        for place in entries.indices where entries[place].outcome == nil {
            guard let end = entries[place].ends.last, end <= bytes else { return }
            entries[place].outcome = .delivered
        }
    }

    /// The connection is gone, and `bytes` is how far the peer had acknowledged.
    /// - Parameter failure: what it comes to for what is not delivered: `retry` or `hold`.
    mutating func breakOff(at bytes: UInt64, _ failure: SendOutcome) {
        advance(to: bytes)
        for place in entries.indices where entries[place].outcome == nil {
            entries[place].outcome = AcknowledgementWindow.outcome(entries[place].ends, bytes, failure)
            untoldBreak = failure
        }
    }

    /// What became of messages when a connection broke.
    static func outcome(_ ends: [UInt64], _ bytes: UInt64, _ failure: SendOutcome) -> SendOutcome {
        let delivered = ends.count { $0 <= bytes }
        if delivered == 0 { return failure }
        return delivered == ends.count ? .delivered : .deliveredPrefix(delivered)
    }

    /// What became of a batch, which is forgotten then; `nil` while it is under way.
    mutating func take(_ receipt: Receipt) -> SendOutcome? {
        guard let place = entries.firstIndex(where: { $0.receipt == receipt }) else {
            return .retry(Reason("receipt_unknown", "it is not known what became of this batch", mayRepeat: true))
        }
        guard let outcome = entries[place].outcome else { return nil }
        entries.remove(at: place)
        if outcome != .delivered { untoldBreak = nil }
        return outcome
    }

    mutating func forget(_ receipt: Receipt) {
        entries.removeAll { $0.receipt == receipt }
        if entries.isEmpty { untoldBreak = nil }
    }

    mutating func forgetAll() {
        entries.removeAll()
        untoldBreak = nil
    }
}
