private import CConnlog
#if canImport(Glibc)
import Glibc
#endif

/// What changed since it was last asked.
package struct FileChanges: Sendable, Equatable {
    /// Paths as they were watched, or a watched directory's path, `/` and a name.
    package var paths: Set<String> = []
    /// More happened than the kernel could note: anything may have changed.
    package var isOverflow = false

    package init(paths: Set<String> = [], isOverflow: Bool = false) {
        self.paths = paths
        self.isOverflow = isOverflow
    }
}

/// Wakes up when files change (inotify). A hint and no more: network and overlay file systems tell nothing or not all.
package struct FileWatcher: ~Copyable, Sendable {
    // -1 when the kernel gives no watcher (the user's limit is reached): then `wait` only sleeps.
    private let descriptor: Int32
    private var paths: [Int32: Set<String>] = [:]
    private var watches: [String: Int32] = [:]
    private var events = ByteBuffer(capacity: 64 << 10)

    package init() {
        descriptor = inotify_init1(connlog_O_CLOEXEC | O_NONBLOCK)
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    /// Watches a file, or a directory and the files in it, from now on. Again for the same path after it may have come
    /// to lead elsewhere.
    /// - Returns: whether the watching began with this call.
    @discardableResult
    package mutating func watch(_ path: String) -> Bool {
        guard descriptor >= 0 else { return false }
        let mask = IN_MODIFY | IN_CREATE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF
        let watch = unsafe inotify_add_watch(descriptor, path, UInt32(mask))
        if let former = watches[path], former != watch { forget(former, path) }
        guard watch >= 0, watches[path] != watch else { return false }
        watches[path] = watch
        paths[watch, default: []].insert(path)
        return true
    }

    /// Returns as soon as something changed, or after `limit`.
    package mutating func wait(_ limit: Duration) -> FileChanges {
        let milliseconds = Int32(clamping: max(0, limit.pollMilliseconds))
        guard descriptor >= 0 else {
            poll(nil, 0, milliseconds)
            return FileChanges()
        }
        var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        var changes = FileChanges()
        guard unsafe poll(&request, 1, milliseconds) > 0 else { return changes }
        while readEvents() { noteEvents(&changes) }
        return changes
    }

    private mutating func readEvents() -> Bool {
        events.removeAll()
        let descriptor = descriptor
        let got = unsafe events.fill(atMost: 64 << 10) { memory in
            max(0, unsafe read(descriptor, memory.baseAddress, memory.count))
        }
        return got > 0
    }

    /// An event: watch, mask, cookie and name length, 4 bytes each, then the name with zeros after (inotify(7)).
    private mutating func noteEvents(_ changes: inout FileChanges) {
        var position = 0
        while position + 16 <= events.count {
            let watch = Int32(truncatingIfNeeded: word(position))
            let mask = Int32(truncatingIfNeeded: word(position + 4))
            let end = min(events.count, position + 16 + word(position + 12))
            note(watch, mask, name: position + 16..<end, &changes)
            position = end
        }
    }

    private mutating func note(_ watch: Int32, _ mask: Int32, name: Range<Int>, _ changes: inout FileChanges) {
        if mask & Int32(IN_Q_OVERFLOW) != 0 { changes.isOverflow = true }
        let end = name.first { events[$0] == 0 } ?? name.upperBound
        let name = events.text(name.lowerBound..<end)
        for path in paths[watch] ?? [] {
            changes.paths.insert(name.isEmpty ? path : path.hasSuffix("/") ? path + name : path + "/" + name)
        }
        guard mask & Int32(IN_IGNORED) != 0 else { return }
        for path in paths.removeValue(forKey: watch) ?? [] where watches[path] == watch {
            watches[path] = nil
        }
    }

    private mutating func forget(_ watch: Int32, _ path: String) {
        watches[path] = nil
        paths[watch]?.remove(path)
        guard paths[watch]?.isEmpty == true else { return }
        paths[watch] = nil
        inotify_rm_watch(descriptor, watch)
    }

    private func word(_ position: Int) -> Int {
        (0..<4).reduce(0) { $0 | Int(events[position + $1]) << (8 * $1) }
    }
}

extension Duration {
    /// Whole milliseconds, rounded up, for poll(2).
    var pollMilliseconds: Int {
        let (seconds, attoseconds) = components
        return Int(seconds) * 1000 + Int((attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
    }
}
