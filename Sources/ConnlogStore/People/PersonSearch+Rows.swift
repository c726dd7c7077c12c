#if Server
import ConnlogCore
import GRDB

/// Which rows a change concerns, and how they are told anew.
extension PersonSearch {
    /// Agents' rows of a client session that name nobody.
    func rows(of session: TouchedRows.Session) throws -> Set<TouchedRows.RowPlace> {
        var rows: Set<TouchedRows.RowPlace> = []
        for extent in extents {
            let partition = extent.partition
            let sql = """
                SELECT r.row, r.class FROM \(partition.keys) k JOIN \(partition.rows) r ON r.row = k.row
                WHERE k.hash = ? AND r.session = ? AND r.access IS NULL
                """
            try database.prepared(sql).each([.int(hash.ofSession(session.id)), .id(session.id)]) { row in
                guard classes[row.int(1)]?.organization == session.organization else { return true }
                rows.insert(TouchedRows.RowPlace(partition: partition.number, row: row.int(0)))
                return true
            }
        }
        return rows
    }

    /// A time that no agent's connection of a workspace is later than; `nil` if all are before `first`.
    /// - Parameter agents: the classes of agents' rows of its organization.
    func newestRow(in place: Place, from first: Microseconds, _ agents: [Int64]) throws -> Microseconds? {
        var newest: Microseconds?
        for extent in extents where extent.newest >= max(first, newest ?? first) {
            let partition = extent.partition
            guard let workspace = try number(place.workspace, partition) else { continue }
            let sql = """
                SELECT time FROM \(partition.rows) INDEXED BY \(partition.rows)_workspace
                WHERE workspace = ? AND class = ? AND time >= ? ORDER BY time DESC LIMIT 1
                """
            for rowClass in agents {
                let values = [SQLValue.int(workspace), .int(rowClass), .time(first)]
                guard let time = try database.first(sql, values, { $0.time(0) }) else { continue }
                newest = max(newest ?? time, time)
            }
        }
        return newest
    }

    /// Agents' rows that name nobody, and whose last tunnel may be one of these times.
    /// - Parameter times: in order.
    func rows(
        of place: Place, after times: [Microseconds], _ agents: [Int64]
    ) throws -> Set<TouchedRows.RowPlace> {
        var rows: Set<TouchedRows.RowPlace> = []
        var done: Microseconds?
        for time in times {
            let window = time.advanced(by: PersonSearch.window)
            let next = try nextTunnel(place, time, window)?.advanced(by: -1) ?? window
            let start = done.map { max($0.advanced(by: 1), time) } ?? time
            guard start <= next else { continue }
            try addRows(of: place, start...next, agents, &rows)
            done = next
        }
        return rows
    }

    /// After this one another tunnel is the last, whoever had this one.
    private func nextTunnel(_ place: Place, _ time: Microseconds, _ end: Microseconds) throws -> Microseconds? {
        var next: Microseconds?
        if end <= time { return nil }
        try eachPartition(with: place, in: time...end) { partition, workspace, agent in
            let sql = """
                SELECT time, class FROM \(partition.rows) INDEXED BY \(partition.rows)_access
                WHERE workspace = ? AND agent = ? AND \(Access.letIn) AND time > ? AND time <= ?
                    AND access = \(Access.Kind.tunnel.rawValue) ORDER BY time
                """
            let values = [SQLValue.int(workspace), .int(agent), .time(time), .time(next ?? end)]
            try database.prepared(sql).each(values) { row in
                guard let found = classes[row.int(1)], found.organization == place.organization else { return true }
                next = row.time(0)
                return false
            }
        }
        return next
    }

    private func addRows(
        of place: Place, _ times: ClosedRange<Microseconds>, _ agents: [Int64],
        _ rows: inout Set<TouchedRows.RowPlace>
    ) throws {
        try eachPartition(with: place, in: times) { partition, workspace, agent in
            let sql = """
                SELECT row FROM \(partition.rows) INDEXED BY \(partition.rows)_workspace
                WHERE workspace = ? AND class = ? AND time >= ? AND time <= ? AND agent = ? AND access IS NULL
                """
            for rowClass in agents {
                let bounds = [SQLValue.time(times.lowerBound), .time(times.upperBound), .int(agent)]
                try database.prepared(sql).each([.int(workspace), .int(rowClass)] + bounds) { row in
                    rows.insert(TouchedRows.RowPlace(partition: partition.number, row: row.int(0)))
                    return true
                }
            }
        }
    }

    // MARK: - Telling anew

    /// Says whose a row is, in its column `inferred`.
    func infer(_ place: TouchedRows.RowPlace) throws {
        let partition = Partition(number: place.partition)
        func text(_ column: String) -> String { "(SELECT text FROM \(partition.texts) WHERE number = r.\(column))" }
        let sql = """
            SELECT r.time, r.class, r.session, \(text("workspace")), \(text("agent")), \(text("inferred"))
            FROM \(partition.rows) r WHERE r.row = ? AND r.access IS NULL
            """
        let found = try database.first(sql, [.int(place.row)]) { row in
            (unnamed: classes[row.int(1)].flatMap { Unnamed(row, $0) }, user: row.text(5))
        }
        guard let (unnamed, known) = found else { return }
        let user = try unnamed.flatMap { try self.user($0) }
        if user == known { return }
        let number = try user.map { try self.numberOrNew($0, partition) }
        try database.run(
            "UPDATE \(partition.rows) SET inferred = ? WHERE row = ?", [.int(number), .int(place.row)])
    }

    private func numberOrNew(_ text: String, _ partition: Partition) throws -> Int64 {
        if let number = try number(text, partition) { return number }
        let address = AddressBlock(text).map { SQLValue.bytes($0.bytes.lowest) }
        try database.run(
            "INSERT INTO \(partition.texts)(text, folded, address) VALUES (?, ?, ?)",
            [.text(text), .text(text.lowercased()), address ?? .null])
        return database.lastInsertedRowID
    }
}

extension Unnamed {
    /// - Parameter row: in the order of `PersonSearch.infer`; of no user's.
    fileprivate init?(_ row: Columns, _ rowClass: RowClass) {
        if rowClass.type.isWeb { return nil }
        self.init(
            organization: rowClass.organization,
            place: Place(organization: rowClass.organization, workspace: row.text(3), agent: row.text(4)),
            isTerminal: rowClass.type == .reconnectingPTY, start: row.time(0),
            session: row.id(2).flatMap { $0.isSomebody ? $0 : nil })
    }
}
#endif
