import ConnlogCore
import ConnlogSystem

/// What of the queue's events one sink gets: those that its filter wants, and audit events only where it asks for them,
/// whatever the filter says of connections.
struct Sieve {
    /// What stayed of a batch.
    struct Kept {
        /// Of the batch as it was, in order.
        var indexes: [Int]
        /// How many the filter did not want.
        var filtered: Int
    }

    private var filter: (any EventFilter)?
    private let includesAudit: Bool
    private var scanner = EventScanner()
    /// How many audit events there were for the sink.
    private(set) var audits = 0

    init(_ filter: (any EventFilter)?, includesAudit: Bool) {
        self.filter = filter
        self.includesAudit = includesAudit
    }

    /// - Returns: `nil` when everything stayed.
    mutating func apply(to batch: inout EventBatch) -> Kept? {
        let audits = audits(in: batch)
        if audits.isEmpty {
            let count = batch.count
            return filter?.apply(to: &batch).map { Kept(indexes: $0, filtered: count - $0.count) }
        }
        if includesAudit { self.audits += audits.count }
        if includesAudit, filter == nil { return nil }
        var connections = batch
        let places = Array(0..<batch.count).filter { !audits.contains($0) }
        connections.filter { index, _ in !audits.contains(index) }
        let wanted = filter?.apply(to: &connections)?.map { places[$0] } ?? places
        let kept = includesAudit ? (wanted + audits).sorted() : wanted
        let set = Set(kept)
        batch.filter { index, _ in set.contains(index) }
        return Kept(indexes: kept, filtered: places.count - wanted.count)
    }

    private mutating func audits(in batch: borrowing EventBatch) -> Set<Int> {
        var found: Set<Int> = []
        for index in 0..<batch.count where AuditEvent.isOne(batch, index, &scanner) { found.insert(index) }
        return found
    }
}
