package import ConnlogCore
import ConnlogSinks
package import ConnlogSystem

/// `connlog convert`: a log in, events out, without a daemon.
package struct Converter {
    /// What comes out.
    package enum Format: String, Sendable, CaseIterable {
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
        /// The Common Event Format (ArcSight, Sentinel and others), without a syslog header.
        case cef
        /// The Log Event Extended Format (QRadar), without a syslog header.
        case leef
        /// JSON in the Elastic Common Schema.
        case ecs
        /// JSON in the Open Cybersecurity Schema Framework.
        case ocsf
    }

    /// Bytes read at a time.
    private static let chunkBytes = 1 << 20

    private var decoder: EventDecoder
    private var encoder: any EventEncoder
    private let isShown: Bool
    private var output = ByteBuffer()
    /// Input that is not consumed yet: the beginning of an entry.
    private var rest = ByteBuffer()
    package private(set) var counts = DecodeCounts()

    /// - Parameters:
    ///   - origins: of wrapped lines those that are believed; events of others are counted as foreign.
    ///   - isShown: it goes to a terminal, so what would act upon that is written as text.
    package init(
        from format: InputFormat, in container: ContainerFormat = .auto,
        origins: OriginConditions = OriginConditions(), to target: Format, maxLine: Int, isShown: Bool = false
    ) {
        decoder = EventDecoder(format: format, container: container, origins: origins, maxLine: maxLine)
        encoder = Converter.encoder(target)
        self.isShown = isShown
        let header = String(decoding: type(of: encoder).fileHeader, as: UTF8.self)
        output.append(isShown ? header.replacing("\r\n", with: "\n") : header)
    }

    private static func encoder(_ target: Format) -> any EventEncoder {
        switch target {
        case .json: return JSONLineEncoder()
        case .human: return HumanEncoder()
        case .csv: return CSVEncoder()
        case .hec: return HECEncoder()
        case .cef: return SIEMEncoder(.cef, hostname: Machine.hostname)
        case .leef: return SIEMEncoder(.leef, hostname: Machine.hostname)
        case .ecs: return SIEMEncoder(.ecs, hostname: Machine.hostname)
        case .ocsf: return SIEMEncoder(.ocsf, hostname: Machine.hostname)
        case .rfc5424:
            var options = RFC5424Options()
            options.hostname = Machine.hostname
            options.pid = Machine.processID
            return RFC5424Encoder(options)
        }
    }

    /// Reads `input` (a descriptor) to its end and hands over what came out, in pieces of about a megabyte.
    package mutating func run(_ input: Int32, write: (ByteBuffer) -> Void) throws(SystemError) {
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
        let lineEnd = isShown ? [UInt8(ascii: "\n")] : type(of: encoder).lineEnd
        for index in 0..<batch.count {
            let start = output.count
            guard encoder.append(batch, index, to: &output) else { continue }
            if isShown { clean(from: start) }
            output.append(contentsOf: lineEnd)
        }
    }

    private mutating func clean(from start: Int) {
        let text = TerminalText.line(output.text(start..<output.count))
        output.truncate(to: start)
        output.append(text)
    }
}

/// The record itself.
struct JSONLineEncoder: EventEncoder {
    mutating func append(_ record: Span<UInt8>, to output: inout ByteBuffer) -> Bool {
        output.append(record)
        return true
    }
}
