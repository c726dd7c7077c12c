internal import ConnlogCore
internal import ConnlogSystem

/// The tools and memory of one request.
///
/// `@unchecked Sendable`: it belongs to the one `send` that took it out of the sink's pool; the pool's mutex hands it on.
final class HECRequestMemory: @unchecked Sendable {
    private var envelope: HECEnvelope
    private let gzip = Gzip()
    private var plain = ByteBuffer()
    private var compressed = ByteBuffer()
    private(set) var isCompressed = false
    /// In the body.
    private(set) var events = 0
    /// Before compression.
    private(set) var bodyBytes = 0

    init(_ settings: SplunkHECSink.Settings) {
        envelope = HECEnvelope(settings.format, settings.metadata, names: settings.names)
    }

    func encode(_ batch: EventBatch, compressing: Bool) {
        plain.removeAll()
        envelope.append(batch, to: &plain)
        finish(batch.count, compressing)
    }

    private func finish(_ count: Int, _ compressing: Bool) {
        events = count
        bodyBytes = plain.count
        isCompressed = compressing
        guard compressing else { return }
        compressed.removeAll()
        let whole = plain
        gzip.compress(whole.span, into: &compressed)
    }

    /// Puts one envelope in the body that was encoded before.
    func load(_ envelope: ByteBuffer, compressing: Bool) {
        plain = envelope
        finish(1, compressing)
    }

    /// The first of the envelopes in the body.
    var firstEnvelope: ByteBuffer {
        let whole = plain
        var length = 0
        while length < whole.count, whole.span[length] != UInt8(ascii: "\n") { length += 1 }
        var envelope = ByteBuffer()
        envelope.append(whole.span.extracting(0..<length))
        return envelope
    }

    /// The same for the same envelopes.
    var fingerprint: UInt64 {
        let whole = plain
        var checksum = CRC32C()
        checksum.update(whole.span)
        return UInt64(checksum.value) << 32 | UInt64(truncatingIfNeeded: whole.count)
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
