internal import ConnlogSystem

/// Finds out whether the end of a file that is not what would be written next comes from us all the same.
///
/// Two things tell. No line we write holds a NUL byte, and sectors of a growing file that did not reach the disk read
/// as NULs. And a line that is to be written now can be there already only if we wrote it: then events before it are
/// not wanted any more, for the filter was changed or the queue has dropped them.
struct TailCheck {
    private let lines: Set<UInt64>

    /// - Parameter lines: what is to be written; looked up from `start` on.
    init(_ lines: ByteBuffer, from start: Int, looksUpLines: Bool) {
        var known: Set<UInt64> = []
        if looksUpLines {
            var hasher = LineHasher()
            hasher.take(lines.span(start..<lines.count)) { known.insert($0) }
        }
        self.lines = known
    }

    func isOurs(_ file: any OpenFile, _ range: Range<Int>) throws(SystemError) -> Bool {
        var hasher = LineHasher()
        var piece = ByteBuffer()
        var position = range.lowerBound
        while position < range.upperBound {
            piece.removeAll()
            try file.readAll(into: &piece, position..<min(range.upperBound, position + (1 << 20)))
            if piece.isEmpty { break }
            var isKnown = false
            hasher.take(piece.span) { if lines.contains($0) { isKnown = true } }
            if isKnown || hasher.sawNUL { return true }
            position += piece.count
        }
        return false
    }
}

/// A number for each line of bytes that come in pieces (64 bits of FNV-1a).
private struct LineHasher {
    private var hash: UInt64 = LineHasher.seed
    private(set) var sawNUL = false
    private static let seed: UInt64 = 0xcbf2_9ce4_8422_2325

    mutating func take(_ bytes: Span<UInt8>, _ line: (UInt64) -> Void) {
        for index in bytes.indices {
            let byte = bytes[index]
            if byte == UInt8(ascii: "\n") {
                line(hash)
                hash = LineHasher.seed
            } else {
                if byte == 0 { sawNUL = true }
                hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
            }
        }
    }
}
