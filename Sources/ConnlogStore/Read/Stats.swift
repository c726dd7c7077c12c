#if Server
import ConnlogCore
import GRDB

extension ConnectionStore {
    /// How many connections began when, and whose.
    public struct Stats: Sendable, Equatable {
        public var count = 0
        public var types: [String: Int] = [:]
        /// Those with connections, in order of time.
        public var buckets: [Bucket] = []
        public var users: [Top] = []
        public var owners: [Top] = []
        public var workspaces: [Top] = []

        public struct Bucket: Sendable, Equatable {
            public var start: Microseconds
            public var types: [String: Int]
        }

        public struct Top: Sendable, Equatable {
            public var id: String
            /// Of a workspace, as its newest connection has it; else empty.
            public var name: String
            public var count: Int
        }
    }

    /// - Parameters:
    ///   - range: of connect times.
    ///   - top: how many users, owners and workspaces.
    public func stats(
        _ query: RowQuery, _ range: Range<Microseconds>, intervalSeconds: Int64, top: Int
    ) async throws(StoreProblem) -> Stats {
        try await read { try $0.stats(query, range, interval: intervalSeconds * 1_000_000, top: top) }
    }
}

extension StoreReader {
    func stats(
        _ query: RowQuery, _ range: Range<Microseconds>, interval: Int64, top: Int
    ) throws -> ConnectionStore.Stats {
        let bounds = [
            RowQuery.Term(.row(.connectedAfter(range.lowerBound * 1000))),
            RowQuery.Term(.row(.connectedBefore((range.upperBound - 1) * 1000))),
        ]
        let plans = try plans(RowQuery(query.terms + bounds))
        var stats = ConnectionStore.Stats()
        try addTimes(plans, range, interval, &stats)
        stats.users = try topOf("user", plans, top)
        stats.owners = try topOf("owner", plans, top)
        stats.workspaces = try topOf("workspace", plans, top)
        return stats
    }

    private func addTimes(
        _ plans: [PartitionQuery], _ range: Range<Microseconds>, _ interval: Int64, _ stats: inout ConnectionStore.Stats
    ) throws {
        var buckets: [Int64: [String: Int]] = [:]
        for plan in plans where !plan.isEmpty {
            let types = Dictionary(
                plan.classes.map { ($0.number, $0.rowClass.type.rawValue) }, uniquingKeysWith: { first, _ in first })
            let source = plan.source
            let sql = "SELECT (time - ?) / ?, class, count(*) \(source.text) GROUP BY 1, 2"
            let arguments = [SQLValue.int(range.lowerBound), .int(interval)] + source.arguments
            for (bucket, rowClass, count) in try database.all(
                sql, arguments, { ($0.int(0), $0.int(1), Int($0.int(2))) })
            {
                let type = types[rowClass] ?? "other"
                buckets[bucket, default: [:]][type, default: 0] += count
                stats.types[type, default: 0] += count
                stats.count += count
            }
        }
        stats.buckets = buckets.sorted { $0.key < $1.key }.map {
            .init(start: range.lowerBound + $0.key * interval, types: $0.value)
        }
    }

    private func topOf(_ column: String, _ plans: [PartitionQuery], _ top: Int) throws -> [ConnectionStore.Stats.Top] {
        var counts: [String: (count: Int, name: String)] = [:]
        for plan in plans where !plan.isEmpty {
            let source = plan.source
            let texts = plan.partition.texts
            let sql = """
                SELECT (SELECT text FROM \(texts) WHERE number = who), count, (SELECT text FROM \(texts) WHERE number = name)
                FROM (SELECT \(column) AS who, count(*) AS count, max(name) AS name \(source.text) GROUP BY 1)
                """
            for (id, count, name) in try database.all(
                sql, source.arguments, { ($0.text(0), Int($0.int(1)), $0.text(2)) })
            {
                guard let id else { continue }
                let known = counts[id]
                counts[id] = ((known?.count ?? 0) + count, known?.name ?? name ?? "")
            }
        }
        let best = counts.sorted { ($1.value.count, $0.key) < ($0.value.count, $1.key) }.prefix(top)
        return best.map { .init(id: $0.key, name: column == "workspace" ? $0.value.name : "", count: $0.value.count) }
    }
}
#endif
