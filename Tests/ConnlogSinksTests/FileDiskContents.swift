import ConnlogSystem

/// The state of a `FileDisk`.
struct DiskContents: Sendable {
    struct Node: Sendable {
        var bytes: [UInt8] = []
        var durable: [UInt8] = []
        /// Sectors written since the last sync.
        var dirty: Set<Int> = []
        var modified: Nanoseconds = 0

        mutating func sync() {
            durable = survivor { _ in true }
            dirty = []
        }

        /// The bytes if of the dirty sectors only those are kept that `isKept` says yes to.
        func survivor(_ isKept: (Int) -> Bool) -> [UInt8] {
            var result = Array(durable.prefix(bytes.count))
            result += [UInt8](repeating: 0, count: bytes.count - result.count)
            for sector in dirty where isKept(sector) {
                let range = sector * 512..<min(bytes.count, sector * 512 + 512)
                if !range.isEmpty { result.replaceSubrange(range, with: bytes[range]) }
            }
            return result
        }
    }

    enum Change: Sendable {
        case create(String, Int)
        case rename(String, String)
        case remove(String)

        /// The name that is there afterwards, or not any more.
        var path: String {
            switch self {
            case .create(let path, _), .remove(let path), .rename(_, let path): path
            }
        }
    }

    var nodes: [Int: Node] = [:]
    var names: [String: Int] = [:]
    var durableNames: [String: Int] = [:]
    var unsynced: [Change] = []
    var log: [String] = []
    var faults: [Int: FileDisk.Fault] = [:]
    var failing: [String: Int32] = [:]
    var isDead = false
    private var nextNode = 10

    static func error(_ code: Int32, _ call: String, _ path: String) -> SystemError {
        SystemError(code: code, call: call, subject: path)
    }

    mutating func call<Value>(
        _ name: String, _ path: String,
        _ body: (inout DiskContents, FileDisk.Fault?) throws(SystemError) -> Value
    ) throws(SystemError) -> Value {
        let fault = faults[log.count]
        if isDead { throw DiskContents.error(Errno.inputOutput, name, path) }
        log.append("\(name) \(path)")
        if case .error(let code) = fault { throw DiskContents.error(code, name, path) }
        if let code = failing[name] { throw DiskContents.error(code, name, path) }
        guard case .death(let after) = fault else { return try body(&self, fault) }
        if after { _ = try? body(&self, name == "write" ? .short : nil) }
        isDead = true
        throw DiskContents.error(Errno.inputOutput, name, path)
    }

    @discardableResult
    mutating func create(_ path: String) -> Int {
        nextNode += 1
        nodes[nextNode] = Node()
        apply(.create(path, nextNode))
        return nextNode
    }

    mutating func rename(_ path: String, _ newPath: String) throws(SystemError) {
        guard names[path] != nil else { throw DiskContents.error(Errno.notFound, "rename", path) }
        apply(.rename(path, newPath))
    }

    mutating func apply(_ change: Change) {
        DiskContents.apply(change, &names)
        unsynced.append(change)
    }

    private static func apply(_ change: Change, _ names: inout [String: Int]) {
        switch change {
        case .create(let path, let node): names[path] = node
        case .remove(let path): names[path] = nil
        case .rename(let path, let newPath):
            if let node = names.removeValue(forKey: path) { names[newPath] = node }
        }
    }

    /// Makes the names in a directory durable.
    mutating func syncNames(of directory: String) {
        let isSynced = { (change: Change) in LocalFileSystem.parent(of: change.path) == directory }
        for change in unsynced where isSynced(change) { DiskContents.apply(change, &durableNames) }
        unsynced.removeAll(where: isSynced)
    }

    mutating func write(_ node: Int, _ new: [UInt8], at position: Int) {
        edit(node) { bytes in
            let end = min(bytes.count, position + new.count)
            bytes.replaceSubrange(min(position, end)..<end, with: new)
        }
        nodes[node]?.dirty.formUnion(position / 512...(position + max(1, new.count) - 1) / 512)
    }

    mutating func edit(_ node: Int, _ change: (inout [UInt8]) -> Void) {
        guard var found = nodes[node] else { return }
        let before = found.bytes
        change(&found.bytes)
        let same = zip(before, found.bytes).prefix { $0 == $1 }.count
        if same < found.bytes.count { found.dirty.formUnion(same / 512...(found.bytes.count - 1) / 512) }
        nodes[node] = found
    }

    func revived() -> DiskContents {
        var copy = self
        copy.isDead = false
        copy.faults = [:]
        copy.failing = [:]
        copy.log = []
        return copy
    }

    func survivors(_ generator: inout some RandomNumberGenerator) -> DiskContents {
        var copy = revived()
        copy.names = durableNames
        for change in unsynced where Bool.random(using: &generator) { DiskContents.apply(change, &copy.names) }
        for (number, node) in nodes.sorted(by: { $0.key < $1.key }) {
            let kept = Set(node.dirty.sorted().filter { _ in Bool.random(using: &generator) })
            var bytes = node.survivor(kept.contains)
            let shortest = min(node.durable.count, bytes.count)
            bytes.removeSubrange(Int.random(in: shortest...bytes.count, using: &generator)...)
            copy.nodes[number] = Node(bytes: bytes, durable: bytes, dirty: [], modified: node.modified)
        }
        copy.durableNames = copy.names
        copy.unsynced = []
        return copy
    }
}
