internal import ConnlogSystem

/// Checks lines of JSON strictly (RFC 8259, UTF-8) and finds the known fields of connection events.
///
/// coderd writes its keys in a fixed order. A connection event in one of the orders that records have is looked at in one
/// go, and so is an entry of coderd's that is no event (`RecordOrder`). For all other lines the scanner remembers the order
/// of the last such event and compares the key that it expects first. A wrong guess costs time, never correctness. A key
/// that occurs twice has its last value, as with most parsers. Nothing is allocated but for learning an order of keys.
package struct EventScanner: Sendable {
    /// Objects and arrays may be nested this deep; a deeper line is malformed.
    package static let depthMax = 512

    private var expected: [ExpectedKey] = []
    private var linesUntilLearning = 0
    private var guess = OrderGuess()

    package init() {}

    /// Checks one line and finds its known fields; clears `index` first.
    ///
    /// - Parameter line: without its line feed; blanks around the value are allowed, an empty line is `truncated`.
    package mutating func scan(_ line: Span<UInt8>, into index: inout EventFields) -> LineKind {
        guard line.count < 1 << 28 else {
            index.clear()
            return .malformed(LineFault(.tooLong, at: 1 << 28))
        }
        switch guess.look(line, &index) {
        case .event: return .connectionLog
        case .other: return .other
        case .unknown: return scanAny(line, &index)
        }
    }

    /// The way for all lines.
    mutating func scanAny(_ line: Span<UInt8>, _ index: inout EventFields) -> LineKind {
        index.clear()
        var outcome = scanOnce(line, &index, .fast)
        if outcome.mustLookAgain {
            index.clear()
            outcome = scanOnce(line, &index, .everything)
        }
        if outcome.kind == .connectionLog {
            if outcome.misses > 3 { learn(line) }
            if index.shape == .slog { guess.missed(line) }
        }
        return outcome.kind
    }

    /// Whether it is a record as sinks and the store take it, a slog JSON line of a connection event; finds its fields.
    mutating func takes(_ record: Span<UInt8>, into fields: inout EventFields) -> Bool {
        scan(record, into: &fields) == .connectionLog && fields.shape == .slog
    }

    mutating func learn(_ line: Span<UInt8>) {
        // A stream that changes its order with each line must not be learnt with each line.
        guard linesUntilLearning == 0 else {
            linesUntilLearning &-= 1
            return
        }
        linesUntilLearning = 64
        var index = EventFields()
        let order = KeyOrder()
        expected = unsafe line.withUnsafeBufferPointer { bytes in
            guard let base = bytes.baseAddress else { return expected }
            return unsafe expected.withUnsafeBufferPointer { expected in
                var parser = unsafe LineParser(
                    base: base, count: bytes.count, expected: expected, mode: .learning, order: order)
                _ = parser.line(&index)
                return order.keys
            }
        }
    }

    func scanOnce(_ line: Span<UInt8>, _ index: inout EventFields, _ mode: LineParser.Mode) -> LineOutcome {
        unsafe line.withUnsafeBufferPointer { bytes in
            guard let base = bytes.baseAddress else { return LineOutcome(.malformed(LineFault(.truncated, at: 0))) }
            return unsafe expected.withUnsafeBufferPointer { expected in
                var parser = unsafe LineParser(base: base, count: bytes.count, expected: expected, mode: mode)
                return parser.line(&index)
            }
        }
    }
}
