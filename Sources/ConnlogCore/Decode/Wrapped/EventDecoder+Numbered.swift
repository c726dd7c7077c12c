internal import ConnlogSystem

/// Parts that carry a number, and come in any order: Docker's to Fluentd, Cloud Logging's `split`.
struct NumberedParts: Sendable {
    private var texts: [Int: [UInt8]] = [:]
    private var last: Int?
    private(set) var bytes = 0

    mutating func add(_ number: Int, _ text: [UInt8], isLast: Bool) {
        if texts[number] == nil { bytes += text.count }
        texts[number] = texts[number] ?? text
        if isLast { last = number }
    }

    /// The whole line, once no part is missing.
    var line: [UInt8]? {
        guard let last, last >= 1, texts.count >= last else { return nil }
        var line: [UInt8] = []
        for number in 1...last {
            guard let text = texts[number] else { return nil }
            line += text
        }
        return line
    }
}

extension EventDecoder {
    /// One of the parts of a line.
    mutating func addPart(
        _ number: Int, _ isLast: Bool, _ text: Range<Int>, _ stream: Int, _ line: Range<Int>,
        _ batch: inout EventBatch
    ) {
        var parts = streams[stream].numbered ?? NumberedParts()
        streams[stream].numbered = nil
        parts.add(number, batch.bytes.span(text).map, isLast: isLast)
        let (position, lineNumber, start) = (streamPosition(line.lowerBound), lineNumber, batch.bytes.span(text).map)
        setPending(stream) { state in
            if !state.hasPieces {
                state.hasPieces = true
                state.piecesStart = (position, lineNumber)
                state.pieces.removeAll()
                state.pieces.append(contentsOf: Array(start.prefix(200)))
            }
        }
        if parts.bytes > maxLine {
            return abandonPieces(stream, LineFault(.lineTooLong, at: maxLine), &batch)
        }
        guard let whole = parts.line else {
            streams[stream].numbered = parts
            return
        }
        setPending(stream) { state in
            state.pieces.removeAll()
            state.pieces.append(contentsOf: whole)
            if state.pieces.count > 0, state.pieces[state.pieces.count - 1] == 0x0a {
                state.pieces.truncate(to: state.pieces.count - 1)
            }
        }
        wholeOfPieces(stream, line, &batch)
    }
}

extension Span<UInt8> {
    /// A copy.
    fileprivate var map: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        for place in indices { bytes.append(self[place]) }
        return bytes
    }
}
