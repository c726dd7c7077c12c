private import ConnlogSystem

/// The one background thread that looks after a sink's rotated files, one file at a time.
///
/// `@unchecked Sendable`: all variables are touched only while `lock` is held.
final class FileKeeper: @unchecked Sendable {
    /// While the sink closes, at most this much is still compressed; the rest is done after the next start.
    static let closingBytesMax = 256 << 20

    private let files: RotatedFiles
    private let lock = ConditionLock()
    private var names: [String] = []
    private var isRunning = false
    private var isClosing = false

    init(_ files: RotatedFiles) {
        self.files = files
    }

    /// Takes rotated files to be compressed, and prunes.
    func submit(_ newNames: some Collection<String>) {
        guard !newNames.isEmpty else { return }
        lock.lock()
        let mustStart = !isRunning && !isClosing
        if !isClosing { names += newNames }
        if mustStart { isRunning = true }
        lock.unlock(waking: false)
        if mustStart { Thread.start("log files") { self.work() } }
    }

    /// Waits until nothing is left to do.
    func drain() {
        lock.lock()
        while isRunning { lock.wait() }
        lock.unlock(waking: false)
    }

    /// Finishes what is small enough and ends the thread.
    func close() {
        lock.lock()
        isClosing = true
        lock.unlock(waking: false)
        drain()
    }

    // The thread lives while there is work, so an idle sink has none.
    private func work() {
        while let name = next() {
            files.tidy(name) { left in left <= FileKeeper.closingBytesMax || !isToClose() }
        }
    }

    private func next() -> String? {
        lock.lock()
        let name = names.isEmpty ? nil : names.removeFirst()
        isRunning = name != nil
        lock.unlock(waking: true)
        return name
    }

    private func isToClose() -> Bool {
        lock.lock()
        defer { lock.unlock(waking: false) }
        return isClosing
    }
}
