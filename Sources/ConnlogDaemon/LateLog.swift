import ConnlogCore
import Synchronization

/// Passes on what sinks say at work, and not what they say of their section while they are made: that is told by
/// `connlog check` and at the daemon's start, and a command that uses one of them need not repeat it for all.
final class LateLog: Sendable {
    private let isOpen = Mutex(false)
    private let log: LogFunction

    init(_ log: @escaping LogFunction) { self.log = log }

    /// From now on everything is passed on.
    func open() { isOpen.withLock { $0 = true } }

    func write(_ level: LogLevel, _ text: String) {
        if isOpen.withLock({ $0 }) { log(level, text) }
    }
}
