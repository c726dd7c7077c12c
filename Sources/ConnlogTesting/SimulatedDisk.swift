import ConnlogSystem

/// The state of a `SimulatedFileSystem`.
struct SimulatedDisk: Sendable {
    /// A file, whatever it is called.
    struct Node: Sendable {
        /// As every process sees it.
        var written: [UInt8] = []
        /// As it is on disk for sure.
        var synced: [UInt8] = []
        /// Sectors that were written since the last sync, with what earlier writes since then had left there.
        var unsynced: [Int: [[UInt8]]] = [:]
        /// Sectors that a failed sync has forgotten: the kernel thinks that they are on disk.
        var forgotten: Set<Int> = []
        /// When it was last changed, where somebody has set that.
        var modified: Nanoseconds = 0
    }

    /// A change of the names that is not on disk for sure.
    struct NameChange: Sendable {
        var removed: String?
        var added: String?
        var node: Int
    }

    var nodes: [Node] = []
    var names: [String: Int] = [:]
    var syncedNames: [String: Int] = [:]
    var nameChanges: [NameChange] = []
    var directories: Set<String> = []
    var locks: Set<String> = []

    var calls = 0
    var reads = 0
    var syncs = 0
    var peakBytes = 0
    var faults: [Int: SimulatedFileSystem.Fault] = [:]
    var readFaults: [Int: Int32] = [:]
    var hasCrashed = false
    var capacity: Int?
    var syncError: Int32?
    var unreadable: [(path: String, range: Range<Int>)] = []
    /// The calls that change something, in order; made text only when somebody asks.
    var trace: [(call: String, path: String)] = []
    private var generator: SeededGenerator
    private var isShort = false
    private var failingSync: Int32?

    init(seed: UInt64) { generator = SeededGenerator(seed) }

    func file(_ path: String) -> Node? { names[path].map { nodes[$0] } }

    /// - Returns: whether the machine stops in the middle of this call.
    mutating func begin(_ call: String, _ path: String, changes: Bool) throws(SystemError) -> Bool {
        if hasCrashed { throw SystemError(code: Errno.inputOutput, call: call, subject: "crashed") }
        guard changes else {
            reads += 1
            if let code = readFaults[reads] { throw SystemError(code: code, call: call, subject: path) }
            return false
        }
        calls += 1
        trace.append((call, path))
        switch faults[calls] {
        case nil: return false
        case .crash: return true
        case .shortWrite:
            isShort = call == "pwrite"
            return false
        case .error(let code):
            if call == "fdatasync" {
                failingSync = code
                return false
            }
            throw SystemError(code: code, call: call, subject: path)
        }
    }

    mutating func end(changed: Bool) { if changed { peakBytes = max(peakBytes, usedBytes) } }

    private var isCrashing: Bool { faults[calls] == .crash }

    // MARK: - Bytes

    var usedBytes: Int { Set(names.values).reduce(0) { $0 + nodes[$1].written.count } }

    func read(_ node: Int, _ path: String, _ position: Int, _ count: Int) throws(SystemError) -> [UInt8] {
        let bytes = nodes[node].written
        guard position < bytes.count, count > 0 else { return [] }
        let range = position..<min(bytes.count, position + count)
        for bad in unreadable where bad.path == path && bad.range.overlaps(range) {
            throw SystemError(code: Errno.inputOutput, call: "pread", subject: path)
        }
        return Array(bytes[range])
    }

    mutating func write(_ node: Int, _ bytes: [UInt8], _ position: Int) throws(SystemError) -> Int {
        var count = bytes.count
        if isShort { count = max(1, count / 2) }
        isShort = false
        let size = nodes[node].written.count
        if let capacity {
            let growth = max(0, position + count - size)
            count -= max(0, growth - max(0, capacity - usedBytes))
            if count <= 0 { throw SystemError(code: Errno.noSpace, call: "pwrite", subject: "disk") }
        }
        guard count > 0 else { return 0 }
        nodes[node].touch(position..<position + count)
        if position + count > size {
            nodes[node].written += [UInt8](repeating: 0, count: position + count - size)
        }
        nodes[node].written.replaceSubrange(position..<position + count, with: bytes[..<count])
        return count
    }

    mutating func truncate(_ node: Int, _ size: Int) {
        let present = nodes[node].written.count
        nodes[node].touch(min(size, present)..<max(size, present))
        if size < present {
            nodes[node].written.removeLast(present - size)
        } else {
            nodes[node].written += [UInt8](repeating: 0, count: size - present)
        }
    }

    mutating func sync(_ node: Int, _ path: String) throws(SystemError) {
        syncs += 1
        if let code = failingSync ?? syncError {
            failingSync = nil
            nodes[node].loseSome(&generator)
            throw SystemError(code: code, call: "fdatasync", subject: path)
        }
        // The machine may stop in a sync as well: then only chance says what of it is on disk.
        if !isCrashing { nodes[node].sync() }
    }

    // MARK: - Names

    mutating func open(_ path: String, _ mode: OpenMode) throws(SystemError) -> Int {
        if let node = names[path] {
            guard mode != .createNew else { throw SystemError(code: Errno.exists, call: "open", subject: path) }
            return node
        }
        if directories.contains(path) {
            throw SystemError(code: Errno.isDirectory, call: "open", subject: path)
        }
        guard mode == .createNew else { throw SystemError(code: Errno.notFound, call: "open", subject: path) }
        nodes.append(Node())
        names[path] = nodes.count - 1
        nameChanges.append(NameChange(added: path, node: nodes.count - 1))
        return nodes.count - 1
    }

    func list(_ directory: String) throws(SystemError) -> [String] {
        guard directories.contains(directory) else {
            throw SystemError(code: Errno.notFound, call: "opendir", subject: directory)
        }
        let prefix = directory + "/"
        let all = Array(names.keys) + directories.filter { names[$0] == nil }
        return all.filter { $0.hasPrefix(prefix) && !$0.dropFirst(prefix.count).contains("/") }
            .map { String($0.dropFirst(prefix.count)) }.sorted()
    }

    mutating func rename(_ path: String, _ newPath: String) throws(SystemError) {
        if directories.remove(path) != nil {
            directories.insert(newPath)
            return
        }
        guard let node = names.removeValue(forKey: path) else {
            throw SystemError(code: Errno.notFound, call: "rename", subject: path)
        }
        names[newPath] = node
        nameChanges.append(NameChange(removed: path, added: newPath, node: node))
    }

    mutating func remove(_ path: String) throws(SystemError) {
        guard let node = names.removeValue(forKey: path) else {
            throw SystemError(code: Errno.notFound, call: "unlink", subject: path)
        }
        nameChanges.append(NameChange(removed: path, node: node))
    }

    mutating func syncDirectory(_ path: String) {
        if isCrashing { return }
        let prefix = path + "/"
        let isSettled = { (change: NameChange) in (change.added ?? change.removed ?? "").hasPrefix(prefix) }
        for change in nameChanges where isSettled(change) { SimulatedDisk.apply(change, to: &syncedNames) }
        nameChanges.removeAll(where: isSettled)
    }

    mutating func lock(_ path: String) throws(SystemError) {
        guard locks.insert(path).inserted else {
            throw SystemError(code: Errno.again, call: "flock", subject: path)
        }
    }

    /// A rename is one thing: it has happened, or not.
    private static func apply(_ change: NameChange, to names: inout [String: Int]) {
        if let removed = change.removed, names[removed] == change.node { names[removed] = nil }
        if let added = change.added { names[added] = change.node }
    }

    // MARK: - After it

    func restarted(seed: UInt64) -> SimulatedDisk {
        var generator = SeededGenerator(seed)
        // Seed 0 keeps nothing that is not synced and 1 everything; the others keep some.
        let odds = seed == 0 ? 0 : seed == 1 ? 100 : Int.random(in: 5...95, using: &generator)
        var disk = SimulatedDisk(seed: seed)
        disk.directories = directories
        disk.syncedNames = syncedNames
        var kept = nameChanges.filter { _ in Int.random(in: 0..<100, using: &generator) < odds }
        if seed > 1, Bool.random(using: &generator) { kept.shuffle(using: &generator) }
        for change in kept { SimulatedDisk.apply(change, to: &disk.syncedNames) }
        disk.nodes = nodes.map { node in node.survivor(odds, &generator) }
        disk.names = disk.syncedNames
        return disk
    }

    func killed() -> SimulatedDisk {
        var disk = self
        disk.calls = 0
        disk.reads = 0
        disk.faults = [:]
        disk.readFaults = [:]
        disk.trace = []
        disk.hasCrashed = false
        disk.locks = []
        disk.peakBytes = 0
        return disk
    }

    // MARK: - Damage

    mutating func set(_ path: String, _ bytes: [UInt8]) {
        let node = names[path] ?? nodes.count
        if node == nodes.count { nodes.append(Node()) }
        nodes[node] = Node(written: bytes, synced: bytes)
        names[path] = node
        syncedNames[path] = node
    }

    mutating func move(_ path: String, _ newPath: String?) {
        guard let node = names.removeValue(forKey: path) else { return }
        syncedNames[path] = nil
        guard let newPath else { return }
        names[newPath] = node
        syncedNames[newPath] = node
    }
}
