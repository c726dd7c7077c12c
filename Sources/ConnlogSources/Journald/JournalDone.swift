/// Which entries were done before, where the library's place alone does not tell.
struct JournalDone: Sendable {
    private let cursor: JournalCursor
    /// Done entries of the cursor's microsecond that are known by their number only; they came first.
    private var unlisted: Int
    /// How often each of the others is to come.
    private var hashes: [UInt64: Int] = [:]
    /// What the numbers prove to be older is done too.
    private let isFromHead: Bool

    /// - Parameter isFromHead: the journal is read from its first entry, not from about where reading stopped.
    init?(_ position: JournalPosition, isFromHead: Bool) {
        guard let cursor = position.cursor else { return nil }
        self.cursor = cursor
        self.isFromHead = isFromHead
        let listed = position.moment.hashes.suffix(JournalPosition.Moment.hashesMax)
        unlisted = position.moment.total - listed.count
        for hash in listed { hashes[hash, default: 0] += 1 }
    }

    /// To be asked of each entry once, in their order.
    mutating func contains(_ entry: JournalCursor) -> Bool {
        guard entry.isOfSameMoment(as: cursor) else { return isFromHead && entry.isProvenOlder(than: cursor) }
        if unlisted > 0 {
            unlisted -= 1
            return true
        }
        guard let left = hashes[entry.hash], left > 0 else { return false }
        hashes[entry.hash] = left - 1
        return true
    }
}
