import Testing

@testable import ConnlogSystem

/// In what parts `TCPConnection.send` writes.
@Suite struct TCPPieceTests {
    private static let look = TCPConnection.lookBytes

    /// Around each number of parts, and around the middle between two.
    private static let sizes: [Int] = {
        var sizes = [0, 1, 2, 64]
        for part in [1, 2, 3, 4, 128] {
            for more in [-1, 0, 1, 700, look / 2 - 1, look / 2, look / 2 + 1] { sizes.append(part * look + more) }
        }
        return sizes
    }()

    @Test(arguments: sizes)
    func `parts are alike, none is small, and none is much more than is written between two looks`(bytes: Int) {
        let piece = TCPConnection.piece(of: bytes)
        #expect(piece <= Self.look * 3 / 2)
        guard bytes > 0 else { return }
        let parts = (bytes + piece - 1) / piece
        let last = bytes - (parts - 1) * piece
        #expect(last > 0 && piece - last < parts, "\(parts) parts of \(piece), the last of \(last)")
    }
}
