package import ConnlogCoder

/// Finds the connections that are in one alone, or differ.
///
/// A web request's row has the id of its event. An agent's connection is one by Coder's unique key (connection id, workspace,
/// agent): of two reports within five seconds the row has the disconnect's id, and a log's disconnect has one that is in no
/// row.
package struct RowComparison: Sendable {
    private let store: [ReconciledRow]
    private var byKey: [ConnectionKey: Int] = [:]
    private var byID: [RowID: Int] = [:]
    private var isMatched: [Bool]
    package private(set) var equal = 0
    package private(set) var findings: [ReconcileOutcome.Finding] = []
    /// Of the table, without one in the store.
    package private(set) var unmatched: [ReconciledRow] = []

    /// - Parameters:
    ///   - range: whose rows are judged; others are there to be matched with them.
    package init(table: [ReconciledRow], store: [ReconciledRow], in range: ClosedRange<TableTime>) {
        self.store = store
        isMatched = Array(repeating: false, count: store.count)
        for (place, row) in store.enumerated() {
            if let key = row.key { byKey[key] = place } else { byID[row.id] = place }
        }
        for row in table {
            let place = row.key.map { byKey[$0] } ?? byID[row.id]
            guard let place else {
                if range.contains(row.connect) { unmatched.append(row) }
                continue
            }
            isMatched[place] = true
            guard range.contains(row.connect) || range.contains(store[place].connect) else { continue }
            match(row, store[place])
        }
    }

    /// Of the store, without one in the table.
    package func strays(in range: ClosedRange<TableTime>) -> [ReconciledRow] {
        store.indices.filter { !isMatched[$0] && range.contains(store[$0].connect) }.map { store[$0] }
    }

    /// Two of one connection.
    package mutating func match(_ table: ReconciledRow, _ stored: ReconciledRow) {
        let differences = table.differences(from: stored)
        if differences.isEmpty {
            equal += 1
        } else {
            findings.append(.init(kind: .different, table: table, store: stored, differences: differences))
        }
    }

    package mutating func missInStore(_ row: ReconciledRow) {
        findings.append(.init(kind: .missingInStore, table: row, store: nil))
    }

    package mutating func missInTable(_ row: ReconciledRow) {
        findings.append(.init(kind: .missingInTable, table: nil, store: row))
    }

    /// It has no counterpart in what was read, and is one too many to be asked for by itself.
    package mutating func doubt(_ row: ReconciledRow, isOfTable: Bool) {
        findings.append(.init(kind: .unsure, table: isOfTable ? row : nil, store: isOfTable ? nil : row))
    }

    /// By time.
    package mutating func sort() {
        func order(_ finding: ReconcileOutcome.Finding) -> (Int64, String) {
            (finding.row?.connect.microseconds ?? 0, finding.row?.id.text ?? "")
        }
        findings.sort { order($0) < order($1) }
    }
}
