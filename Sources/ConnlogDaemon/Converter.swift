public import ConnlogCore
import ConnlogSinks
public import ConnlogSystem

/// `connlog convert`: a log in, events out, without a daemon.
public struct Converter {
    /// What comes out.
    public enum Format: String, Sendable, CaseIterable {
        /// slog JSON: as received where it was JSON, reshaped where it was not.
        case json
        /// As coderd's human log writes it.
        case human
        /// RFC 5424 messages, one a line.
        case rfc5424
        /// Splunk HEC envelopes, one a line.
        case hec
        /// RFC 4180 with a header row.
        case csv
    }

    /// Bytes read at a time.
    private static let chunkBytes = 1 << 20

    private var decoder: EventDecoder
    private var encoder: any EventEncoder
    private var output = ByteBuffer()
    /// Input that is not consumed yet: the beginning of an entry.
    private var rest = ByteBuffer()
    public private(set) var counts = DecodeCounts()

    public init(from format: InputFormat, to target: Format, maxLine: Int) {
        decoder = EventDecoder(format: format, maxLine: maxLine)
        encoder = Converter.encoder(target)
        output.append(contentsOf: type(of: encoder).fileHeader)
    }

    private static func encoder(_ target: Format) -> any EventEncoder {
        switch target {
        case .json: return JSONLineEncoder()
        case .human: return HumanEncoder()
        case .csv: return CSVEncoder()
        case .hec: return HECEncoder()
        case .rfc5424:
            var options = RFC5424Options()
            options.hostname = Machine.hostname
            options.pid = Machine.processID
            return RFC5424Encoder(options)
        }
    }

    /// Reads `input` (a descriptor) to its end and hands over what came out, in pieces of about a megabyte.
    public mutating func run(_ input: Int32, write: (ByteBuffer) -> Void) throws(SystemError) {
        var batch = EventBatch(capacity: Converter.chunkBytes)
        while true {
            batch.removeAll()
            batch.bytes.append(rest.span)
            let read = try Machine.read(input, into: &batch.bytes, count: Converter.chunkBytes)
            convert(&batch, isEnd: read == 0)
            write(output)
            output.removeAll()
            if read == 0 { return }
        }
    }

    private mutating func convert(_ batch: inout EventBatch, isEnd: Bool) {
        let input = 0..<batch.bytes.count
        let consumed = decoder.decode(input, in: &batch, isEnd: isEnd)
        rest.removeAll()
        rest.append(batch.bytes.span(consumed..<input.upperBound))
        counts.merge(decoder.takeCounts())
        let lineEnd = type(of: encoder).lineEnd
        for index in 0..<batch.count where encoder.append(batch, index, to: &output) {
            output.append(contentsOf: lineEnd)
        }
    }
}

/// The record itself.
struct JSONLineEncoder: EventEncoder {
    mutating func append(_ record: Span<UInt8>, to output: inout ByteBuffer) -> Bool {
        output.append(record)
        return true
    }
}
