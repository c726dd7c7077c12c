#if Server
import ConnlogCore
import GRDB

extension ConnectionStore {
    /// Texts of rows whose values can be listed.
    package enum ValueColumn: String, Sendable { case workspace = "name", agent, app, reason }

    /// The times between which all connections began that match; `nil` without any. Goes by indices alone, so only what the
    /// class decides is looked at.
    package func span(_ query: RowQuery) async throws(StoreProblem) -> ClosedRange<Microseconds>? {
        try refuseLarge(query)
        return try await read { try $0.span(query) }
    }

    /// What the newest matching rows have, each once, in no order: some ten thousands of them are looked at.
    package func recentValues(_ column: ValueColumn, _ query: RowQuery) async throws(StoreProblem) -> [String] {
        try refuseLarge(query)
        return try await read { try $0.recentValues(column, query) }
    }

    /// Several questions that together may take so long.
    package func within<Value: Sendable>(
        _ limit: Duration, _ work: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await withLimit(limit, tooLong: StoreProblem("questions took longer than \(limit)", .tooLong), work)
    }
}

extension StoreReader {
    func span(_ query: RowQuery) throws -> ClosedRange<Microseconds>? {
        var span: ClosedRange<Microseconds>?
        for plan in try plans(query) where !plan.isEmpty {
            for rowClass in plan.classes {
                try Task.checkCancellation()
                let ends = ["min", "max"].map {
                    "SELECT \($0)(time) FROM \(plan.partition.rows) INDEXED BY \(plan.partition.rows)_class WHERE class = ?1"
                }
                let found = try ends.map {
                    try database.first($0, [.int(rowClass.number)]) { $0.optionalTime(0) } ?? nil
                }
                guard let first = found[0], let last = found[1] else { continue }
                span = min(span?.lowerBound ?? first, first)...max(span?.upperBound ?? last, last)
            }
        }
        return span
    }

    /// So many rows of a partition are looked at, and so many values given.
    private static let recentRows = 50_000
    private static let recentPartitions = 3
    private static let valuesMax = 20_000

    func recentValues(_ column: ConnectionStore.ValueColumn, _ query: RowQuery) throws -> [String] {
        var values: Set<String> = []
        for plan in try plans(query).filter({ !$0.isEmpty }).prefix(StoreReader.recentPartitions) {
            try Task.checkCancellation()
            let source = plan.source
            let sql = """
                SELECT text FROM \(plan.partition.texts) WHERE number IN (
                    SELECT value FROM (SELECT \(column.rawValue) AS value, time \(source.text) ORDER BY time DESC LIMIT ?))
                """
            for text in try database.all(sql, source.arguments + [.int(StoreReader.recentRows)], { $0.text(0) }) {
                if let text, values.count < StoreReader.valuesMax { values.insert(text) }
            }
        }
        return Array(values)
    }
}
#endif
