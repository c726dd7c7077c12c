package import ConnlogCoder

/// What of a row is compared, of Coder's table or of our store. Small: there may be a million.
package struct ReconciledRow: Sendable, Equatable {
    package let id: RowID
    package let key: ConnectionKey?
    package let connection: RowID?
    package let isAgent: Bool
    package let connect: TableTime
    package let end: TableTime?
    package let code: Int64?
    package let reason: String
    package let type: String
    package let workspaceName: String
    package let agent: String

    package init(_ row: CoderRow) {
        id = row.id
        key = row.key
        connection = row.connection
        isAgent = row.isAgent
        connect = row.connect
        end = row.end
        code = row.code
        reason = row.reason
        type = row.type
        workspaceName = row.workspaceName
        agent = row.agent
    }

    /// Databases keep microseconds, and round what logs say to the nanosecond in one way or another.
    static let tolerance: Int64 = 1

    static func isSame(_ one: TableTime?, _ other: TableTime?) -> Bool {
        guard let one, let other else { return one == other }
        return abs(one.since(other)) <= tolerance
    }

    /// Its disconnect alone has come.
    private var isEndAlone: Bool { isAgent && end != nil && ReconciledRow.isSame(connect, end) }

    /// What is not the same about one connection here and there: the field, in Coder's words, and what is wrong.
    /// - Parameter stored: the row of the store; `self` is that of the table.
    func differences(from stored: ReconciledRow) -> [ReconcileOutcome.Difference] {
        typealias Difference = ReconcileOutcome.Difference
        var found: [Difference] = []
        if isEndAlone != stored.isEndAlone, end != nil, stored.end != nil {
            found.append(Difference("connect_time", table: connect.text, store: stored.connect.text))
        }
        if !ReconciledRow.isSame(end, stored.end) {
            found.append(Difference("disconnect_time", table: end?.text, store: stored.end?.text))
        }
        guard !isAgent || end != nil && stored.end != nil else { return found }
        if code != stored.code {
            let field = isAgent ? "exit_code" : "status_code"
            found.append(Difference(field, table: code.map { "\($0)" }, store: stored.code.map { "\($0)" }))
        }
        if reason != stored.reason {
            found.append(Difference("disconnect_reason", table: reason, store: stored.reason))
        }
        return found
    }
}
