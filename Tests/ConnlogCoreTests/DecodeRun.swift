import ConnlogCore
import ConnlogSystem

/// A stream put through a decoder as a source would do it: read a piece, decode, keep what was not consumed.
struct DecodeRun {
    var records: [String] = []
    var counts = DecodeCounts()
    /// What was left at the end.
    var rest: [UInt8] = []

    init(
        _ text: String, format: InputFormat = .auto, container: ContainerFormat = .auto,
        origins: OriginConditions = OriginConditions(), maxLine: Int = 1 << 20, pieces: [Int] = [],
        endsOpen: Bool = false
    ) {
        self.init(
            Array(text.utf8), format: format, container: container, origins: origins, maxLine: maxLine, pieces: pieces,
            endsOpen: endsOpen)
    }

    /// - Parameters:
    ///   - pieces: the lengths of the reads; after them all the rest at once.
    ///   - endsOpen: the input does not end, it only pauses.
    init(
        _ bytes: [UInt8], format: InputFormat = .auto, container: ContainerFormat = .auto,
        origins: OriginConditions = OriginConditions(), maxLine: Int = 1 << 20, pieces: [Int] = [],
        endsOpen: Bool = false
    ) {
        var decoder = EventDecoder(format: format, container: container, origins: origins, maxLine: maxLine)
        var at = 0
        var lengths = pieces[...]
        repeat {
            let length = min(lengths.popFirst() ?? bytes.count - at, bytes.count - at)
            var batch = EventBatch()
            batch.bytes.append(contentsOf: rest + bytes[at..<(at + length)])
            at += length
            let input = 0..<batch.bytes.count
            let consumed = decoder.decode(input, in: &batch, isEnd: at == bytes.count && !endsOpen)
            rest = Array(batch.bytes.array[consumed..<input.upperBound])
            for record in batch.records { records.append(batch.bytes.text(record.range)) }
        } while at < bytes.count
        counts = decoder.takeCounts()
    }
}
