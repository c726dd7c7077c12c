public import ConnlogCore
public import ConnlogSystem

/// Envelopes as the Splunk sink sends them with its default keys, for `connlog convert`.
public struct HECEncoder: EventEncoder, Sendable {
    private var envelope = HECEnvelope(.fields, .init(source: "connlog", sourcetype: "coder:connection"))

    /// An encoder of fields, with connlog's default source and sourcetype.
    public init() {}

    /// Appends the record in an envelope of HTTP Event Collector, without a line end.
    /// - Returns: `true`: what cannot be read goes as text, and says so.
    public mutating func append(_ record: Span<UInt8>, to output: inout ByteBuffer) -> Bool {
        envelope.append(record, to: &output)
        // The envelope ends its own line; whoever calls ends it too.
        output.truncate(to: output.count - 1)
        return true
    }
}
