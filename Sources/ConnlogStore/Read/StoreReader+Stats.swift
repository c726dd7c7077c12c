#if Server
import ConnlogCore
import GRDB

extension ConnectionStore {
    /// How many connections began when, and whose.
    package struct Stats: Sendable, Equatable {
        package var count = 0
        package var types: [String: Int] = [:]
        /// Those with connections, in order of time.
        package var buckets: [Bucket] = []
        package var users: [Top] = []
        package var owners: [Top] = []
        package var workspaces: [Top] = []
        /// How many connections that have ended lasted how long, by `lengthBounds`.
        package var lengths: [Int] = []
        /// How many agents' connections were open at the end of each interval in which that changed.
        package var concurrent: [Point] = []

        /// In microseconds; the last kind is what is longer than all of these.
        package static let lengthBounds = [60, 600, 3600, 14_400, 28_800, 86_400].map {
            Microseconds.length(seconds: $0)
        }

        package struct Point: Sendable, Equatable {
            package var time: Microseconds
            package var count: Int
        }

        package struct Bucket: Sendable, Equatable {
            package var start: Microseconds
            package var types: [String: Int]
        }

        package struct Top: Sendable, Equatable {
            package var id: String
            /// Of a workspace, as its newest connection has it; else empty.
            package var name: String
            package var count: Int
        }
    }

    /// - Parameters:
    ///   - range: of connect times.
    ///   - top: how many users, owners and workspaces.
    package func stats(
        _ query: RowQuery, _ range: Range<Microseconds>, intervalSeconds: Int64, top: Int
    ) async throws(StoreProblem) -> Stats {
        try refuseLarge(query)
        return try await read {
            try $0.stats(query, range, interval: Microseconds.length(seconds: max(1, intervalSeconds)), top: top)
        }
    }
}

extension StoreReader {
    func stats(
        _ query: RowQuery, _ range: Range<Microseconds>, interval: Int64, top: Int
    ) throws -> ConnectionStore.Stats {
        let bounds = [
            RowQuery.Term(.row(.connectedAfter(range.lowerBound.nanoseconds))),
            RowQuery.Term(.row(.connectedBefore(range.upperBound.advanced(by: -1).nanoseconds))),
        ]
        let plans = try plans(RowQuery(query.terms + bounds))
        var stats = ConnectionStore.Stats()
        try addTimes(plans, range, interval, &stats)
        try addLengths(plans, &stats)
        try addConcurrent(try self.plans(query), range, interval, &stats)
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
            try Task.checkCancellation()
            let types = Dictionary(
                plan.classes.map { ($0.number, $0.rowClass.type.rawValue) }, uniquingKeysWith: { first, _ in first })
            let source = plan.source
            let sql = "SELECT (time - ?) / ?, class, count(*) \(source.text) GROUP BY 1, 2"
            let arguments = [SQLValue.time(range.lowerBound), .int(interval)] + source.arguments
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
            .init(start: StoreReader.start(of: $0.key, interval, range), types: $0.value)
        }
    }

    /// Where an interval of the range begins.
    private static func start(of bucket: Int64, _ interval: Int64, _ range: Range<Microseconds>) -> Microseconds {
        let (length, overflows) = bucket.multipliedReportingOverflow(by: interval)
        return range.lowerBound.advanced(by: overflows ? .max : length)
    }

    private func addLengths(_ plans: [PartitionQuery], _ stats: inout ConnectionStore.Stats) throws {
        let bounds = ConnectionStore.Stats.lengthBounds
        stats.lengths = Array(repeating: 0, count: bounds.count + 1)
        let kinds = bounds.indices.map { "WHEN disconnect - time < \(bounds[$0]) THEN \($0)" }.joined(separator: " ")
        for plan in plans where !plan.isEmpty {
            try Task.checkCancellation()
            let source = plan.source
            let sql = """
                SELECT CASE \(kinds) ELSE \(bounds.count) END, count(*) \(source.text) WHERE disconnect NOT NULL GROUP BY 1
                """
            for (kind, count) in try database.all(sql, source.arguments, { (Int($0.int(0)), Int($0.int(1))) }) {
                stats.lengths[kind] += count
            }
        }
    }

    /// Connections that began more than a week before the range do not count as open in it.
    private func addConcurrent(
        _ plans: [PartitionQuery], _ range: Range<Microseconds>, _ interval: Int64, _ stats: inout ConnectionStore.Stats
    ) throws {
        let week = Microseconds.length(seconds: 7 * 86_400)
        var changes: [Int64: Int] = [:]
        for plan in plans where !plan.isEmpty {
            try Task.checkCancellation()
            let source = plan.source
            // Those that were open before are changes of the first interval.
            let sql = """
                SELECT max(-1, (time - start) / step), ifnull((disconnect - start) / step, -2)
                FROM (SELECT ? AS start, ? AS stop, ? AS step, ? AS before) CROSS JOIN (SELECT * \(source.text))
                WHERE time >= start - before AND time < stop AND (open = 1 OR disconnect >= start)
                """
            let numbered = [SQLValue.time(range.lowerBound), .time(range.upperBound), .int(interval), .int(week)]
            try database.prepared(sql).each(numbered + source.arguments) { row in
                changes[row.int(0), default: 0] += 1
                if row.int(1) != -2 { changes[row.int(1), default: 0] -= 1 }
                return true
            }
        }
        var count = 0
        for (step, change) in changes.sorted(by: { $0.key < $1.key }) {
            count += change
            let time = StoreReader.start(of: max(0, step), interval, range)
            guard time < range.upperBound else { break }
            stats.concurrent.append(.init(time: time, count: count))
        }
    }

    private func topOf(_ column: String, _ plans: [PartitionQuery], _ top: Int) throws -> [ConnectionStore.Stats.Top] {
        var counts: [String: (count: Int, name: String)] = [:]
        for plan in plans where !plan.isEmpty {
            try Task.checkCancellation()
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
