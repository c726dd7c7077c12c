#if Server
import ConnlogSystem

/// An event as it was received.
public struct ReceivedEvent: Sendable, Equatable {
    /// Rises by one from event to event, in the order in which the store got them.
    public let number: Int64
    /// A slog JSON line without its line feed.
    public let line: [UInt8]
}

enum RawBlock {
    /// The lines of a gzip member.
    static func lines(_ packed: [UInt8]) throws -> [[UInt8]] {
        var bytes = ByteBuffer()
        try Gunzip.decompress(packed.span, into: &bytes, limit: RawWriter.unpackedMax)
        // Each line has its line feed, and one of no bytes is a line too: its number is its own.
        let lines = bytes.array.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        return lines.dropLast().map { Array($0) }
    }
}
#endif
