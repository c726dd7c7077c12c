package import ConnlogCoder
package import ConnlogCore

/// What Coder's table and our store say, beside one another.
package struct ReconcileOutcome: Sendable {
    /// One thing that is not the same; `nil` where one of them has nothing there.
    package struct Difference: Sendable, Equatable {
        package let field: String
        package let table: String?
        package let store: String?

        init(_ field: String, table: String?, store: String?) {
            self.field = field
            self.table = table
            self.store = store
        }
    }

    /// A connection that is not the same in both.
    package struct Finding: Sendable, Equatable {
        package enum Kind: String, Sendable {
            case missingInStore = "missing_in_store"
            case missingInTable = "missing_in_table"
            case different
            /// In one of them; whether in the other too was not looked up.
            case unsure
        }

        package let kind: Kind
        package let table: ReconciledRow?
        package let store: ReconciledRow?
        package var differences: [Difference] = []

        var row: ReconciledRow? { table ?? store }
    }

    /// Whom the table was asked from, and the store.
    package var coder: String
    package var server: String
    package var asked: ClosedRange<TableTime>
    /// What could be compared; `nil`: nothing.
    package var used: ClosedRange<TableTime>?
    /// Why it is not all that was asked for, a sentence each.
    package var reasons: [String] = []
    package var tableRows = 0
    package var storeRows = 0
    package var equal = 0
    package var findings: [Finding] = []

    package var isEqual: Bool { used != nil && findings.isEmpty }

    package func count(_ kind: Finding.Kind) -> Int { findings.reduce(0) { $0 + ($1.kind == kind ? 1 : 0) } }

    // MARK: For people

    package var text: String {
        var text = "table      \(coder)\nstore      \(server)\n"
        text += "asked for  \(asked.lowerBound.text) to \(asked.upperBound.text)\n"
        text += "compared   \(used.map { "\($0.lowerBound.text) to \($0.upperBound.text)" } ?? "nothing")\n"
        for reason in reasons { text += "           \(reason)\n" }
        guard used != nil else { return text }
        text += "rows       \(tableRows) in the table, \(storeRows) in the store, \(equal) of them the same in both\n"
        text += "result     \(words)\n"
        return findings.isEmpty ? text : text + "\n" + list
    }

    /// What the comparison comes to, in a few words.
    package var words: String {
        if findings.isEmpty { return "the same" }
        let counts = [
            "\(count(.missingInStore)) missing in the store", "\(count(.missingInTable)) missing in the table",
            "\(count(.different)) different",
        ]
        let unsure = count(.unsure)
        return (counts + (unsure > 0 ? ["\(unsure) unsure"] : [])).joined(separator: ", ")
    }

    private var list: String {
        var table = Table(
            ("WHAT", .left), ("ID", .left), ("CONNECTED", .left), ("ENDED", .left), ("TYPE", .left),
            ("WORKSPACE", .left), ("CONNECTION", .left), ("TABLE / STORE", .left))
        for finding in findings {
            guard let row = finding.row else { continue }
            table.add(
                ReconcileOutcome.words(finding), row.id.text, row.connect.text, row.end?.text ?? "-",
                TerminalText.line(row.type), TerminalText.line("\(row.workspaceName).\(row.agent)"),
                row.connection?.text ?? "-",
                finding.differences.map { difference in
                    let values = [difference.table, difference.store].map { value in
                        value.map { TerminalText.line(TerminalText.cut($0, bytesMax: 80)) } ?? "-"
                    }
                    return "\(difference.field) \(values[0]) / \(values[1])"
                }.joined(separator: ", "))
        }
        return table.text
    }

    private static func words(_ finding: Finding) -> String {
        switch finding.kind {
        case .missingInStore: "not in the store"
        case .missingInTable: "not in the table"
        case .different: "different"
        case .unsure: finding.table == nil ? "unsure, in the store" : "unsure, in the table"
        }
    }

    // MARK: For programs

    package var json: JSONValue {
        func range(_ range: ClosedRange<TableTime>) -> JSONValue {
            ["from": .string(range.lowerBound.text), "to": .string(range.upperBound.text)]
        }
        return [
            "table": .string(coder), "store": .string(server), "asked": range(asked), "used": used.map(range) ?? .null,
            "reasons": .array(reasons.map { .string($0) }), "table_rows": JSONValue(tableRows),
            "store_rows": JSONValue(storeRows), "equal": JSONValue(equal),
            "missing_in_store": JSONValue(count(.missingInStore)),
            "missing_in_table": JSONValue(count(.missingInTable)), "different": JSONValue(count(.different)),
            "unsure": JSONValue(count(.unsure)),
            "findings": .array(findings.map(ReconcileOutcome.json)),
        ]
    }

    private static func json(_ finding: Finding) -> JSONValue {
        [
            "kind": .string(finding.kind.rawValue), "table": json(finding.table), "store": json(finding.store),
            "differences": .array(
                finding.differences.map {
                    ["field": .string($0.field), "table": JSONValue($0.table), "store": JSONValue($0.store)]
                }),
        ]
    }

    private static func json(_ row: ReconciledRow?) -> JSONValue {
        guard let row else { return .null }
        return [
            "id": .string(row.id.text), "connect_time": .string(row.connect.text),
            "disconnect_time": JSONValue(row.end?.text), "connection_id": JSONValue(row.connection?.text),
            "type": .string(row.type), "workspace_name": .string(row.workspaceName), "agent_name": .string(row.agent),
        ]
    }
}
