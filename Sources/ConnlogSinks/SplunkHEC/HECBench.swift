internal import ConnlogCore
internal import ConnlogSystem

/// The tools and memory of one request.
///
/// `@unchecked Sendable`: it belongs to the one `send` that took it out of the sink's pool; the pool's mutex hands it on.
final class HECBench: @unchecked Sendable {
    private var envelope: HECEnvelope
    private let gzip = Gzip()
    private var plain = ByteBuffer()
    private var compressed = ByteBuffer()
    private(set) var isCompressed = false
    /// Before compression.
    var bodyBytes: Int { bodyCount }
    private var bodyCount = 0

    init(_ format: HECEnvelope.Format, _ metadata: HECEnvelope.Metadata) {
        envelope = HECEnvelope(format, metadata)
    }

    func encode(_ batch: EventBatch, compressing: Bool) {
        plain.removeAll()
        for place in 0..<batch.count { envelope.append(batch, place, to: &plain) }
        bodyCount = plain.count
        isCompressed = compressing
        guard compressing else { return }
        compressed.removeAll()
        let whole = plain
        gzip.compress(whole.span, into: &compressed)
    }

    /// The body to send; it comes back by `takeBack`, so that nothing is copied.
    func handOut() -> ByteBuffer {
        var body = ByteBuffer()
        if isCompressed { swap(&body, &compressed) } else { swap(&body, &plain) }
        return body
    }

    func takeBack(_ body: consuming ByteBuffer) {
        if isCompressed { compressed = body } else { plain = body }
    }
}
