import ConnlogCore
import ConnlogSystem
import Synchronization

/// Asks the kernel again and again what the sources have not read, on a thread of its own: a file system that does not
/// answer keeps nobody else.
final class UnreadProbe: Sendable {
    struct Finding: Sendable {
        /// How often it has asked.
        var rounds: UInt64 = 0
        /// By source.
        var unread: [String: [Unread]] = [:]
    }

    /// What was found last. Never waits for the kernel.
    var finding: Finding { found.withLock { $0 } }

    let interval: Duration
    private let sources: SourceSet
    private let found = Mutex(Finding())
    private let isOver = Atomic(false)
    private let lock = ConditionLock()

    init(_ sources: SourceSet, every interval: Duration) {
        self.sources = sources
        self.interval = interval
    }

    func start() { Thread.start("unread") { self.run() } }

    /// Returns at once.
    func stop() {
        isOver.store(true, ordering: .relaxed)
        lock.lock()
        lock.unlock(waking: true)
    }

    private func run() {
        while !isOver.load(ordering: .relaxed) {
            var unread: [String: [Unread]] = [:]
            for source in sources.watched { unread[source.name] = source.status.unread }
            found.withLock { $0 = Finding(rounds: $0.rounds + 1, unread: unread) }
            lock.lock()
            if !isOver.load(ordering: .relaxed) { lock.wait(atMost: interval) }
            lock.unlock(waking: false)
        }
    }
}
