import ConnlogCore

/// Sees whether an answer was cut at a limit, and says so: whoever reads the rows must not take them for all.
package struct RowLimit: Sendable {
    private let limit: Int
    private let isCSV: Bool
    private var isQuoted = false
    private var lines = 0

    /// - Parameters:
    ///   - limit: so many rows were asked for; 0: all.
    ///   - isCSV: the first line is a header, and cells in quotes may have lines.
    package init(_ limit: Int, isCSV: Bool) {
        self.limit = limit
        self.isCSV = isCSV
    }

    /// Looks at a piece of the answer.
    package mutating func take(_ bytes: [UInt8]) {
        if limit == 0, !isEmpty { return }
        for byte in bytes {
            if isCSV, byte == UInt8(ascii: "\"") { isQuoted.toggle() }
            if byte == UInt8(ascii: "\n"), !isQuoted { lines += 1 }
        }
    }

    /// No row has come.
    package var isEmpty: Bool { lines <= (isCSV ? 1 : 0) }

    /// What to ask the list for, to learn why.
    /// - Parameter query: escaped.
    package static func warningsPath(_ query: String) -> String {
        "/api/v2/connectionlog?connlog=true&count=exact&limit=1&q=\(query)"
    }

    /// There are as many rows as were asked for, so there may be more.
    package var isReached: Bool { limit > 0 && lines - (isCSV ? 1 : 0) >= limit }

    /// What to ask the list for, to learn whether there are.
    /// - Parameter query: escaped.
    package func path(_ query: String) -> String {
        "/api/v2/connectionlog?connlog=true&count=exact&limit=1&offset=\(limit)&q=\(query)"
    }

    /// What to say.
    /// - Parameter answer: the list's; `nil` if there was none.
    /// - Returns: `nil` when there are no more.
    package func words(_ answer: [UInt8]?) -> String? {
        guard let answer, let list = List(answer) else {
            return "\(Quantity.grouped(limit)) connections, perhaps of more; --limit 0 for all"
        }
        if list.isEmpty { return nil }
        let isCapped = list.cap > 0 && list.count > list.cap && !list.isExact
        let all =
            isCapped
            ? "more than \(Quantity.grouped(max(list.cap, limit)))" : Quantity.grouped(max(list.count, limit + 1))
        return "\(Quantity.grouped(limit)) of \(all) connections; --limit 0 for all"
    }

    /// What the list says beside its rows.
    private struct List {
        var isEmpty = true
        /// Up to `cap`; one more says that there are more. With a cap of 0 all are counted.
        var count = 0
        var cap = 0
        /// There are so many, whatever the cap.
        var isExact = false

        init?(_ body: [UInt8]) {
            let bytes = body.span
            guard let end = body.lastIndex(of: UInt8(ascii: "}")), body.first == UInt8(ascii: "{") else { return nil }
            var members = JSONMembers(bytes, 0..<end + 1)
            var known = 0
            while let member = members.next() {
                let range = member.value.range
                switch JSONText.string(bytes, member.key) {
                case "connection_logs": isEmpty = !body[range].contains(UInt8(ascii: "{"))
                case "count": count = Int(JSONText.string(bytes, range)) ?? 0
                case "count_cap": cap = Int(JSONText.string(bytes, range)) ?? 0
                case "count_exact":
                    isExact = JSONText.string(bytes, range) == "true"
                    continue
                default: continue
                }
                known += 1
            }
            guard known == 3 else { return nil }
        }
    }
}
