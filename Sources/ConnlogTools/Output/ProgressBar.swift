import ConnlogCore

/// A bar for a terminal: `[########------------]  41 %  12345 events  130 MiB/s`.
package struct ProgressBar: Sendable {
    private static let cells = 20
    private static let interval = Duration.milliseconds(150)

    private let draw: (@Sendable (String) -> Void)?
    private let start = ContinuousClock.now
    private var lastDrawn = ContinuousClock.now

    /// - Parameter draw: shows a line over the one before; `nil` where nobody looks.
    package init(_ draw: (@Sendable (String) -> Void)?) { self.draw = draw }

    /// Draws, unless it did a moment ago.
    package mutating func update(done: Int, of total: Int, _ note: @autoclosure () -> String) {
        guard let draw else { return }
        let now = ContinuousClock.now
        guard lastDrawn.duration(to: now) >= ProgressBar.interval else { return }
        lastDrawn = now
        draw(ProgressBar.line(done: done, of: total, note(), elapsed: start.duration(to: now)))
    }

    static func line(done: Int, of total: Int, _ note: String, elapsed: Duration) -> String {
        let whole = max(1, total)
        let part = min(max(0, done), whole)
        let filled = part * cells / whole
        let bar = String(repeating: "#", count: filled) + String(repeating: "-", count: cells - filled)
        let percent = String(part * 100 / whole)
        let padding = String(repeating: " ", count: max(0, 3 - percent.count))
        let seconds = max(0.001, elapsed / .seconds(1))
        return "[\(bar)] \(padding)\(percent) %  \(note)  \(Quantity.bytes(Int(Double(done) / seconds)))/s"
    }
}
