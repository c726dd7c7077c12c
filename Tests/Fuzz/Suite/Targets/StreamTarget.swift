@testable import ConnlogCore
@testable import ConnlogSystem

/// A stream for the decoder, in any format and wrapping: what comes out is JSON, and does not depend on how the stream
/// was cut into reads.
enum StreamTarget {
    static func check(_ bytes: [UInt8]) throws(Finding) {
        var choices = Choices(bytes)
        let format = InputFormat.allCases[choices.byte() % InputFormat.allCases.count]
        let container = ContainerFormat.allCases[choices.byte() % ContainerFormat.allCases.count]
        let piece = 1 + choices.byte()
        // Small limits are reached by small inputs.
        let maxLine = choices.byte() < 128 ? 1 << 20 : 200
        let text = choices.remaining
        let whole = try Decoded(text, format, container, maxLine, piece: text.count)
        for record in whole.records {
            try expect(SlowJSON.accepts(record), "a record that is no JSON: \(String(decoding: record, as: UTF8.self))")
            var scanner = EventScanner()
            var index = EventFields()
            let kind = scanner.scan(record.span, into: &index)
            try expect(kind == .connectionLog, "a record that is \(kind)")
        }
        let cut = try Decoded(text, format, container, maxLine, piece: piece)
        try expect(cut.records == whole.records, "reads of \(piece) bytes give \(cut.records.count) records")
        // Of an unfinished line that is too long a decoder may see one end sooner than the other.
        if maxLine == 200 { return }
        try expect(cut.rest == whole.rest, "reads of \(piece) bytes leave \(cut.rest.count) bytes")
        try expect(cut.counts == whole.counts, "reads of \(piece) bytes count \(cut.counts), not \(whole.counts)")
    }
}

/// A stream put through a decoder as a source does it: read a piece, decode, keep what was not consumed.
struct Decoded {
    private(set) var records: [[UInt8]] = []
    private(set) var rest: [UInt8] = []
    private(set) var counts = DecodeCounts()

    init(
        _ bytes: [UInt8], _ format: InputFormat, _ container: ContainerFormat, _ maxLine: Int, piece: Int
    ) throws(Finding) {
        var decoder = EventDecoder(format: format, container: container, maxLine: maxLine)
        var at = 0
        repeat {
            let length = min(max(1, piece), bytes.count - at)
            var batch = EventBatch()
            batch.bytes.append(contentsOf: rest + bytes[at..<at + length])
            at += length
            let input = 0..<batch.bytes.count
            let consumed = decoder.decode(input, in: &batch, isEnd: at == bytes.count)
            try expect((0...input.count).contains(consumed), "\(consumed) of \(input.count) bytes consumed")
            rest = Array(batch.bytes.array[consumed..<input.upperBound])
            try expect(rest.count <= decoder.inputMax, "\(rest.count) bytes wait for more")
            for record in batch.records { records.append(Array(batch.bytes.array[record.range])) }
        } while at < bytes.count
        counts = decoder.takeCounts()
    }
}
