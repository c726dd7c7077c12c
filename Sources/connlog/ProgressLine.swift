import Synchronization

/// A line on the terminal that is drawn over itself.
final class ProgressLine: Sendable {
    private let isDrawn = Mutex(false)

    func draw(_ text: String) {
        isDrawn.withLock { $0 = true }
        Terminal.draw("\r\u{1B}[K\(text)")
    }

    /// Makes room for an ordinary line.
    func clear() {
        let wasDrawn = isDrawn.withLock { drawn in
            defer { drawn = false }
            return drawn
        }
        if wasDrawn { Terminal.draw("\r\u{1B}[K") }
    }
}
