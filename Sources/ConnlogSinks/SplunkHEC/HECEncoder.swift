public import ConnlogCore
public import ConnlogSystem

/// Envelopes as the Splunk sink sends them with its default keys, for `connlog convert`.
public struct HECEncoder: EventEncoder, Sendable {
    private var envelope = HECEnvelope(.fields, .init(source: "connlog", sourcetype: "coder:connection"))

    public init() {}

    public mutating func append(_ record: Span<UInt8>, to output: inout ByteBuffer) -> Bool {
        envelope.append(record, to: &output)
        // The envelope ends its own line; whoever calls ends it too.
        output.truncate(to: output.count - 1)
        return true
    }
}
