internal import ConnlogSystem

/// Which of the known orders of keys the next connection event has: the one that the last had.
struct OrderGuess: Sendable {
    private static let layouts = RecordKeys.known.layouts
    private static let message = (slot: UInt8(Field.msg.rawValue), word: RecordKeys.connectionLog)
    /// So many events in a row that it did not fit, and it is not tried any more.
    private static let missesMax = 8

    private var layout: RecordOrder? = layouts[1]
    /// Events in a row that did not have the order.
    private var misses = 0

    /// Whether it is a connection event in this order, or certainly none. Fills `index`, which is useless if it is none.
    @inline(__always)
    mutating func look(_ line: Span<UInt8>, _ index: inout EventFields) -> RecordOrder.Scan {
        guard let layout else { return .unknown }
        let found = layout.scan(line, message: OrderGuess.message, into: &index.ranges)
        if case .event = found {
            index.shape = .slog
            misses = 0
        }
        return found
    }

    /// Looks for another order when the first event in a row, and then each 64th, was not taken.
    mutating func missed(_ line: Span<UInt8>) {
        misses &+= 1
        guard misses & 63 == 1 else {
            if misses > OrderGuess.missesMax { layout = nil }
            return
        }
        for candidate in OrderGuess.layouts.dropFirst() {
            var index = EventFields()
            guard case .event = candidate.scan(line, message: OrderGuess.message, into: &index.ranges) else { continue }
            layout = candidate
            misses = 0
            return
        }
    }
}
