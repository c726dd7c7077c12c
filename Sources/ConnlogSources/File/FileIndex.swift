import ConnlogSystem

/// Finds known files by their inode, and by how they begin, without looking at each of them: there may be ten thousand,
/// and as many new ones to be told apart from them.
///
/// A file's beginning is what `FilePosition` notes of it, a length of at most 1 KiB and a hash. A hash of bytes that
/// come one after another gives that of each shorter beginning on the way, so one pass over the first KiB of a file
/// finds all that begin as it does.
struct FileIndex: Sendable {
    private struct Beginning: Hashable {
        let length: Int
        let hash: UInt64
    }

    private struct Entry {
        let identity: FileIdentity
        /// `nil` for a file of which nothing was read.
        let beginning: Beginning?
    }

    private var entries: [UInt64: Entry] = [:]
    private var byIdentity: [FileIdentity: Set<UInt64>] = [:]
    private var byBeginning: [Beginning: Set<UInt64>] = [:]
    /// How many files have a beginning of this length.
    private var lengths: [Int: Int] = [:]

    /// Notes where a file is by now.
    mutating func note(_ id: UInt64, _ position: FilePosition) {
        let hasContent = position.offset > 0 && position.prefixLength > 0
        let beginning = hasContent ? Beginning(length: position.prefixLength, hash: position.prefixHash) : nil
        if let entry = entries[id] {
            if entry.identity == position.identity, entry.beginning == beginning { return }
            remove(id)
        }
        entries[id] = Entry(identity: position.identity, beginning: beginning)
        byIdentity[position.identity, default: []].insert(id)
        guard let beginning else { return }
        byBeginning[beginning, default: []].insert(id)
        lengths[beginning.length, default: 0] += 1
    }

    mutating func remove(_ id: UInt64) {
        guard let entry = entries.removeValue(forKey: id) else { return }
        FileIndex.remove(id, from: &byIdentity, entry.identity)
        guard let beginning = entry.beginning else { return }
        FileIndex.remove(id, from: &byBeginning, beginning)
        let others = (lengths[beginning.length] ?? 1) - 1
        lengths[beginning.length] = others > 0 ? others : nil
    }

    private static func remove<Key>(_ id: UInt64, from sets: inout [Key: Set<UInt64>], _ key: Key) {
        sets[key]?.remove(id)
        if sets[key]?.isEmpty == true { sets[key] = nil }
    }

    /// The files with this inode, the oldest first.
    func files(_ identity: FileIdentity) -> [UInt64] { byIdentity[identity]?.sorted() ?? [] }

    /// The files of which something was read and that begin as `bytes` do, the oldest first.
    /// - Parameter bytes: the first KiB of a file, or all of it.
    func files(beginningLike bytes: Span<UInt8>) -> [UInt64] {
        var found: [UInt64] = []
        var hash = FilePosition.hash([])
        for index in bytes.indices {
            hash = FilePosition.hash(hash, bytes[index])
            guard lengths[index + 1] != nil else { continue }
            found += byBeginning[Beginning(length: index + 1, hash: hash)] ?? []
        }
        return found.sorted()
    }

    /// Whether it holds just what `position` says.
    func agrees(_ id: UInt64, _ position: FilePosition) -> Bool {
        var copy = self
        copy.note(id, position)
        return entries[id]?.identity == copy.entries[id]?.identity
            && entries[id]?.beginning == copy.entries[id]?.beginning
    }
}
