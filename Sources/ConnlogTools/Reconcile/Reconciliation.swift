package import ConnlogCoder
package import ConnlogConfig
import ConnlogCore
package import ConnlogSystem

/// `connlog reconcile`: reads Coder's table and our store over the same time, and compares them.
package struct Reconciliation: Sendable {
    /// Reads our store: `take` gets the answer to a query as it comes, JSON Lines as the API has them.
    package typealias Ask =
        @Sendable (_ query: String, _ limit: Int, _ take: @escaping @Sendable ([UInt8]) -> Void) async throws -> Void

    /// Rows come late into Coder's table, and into our store.
    static let settled = Duration.seconds(900)
    /// Rows that lie so far outside are read too, since one connection may have other times here than there.
    static let margin = Duration.seconds(3600)
    package struct Limits: Sendable {
        /// So many rows on one side are held.
        package var rows = 1_000_000
        /// So many rows without a counterpart are asked for one by one, on each side; what others are is not known.
        package var lookUps = 200

        package init() {}
    }

    private let limits: Limits
    private let api: CoderAPI
    private let name: String
    private let server: String
    private let ask: Ask
    private let clock: any WallTime

    /// - Parameters:
    ///   - section: says which Coder is asked, and how.
    ///   - server: where the store is asked, for people.
    /// - Throws: what is wrong with the section.
    package init(
        _ section: Section, version: String, server: String, limits: Limits = Limits(), ask: @escaping Ask
    ) throws(ToolError) {
        do throws(Diagnostic) {
            let api = try CoderKeys.api(section, version: version)
            self.init(
                api, name: section.heading, server: server, clock: SystemWallTime(), limits: limits, ask: ask)
        } catch {
            throw ToolError("\(error.message)", status: .usage)
        }
    }

    package init(
        _ api: CoderAPI, name: String, server: String, clock: any WallTime, limits: Limits = Limits(),
        ask: @escaping Ask
    ) {
        self.limits = limits
        self.api = api
        self.name = name
        self.server = server
        self.clock = clock
        self.ask = ask
    }

    /// Which of the sections that ask a Coder is meant: the first, or the one of that name.
    /// - Parameters:
    ///   - all: of the configuration.
    ///   - path: of the configuration.
    package static func section(_ all: [Section], named: String?, in path: String) throws(ToolError) -> Section {
        guard let named else {
            guard let first = all.first else {
                throw ToolError(
                    "\(path) has neither [source \"...\"] nor [directory \"...\"] with type = coder_api, so there is "
                        + "no Coder to ask; add one with url and token", status: .usage)
            }
            return first
        }
        guard let found = all.first(where: { $0.name == named }) else {
            let names = all.map(\.heading).joined(separator: ", ")
            throw ToolError(
                "no section of type coder_api is named '\(named)'; there \(names.isEmpty ? "is none" : "are \(names)")",
                status: .usage)
        }
        return found
    }

    /// What our server's API is asked for the rows of a query, as JSON Lines.
    /// - Parameter limit: rows; 0: all.
    package static func path(_ query: String, limit: Int) -> String {
        "/api/v2/connectionlog/export?format=jsonl&limit=\(limit)&q=\(URLText.escaped(query))"
    }

    // MARK: All of it

    /// Reads both, and compares them. Takes a request for each 500 rows of the table.
    /// - Throws: `ToolError`, or what `ask` throws.
    package func run(from: Nanoseconds, to: Nanoseconds) async throws -> ReconcileOutcome {
        let asked = max(TableTime(nanoseconds: from), .first)...max(TableTime(nanoseconds: to), .first)
        var outcome = ReconcileOutcome(coder: "\(api.base), \(name)", server: server, asked: asked)
        let questions = TableQuestions(api, clock: clock)
        let last = TableTime(nanoseconds: clock.now()).advanced(by: .seconds(0) - Reconciliation.settled)
        var (begin, end) = (asked.lowerBound, asked.upperBound)
        if last < end {
            end = last
            outcome.reasons.append("to \(end.text): rows come up to 15 minutes late")
        }
        guard begin <= end else { return outcome }
        let (table, mistakes) = try await tableRows(questions, begin, end)
        if let first = mistakes.first {
            outcome.reasons.append("\(Quantity.count(mistakes.count, "row")) of the table cannot be read: \(first)")
        }
        let store = try await storeRows(begin, end)
        // What lies before the first row of either cannot be told from what retention took, or what came before
        // collection began.
        if try await !told({ () async throws(CoderTrouble) in try await questions.hasRow(upTo: begin) }) {
            guard let first = Reconciliation.first(table, begin...end) else {
                return nothing(&outcome, store, begin...end, "Coder's table has no row up to \(end.text)")
            }
            begin = max(begin, first)
            outcome.reasons.append("from \(first.text): Coder's table has nothing older (its retention)")
        }
        if try await !storeHasRow(upTo: asked.lowerBound) {
            guard let first = Reconciliation.first(store, asked.lowerBound...end) else {
                return nothing(&outcome, table, begin...end, "the store has no row up to \(end.text)")
            }
            if first > begin {
                begin = first
                outcome.reasons.append(
                    "from \(first.text): the store has nothing older (the start of collection, or its retention)")
            }
        }
        guard begin <= end else { return outcome }
        try await compare(table, store, begin...end, questions, &outcome)
        return outcome
    }

    private static func first(_ rows: [ReconciledRow], _ range: ClosedRange<TableTime>) -> TableTime? {
        rows.lazy.map(\.connect).filter { range.contains($0) }.min()
    }

    /// One side has nothing: the same only if the other has neither.
    private func nothing(
        _ outcome: inout ReconcileOutcome, _ other: [ReconciledRow], _ range: ClosedRange<TableTime>, _ why: String
    ) -> ReconcileOutcome {
        outcome.reasons.append(why)
        if !other.contains(where: { range.contains($0.connect) }) { outcome.used = range }
        return outcome
    }

    private func compare(
        _ table: [ReconciledRow], _ store: [ReconciledRow], _ range: ClosedRange<TableTime>,
        _ questions: TableQuestions, _ outcome: inout ReconcileOutcome
    ) async throws {
        outcome.used = range
        outcome.tableRows = table.reduce(0) { $0 + (range.contains($1.connect) ? 1 : 0) }
        outcome.storeRows = store.reduce(0) { $0 + (range.contains($1.connect) ? 1 : 0) }
        var comparison = RowComparison(table: table, store: store, in: range)
        var looked = 0
        for row in comparison.unmatched {
            guard let id = row.connection else {
                comparison.missInStore(row)
                continue
            }
            guard looked < limits.lookUps else {
                comparison.doubt(row, isOfTable: true)
                continue
            }
            looked += 1
            let found = try await storeRows("connection_id:\(id.text)", limit: 500).first { $0.key == row.key }
            if let found { comparison.match(row, found) } else { comparison.missInStore(row) }
        }
        looked = 0
        for row in comparison.strays(in: range) {
            guard let id = row.connection else {
                comparison.missInTable(row)
                continue
            }
            guard looked < limits.lookUps else {
                comparison.doubt(row, isOfTable: false)
                continue
            }
            looked += 1
            let rows = try await told { () async throws(CoderTrouble) in try await questions.rows(connection: id) }
            let found = rows.lazy.map(ReconciledRow.init).first { $0.key == row.key }
            if let found { comparison.match(found, row) } else { comparison.missInTable(row) }
        }
        comparison.sort()
        outcome.equal = comparison.equal
        outcome.findings = comparison.findings
        let unsure = outcome.count(.unsure)
        guard unsure > 0 else { return }
        outcome.reasons.append(
            "\(Quantity.count(unsure, "row")) without a counterpart may have one of another time: \(limits.lookUps) on each "
                + "side are asked for one by one, no more; give a shorter time")
    }

    // MARK: Reading

    private func told<Value>(_ ask: () async throws(CoderTrouble) -> Value) async throws -> Value {
        do throws(CoderTrouble) { return try await ask() } catch {
            if Task.isCancelled { throw CancellationError() }
            throw ToolError("\(error)")
        }
    }

    private func tableRows(
        _ questions: TableQuestions, _ begin: TableTime, _ end: TableTime
    ) async throws -> (rows: [ReconciledRow], mistakes: [String]) {
        var rows: [ReconciledRow] = []
        let mistakes = try await told { () async throws(CoderTrouble) in
            try await questions.each(
                from: begin.advanced(by: .seconds(0) - Reconciliation.margin),
                to: end.advanced(by: Reconciliation.margin)
            ) { page in
                rows += page.map(ReconciledRow.init)
                return rows.count <= limits.rows && !Task.isCancelled
            }
        }
        try Task.checkCancellation()
        if rows.count > limits.rows { throw tooMany("Coder's table") }
        return (rows, mistakes)
    }

    private func tooMany(_ which: String) -> ToolError {
        ToolError("\(which) has more than \(limits.rows) rows in this time; give a shorter one", status: .usage)
    }

    private func storeRows(_ begin: TableTime, _ end: TableTime) async throws -> [ReconciledRow] {
        let after = begin.advanced(by: .seconds(0) - Reconciliation.margin).text
        let before = end.advanced(by: Reconciliation.margin).text
        return try await storeRows("connected_after:\"\(after)\" connected_before:\"\(before)\"", limit: 0)
    }

    private func storeHasRow(upTo time: TableTime) async throws -> Bool {
        try await !storeRows("connected_before:\"\(time.text)\"", limit: 1).isEmpty
    }

    private func storeRows(_ query: String, limit: Int) async throws -> [ReconciledRow] {
        let lines = StoreLines(rowsMax: limits.rows)
        try await ask(query, limit) { lines.take($0) }
        let (rows, mistake, isFull) = lines.finish()
        if isFull { throw tooMany("the store") }
        if let mistake { throw ToolError("\(server) gives a row that cannot be read: \(mistake)") }
        return rows
    }
}
