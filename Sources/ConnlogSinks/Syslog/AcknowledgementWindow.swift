internal import ConnlogCore

/// The batches that were written to a connection and that the peer has not proven to have read yet.
///
/// A batch is delivered when its last byte is proven. When the connection breaks, the messages before the last proven
/// byte are delivered, and the rest must be sent again. Until all broken batches have been told of, nothing new may be
/// written, or it would overtake.
struct AcknowledgementWindow {
    private struct Entry {
        let receipt: Receipt
        /// Where each message ends, in bytes from the beginning of the connection; ascending.
        let ends: [UInt64]
        let bytes: Int
        var outcome: SendOutcome?
    }

    private var entries: [Entry] = []
    /// Of all batches that nobody has been told of.
    private(set) var bytesUntold = 0
    private var nextNumber: UInt64 = 1
    /// Batches that a break has left to be sent again and that nobody has asked about.
    private var untold = 0
    private var breakOutcome: SendOutcome?
    /// What the break of the connection came to (`retry` or `hold`), as long as somebody has to be told.
    var untoldBreak: SendOutcome? { untold > 0 ? breakOutcome : nil }

    var isEmpty: Bool { entries.isEmpty }
    /// Whether all batches have an outcome, told or not.
    var isSettled: Bool { entries.allSatisfy { $0.outcome != nil } }

    /// What became of the oldest batch is known.
    var hasNews: Bool { entries.first?.outcome != nil }

    /// - Parameter bytes: about how many they are.
    mutating func add(_ ends: [UInt64], bytes: Int = 0) -> Receipt {
        bytesUntold += bytes
        let receipt = Receipt(nextNumber)
        nextNumber += 1
        entries.append(Entry(receipt: receipt, ends: ends, bytes: bytes))
        return receipt
    }

    /// The peer has proven the connection's first `bytes` bytes.
    mutating func advance(to bytes: UInt64) {
        for place in entries.indices where entries[place].outcome == nil {
            guard let end = entries[place].ends.last, end <= bytes else { return }
            entries[place].outcome = .delivered
        }
    }

    /// The connection is gone, and `bytes` is how much the peer had proven.
    /// - Parameter failure: what it comes to for what is not delivered: `retry` or `hold`.
    mutating func breakOff(at bytes: UInt64, _ failure: SendOutcome) {
        advance(to: bytes)
        for place in entries.indices where entries[place].outcome == nil {
            entries[place].outcome = AcknowledgementWindow.outcome(entries[place].ends, bytes, failure)
            untold += 1
            breakOutcome = failure
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
        remove(place)
        return outcome
    }

    mutating func forget(_ receipt: Receipt) {
        if let place = entries.firstIndex(where: { $0.receipt == receipt }) { remove(place) }
    }

    private mutating func remove(_ place: Int) {
        let entry = entries.remove(at: place)
        bytesUntold -= entry.bytes
        if let outcome = entry.outcome, outcome != .delivered { untold -= 1 }
    }

    mutating func forgetAll() {
        entries.removeAll()
        bytesUntold = 0
        untold = 0
    }
}
