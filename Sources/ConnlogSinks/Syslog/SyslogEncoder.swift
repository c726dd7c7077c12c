internal import ConnlogCore
internal import ConnlogSystem

/// Makes messages of the format that a sink was told.
struct SyslogEncoder: EventEncoder {
    private var modern: RFC5424Encoder
    private var legacy: RFC3164Encoder?

    init(_ options: SyslogOptions) {
        modern = RFC5424Encoder(options.messages, names: options.names)
        if let legacy = options.legacy { self.legacy = RFC3164Encoder(options.messages, legacy, names: options.names) }
    }

    /// Messages that had to be cut.
    var truncations: UInt64 { legacy?.truncations ?? modern.truncations }

    @inline(__always)
    mutating func append(_ record: Span<UInt8>, to output: inout ByteBuffer) -> Bool {
        if legacy == nil { return modern.append(record, to: &output) }
        return legacy?.append(record, to: &output) ?? false
    }

    /// The same for a record whose fields are known.
    @inline(__always)
    mutating func append(_ record: Span<UInt8>, _ index: EventIndex, to output: inout ByteBuffer) -> Bool {
        if legacy == nil { return modern.append(record, index, to: &output) }
        return legacy?.append(record, index, to: &output) ?? false
    }
}
