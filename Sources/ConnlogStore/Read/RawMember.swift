#if Server
import ConnlogSystem

/// An event as it was received.
package struct ReceivedEvent: Sendable, Equatable {
    /// Rises by one from event to event, in the order in which the store got them.
    package let number: Int64
    /// A slog JSON line without its line feed.
    package let line: [UInt8]
}

/// Some dozens of events that are packed together, unpacked.
struct RawMember {
    /// The number of the first of them.
    let first: Int64
    let lines: [[UInt8]]

    /// - Parameter packed: a gzip member.
    init(first: Int64, packed: [UInt8]) throws {
        self.first = first
        var bytes = ByteBuffer()
        try Gunzip.decompress(packed.span, into: &bytes, limit: RawWriter.unpackedMax)
        // Each line has its line feed, and one of no bytes is a line too: its number is its own.
        let lines = bytes.array.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        self.lines = lines.dropLast().map { Array($0) }
    }

    /// `nil` for the number of an event that is not in it.
    func line(_ number: Int64) -> [UInt8]? {
        guard number >= first, number - first < lines.count else { return nil }
        return lines[Int(number - first)]
    }
}
#endif
