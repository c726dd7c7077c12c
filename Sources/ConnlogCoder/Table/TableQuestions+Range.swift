/// What a reconciliation asks.
extension TableQuestions {
    /// Goes over the rows of a time range, newest first, each once.
    /// - Parameters:
    ///   - from: included, as `to` is.
    ///   - take: gets them page by page; `false`: no more of them.
    /// - Returns: of rows that cannot be used, what is wrong with them.
    package func each(
        from: TableTime, to: TableTime, _ take: ([CoderRow]) -> Bool
    ) async throws(CoderTrouble) -> [String] {
        var walk = TableWalk(after: from, before: to)
        while let rows = try await walk.next(self) {
            if !take(rows) { break }
        }
        return walk.mistakes
    }

    /// Those that an agent has reported under one connection id, some hundreds at most.
    package func rows(connection: RowID) async throws(CoderTrouble) -> [CoderRow] {
        var query = Query(after: .first, before: nil)
        query.connection = connection
        return try await page(query).rows
    }

    /// Whether there is a row of this time or an older one.
    package func hasRow(upTo time: TableTime) async throws(CoderTrouble) -> Bool {
        try await page(Query(after: .first, before: time, limit: 1)).size > 0
    }
}
