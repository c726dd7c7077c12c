import ConnlogCore
import ConnlogSystem

/// Tells one stream of lines from another: what journald calls a stream, or one of the two of a container.
package struct JournalStreamID: Sendable, Hashable {
    package var high: UInt64
    package var low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Of an entry. Ids of journald and Docker are random, and their first 128 bits tell them apart.
    init(_ entry: borrowing JournalEntry) {
        if entry.has(.containerID) {
            let value = entry.value(.containerID)
            // 3 for standard error, 6 for standard output.
            let priority = entry.value(.priority)
            self.init(value, mixing: priority.count > 0 ? priority[0] : 0)
        } else if entry.has(.streamID) {
            self.init(entry.value(.streamID), mixing: 0)
        } else {
            // journald gives every stream an id; without one the process has to do.
            self.init(entry.value(.processID), mixing: 1)
        }
    }

    private init(_ text: Span<UInt8>, mixing byte: UInt8) {
        // FNV-1a of the two halves: ids in another form are told apart too.
        let half = text.count / 2
        high = JournalStreamID.hash(text, 0..<half, byte)
        low = JournalStreamID.hash(text, half..<text.count, byte)
    }

    private static func hash(_ text: Span<UInt8>, _ range: Range<Int>, _ byte: UInt8) -> UInt64 {
        var hash = FilePosition.hash(0xcbf2_9ce4_8422_2325, byte)
        for place in range { hash = FilePosition.hash(hash, text[place]) }
        return hash
    }
}
