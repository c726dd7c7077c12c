import ConnlogSystem

/// The state of a `SimulatedFileSystem`.
struct SimulatedDisk: Sendable {
    /// A file, whatever it is called.
    struct Node: Sendable {
        /// As every process sees it.
        var written: [UInt8] = []
        /// As it is on disk for sure.
        var synced: [UInt8] = []
        /// Sectors that a failed sync has forgotten: the kernel thinks that they are on disk.
        var forgotten: Set<Int> = []
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
    var syncs = 0
    var faults: [Int: SimulatedFileSystem.Fault] = [:]
    var broken: [SimulatedFileSystem.Broken] = []
    var hasCrashed = false
    var capacity: Int?
    var syncError: Int32?
    var unreadable: [(path: String, range: Range<Int>)] = []
    var trace: [String] = []
    private var generator: SeededGenerator
    private var isShort = false
    private var failingSync: Int32?

    init(seed: UInt64) { generator = SeededGenerator(seed) }

    func file(_ path: String) -> Node? { names[path].map { nodes[$0] } }

    /// - Returns: whether the machine stops in the middle of this call.
    mutating func begin(_ call: String, _ path: String, changes: Bool) throws(SystemError) -> Bool {
        if hasCrashed { throw SystemError(code: Errno.inputOutput, call: call, subject: "crashed") }
        guard changes else { return false }
        calls += 1
        trace.append("\(calls) \(call) \(path)")
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
        if position + count > size {
            nodes[node].written += [UInt8](repeating: 0, count: position + count - size)
        }
        nodes[node].written.replaceSubrange(position..<position + count, with: bytes[..<count])
        for sector in position / sectorBytes...(position + count - 1) / sectorBytes {
            nodes[node].forgotten.remove(sector)
        }
        return count
    }

    mutating func truncate(_ node: Int, _ size: Int) {
        let present = nodes[node].written.count
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
            forget(node)
            throw SystemError(code: code, call: "fdatasync", subject: path)
        }
        let isOffsets = path.contains("offsets")
        if broken.contains(isOffsets ? .deletionAfterPublishing : .segmentSync) { return }
        // The machine may stop in a sync as well: then only chance says what of it is on disk.
        if faults[calls] == .crash { return }
        var synced = nodes[node].written
        for sector in nodes[node].forgotten { keep(sector, of: nodes[node].synced, in: &synced) }
        nodes[node].synced = synced
    }

    /// What was to be synced is on disk or not, and the kernel will not try again.
    private mutating func forget(_ node: Int) {
        for sector in sectors(of: nodes[node]) where isDirty(sector, nodes[node]) {
            nodes[node].forgotten.insert(sector)
        }
    }

    private var sectorBytes: Int { SimulatedFileSystem.sectorBytes }

    private func sectors(of node: Node) -> Range<Int> {
        0..<(max(node.written.count, node.synced.count) + sectorBytes - 1) / sectorBytes
    }

    private func isDirty(_ sector: Int, _ node: Node) -> Bool {
        let range = sector * sectorBytes..<(sector + 1) * sectorBytes
        return node.written[range.clamped(to: 0..<node.written.count)]
            != node.synced[range.clamped(to: 0..<node.synced.count)]
    }

    /// Puts a sector of `old` into `bytes`, zeros where `old` has none.
    private func keep(_ sector: Int, of old: [UInt8], in bytes: inout [UInt8]) {
        let range = sector * sectorBytes..<min(bytes.count, (sector + 1) * sectorBytes)
        let present = range.clamped(to: 0..<max(range.lowerBound, old.count))
        let zeros = [UInt8](repeating: 0, count: range.count - present.count)
        bytes.replaceSubrange(range, with: (present.isEmpty ? [] : Array(old[present])) + zeros)
    }

    // MARK: - Names

    mutating func open(_ path: String, _ mode: OpenMode) throws(SystemError) -> Int {
        if let node = names[path] {
            guard mode != .createNew else { throw SystemError(code: Errno.exists, call: "open", subject: path) }
            return node
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
        return names.keys.filter { $0.hasPrefix(prefix) && !$0.dropFirst(prefix.count).contains("/") }
            .map { String($0.dropFirst(prefix.count)) }.sorted()
    }

    mutating func rename(_ path: String, _ newPath: String) throws(SystemError) {
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
        if broken.contains(.deletionAfterPublishing) { settleNames { _ in true } }
    }

    mutating func syncDirectory(_ path: String) {
        if broken.contains(.directorySync) || faults[calls] == .crash { return }
        let prefix = path + "/"
        settleNames { change in (change.added ?? change.removed ?? "").hasPrefix(prefix) }
    }

    mutating func lock(_ path: String) throws(SystemError) {
        guard locks.insert(path).inserted else {
            throw SystemError(code: Errno.again, call: "flock", subject: path)
        }
    }

    private mutating func settleNames(_ isSettled: (NameChange) -> Bool) {
        for change in nameChanges where isSettled(change) { SimulatedDisk.apply(change, to: &syncedNames) }
        nameChanges.removeAll(where: isSettled)
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
        for change in nameChanges where Int.random(in: 0..<100, using: &generator) < odds {
            SimulatedDisk.apply(change, to: &disk.syncedNames)
        }
        disk.nodes = nodes.map { node in survivor(node, odds, &generator) }
        disk.names = disk.syncedNames
        return disk
    }

    private func survivor(_ node: Node, _ odds: Int, _ generator: inout SeededGenerator) -> Node {
        let isGrown = Int.random(in: 0..<100, using: &generator) < odds
        if node.forgotten.isEmpty, node.synced == node.written { return node }
        var bytes = isGrown || node.synced.count == node.written.count ? node.written : node.synced
        if bytes.count > node.written.count { bytes = node.synced }
        for sector in 0..<(bytes.count + sectorBytes - 1) / sectorBytes {
            let isKept = Int.random(in: 0..<100, using: &generator) < odds && !node.forgotten.contains(sector)
            keep(
                sector, of: isKept && sector * sectorBytes < node.written.count ? node.written : node.synced, in: &bytes
            )
        }
        return Node(written: bytes, synced: bytes)
    }

    func killed() -> SimulatedDisk {
        var disk = self
        disk.calls = 0
        disk.faults = [:]
        disk.trace = []
        disk.hasCrashed = false
        disk.locks = []
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
