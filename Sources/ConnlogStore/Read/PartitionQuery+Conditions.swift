#if Server
import ConnlogCore
import ConnlogSystem
import GRDB

/// What each condition asks of a partition's rows.
extension PartitionQuery {
    mutating func add(
        _ term: RowQuery.Term, _ candidates: inout [(path: Path, values: [Int64])], _ database: Database
    ) throws {
        if let isKept = classTest(term.condition) {
            classes.removeAll { isKept($0.rowClass) == term.isNegated }
            return
        }
        switch term.condition {
        case .owners(let ids): try add(ids, "owner", .owner, term, &candidates, database)
        case .users(let ids): try add(ids, "user", .user, term, &candidates, database)
        case .people(let ids): try add(people: ids, term, &candidates, database)
        case .row(.workspaceID(let id)): try add([id], "workspace", .workspace, term, &candidates, database)
        case .row(.app(let names)): try add(apps: names, term, database)
        case .row(.connectedAfter(let bound)):
            let time = Microseconds(nanoseconds: bound)
            if term.isNegated { narrow(through: time.advanced(by: -1)) } else { narrow(from: time) }
        case .row(.connectedBefore(let bound)):
            let time = Microseconds(nanoseconds: bound)
            if term.isNegated { narrow(from: time.advanced(by: 1)) } else { narrow(through: time) }
        case .row(.during(let range)) where !term.isNegated:
            if let through = range.through { narrow(through: Microseconds(nanoseconds: through)) }
            guard let from = range.from else { return }
            let time = Microseconds(nanoseconds: from)
            overlap = max(overlap ?? time, time)
            try ask(term, database)
        case .row(.status(let status)): try add(status, term, &candidates, database)
        case .state(let status, _):
            if !term.isNegated { classes.removeAll { $0.rowClass.type.isWeb } }
            try ask(term, database)
            if !term.isNegated, status != .startUnknown, status != .completed { candidates.append((.open, [])) }
        case .row(.connectionID(let id)):
            try ask(term, database)
            if !term.isNegated { candidates.append((.keys, [hash.ofConnection(Identifier(id))])) }
        default: try ask(term, database)
        }
    }

    private mutating func narrow(from time: Microseconds) { from = max(from ?? time, time) }

    private mutating func narrow(through time: Microseconds) { through = min(through ?? time, time) }

    private mutating func ask(_ term: RowQuery.Term, _ database: Database) throws {
        let piece = try piece(term.condition, database)
        if piece == .never, !term.isNegated { isEmpty = true }
        ask(piece, term)
    }

    mutating func ask(_ piece: SQLPiece, _ term: RowQuery.Term) {
        needsOnlyClass = false
        filter = filter.and(term.isNegated ? piece.negated : piece)
        if filter == .never { isEmpty = true }
    }

    /// Ids of people or workspaces.
    private mutating func add(
        _ ids: [String], _ column: String, _ path: Path, _ term: RowQuery.Term,
        _ candidates: inout [(path: Path, values: [Int64])], _ database: Database
    ) throws {
        let numbers = try numbers(of: ids, database)
        ask(.oneOf([column], numbers), term)
        if term.isNegated { return }
        isEmpty = isEmpty || numbers.isEmpty
        candidates.append((path, numbers))
    }

    /// Each once, however often an id is given: what is gone along for each must have no row in common.
    func numbers(of ids: [String], _ database: Database) throws -> [Int64] {
        try Set(ids.map { $0.lowercased() }).sorted().flatMap { try find("folded = ?", [.text($0)], database) }
    }

    /// Known apps are a matter of the class; of the others the row says which it is.
    private mutating func add(apps names: [String], _ term: RowQuery.Term, _ database: Database) throws {
        let others = names.filter { !RowClass.App.isKnown($0) }
        let numbers = try others.flatMap { try find("folded = ?", [.text($0)], database) }
        let piece = SQLPiece.oneOf(["app"], numbers)
        classes = classes.compactMap { (found) -> RowClassNumber? in
            var found = found
            switch found.rowClass.app {
            case .none: return term.isNegated ? found : nil
            case .known(let name): return names.contains(name) == term.isNegated ? nil : found
            case .other:
                if numbers.isEmpty { return term.isNegated ? found : nil }
                found.filter = found.filter.and(term.isNegated ? piece.negated : piece)
                return found
            }
        }
        if !numbers.isEmpty { needsOnlyClass = false }
    }

    private mutating func add(
        _ status: FilterStatus, _ term: RowQuery.Term, _ candidates: inout [(path: Path, values: [Int64])],
        _ database: Database
    ) throws {
        if !term.isNegated { classes.removeAll { $0.rowClass.type.isWeb } }
        try ask(term, database)
        if status == .ongoing, !term.isNegated { candidates.append((.open, [])) }
    }

    /// For a condition that the class alone decides.
    private func classTest(_ condition: RowQuery.Condition) -> ((RowClass) -> Bool)? {
        switch condition {
        case .organizations(let ids):
            let wanted = Set(ids)
            return { $0.organization.map(wanted.contains) ?? false }
        case .row(let condition): return classTest(condition)
        case .any(let parts):
            let tests = parts.compactMap(classTest)
            guard tests.count == parts.count else { return nil }
            return { rowClass in tests.contains { $0(rowClass) } }
        case .all(let parts):
            let tests = parts.compactMap(classTest)
            guard tests.count == parts.count else { return nil }
            return { rowClass in tests.allSatisfy { $0(rowClass) } }
        default: return nil
        }
    }

    private func classTest(_ condition: FilterCondition) -> ((RowClass) -> Bool)? {
        switch condition {
        case .type(let type): return { $0.type == type }
        case .method(let method): return { ConnectionMethod($0.type) == method }
        case .any(let parts): return classTest(.any(parts.map { .row($0) }))
        case .all(let parts): return classTest(.all(parts.map { .row($0) }))
        default: return nil
        }
    }

    // MARK: - In SQL

    /// What is asked of a row.
    private func piece(_ condition: RowQuery.Condition, _ database: Database) throws -> SQLPiece {
        if let test = classTest(condition) {
            return .oneOf(["class"], classes.filter { test($0.rowClass) }.map(\.number))
        }
        switch condition {
        case .organizations: return .never
        case .owners(let ids): return .oneOf(["owner"], try numbers(of: ids, database))
        case .users(let ids): return .oneOf(["user"], try numbers(of: ids, database))
        case .people(let ids): return .oneOf(["user", "inferred"], try numbers(of: ids, database))
        case .state(let status, let bounds): return piece(status, bounds)
        case .any(let parts): return .any(try parts.map { try piece($0, database) })
        case .all(let parts): return .all(try parts.map { try piece($0, database) })
        case .row(let condition): return try piece(condition, database)
        }
    }

    private func piece(_ condition: FilterCondition, _ database: Database) throws -> SQLPiece {
        switch condition {
        case .connectionID(let id): SQLPiece("connection = ?", [.id(Identifier(id))])
        case .clientSessionID(let id): SQLPiece("session = ? COLLATE NOCASE", [.id(Identifier(id))])
        case .workspaceID(let id): .oneOf(["workspace"], try numbers(of: [id], database))
        case .connectedAfter(let bound): SQLPiece("time >= ?", [.time(Microseconds(nanoseconds: bound))])
        case .connectedBefore(let bound): SQLPiece("time <= ?", [.time(Microseconds(nanoseconds: bound))])
        case .during(let range): piece(range)
        case .hours(let hours): piece(hours)
        case .weekdays(let days): piece(days)
        case .app(let names): .oneOf(["app"], try names.flatMap { try find("folded = ?", [.text($0)], database) })
        case .workspace(let name): .oneOf(["name"], try find("folded = ?", [.text(name)], database))
        case .agent(let name): .oneOf(["agent"], try find("folded = ?", [.text(name)], database))
        case .reason(let part): .oneOf(["reason"], try find("instr(folded, ?) > 0", [.text(part)], database))
        case .like(let field, let pattern): try piece(field, pattern, database)
        case .address(let block):
            .oneOf(["ip"], try find("address BETWEEN ? AND ?", PartitionQuery.bounds(block), database))
        case .newAddress: .oneOf(["ip"], fresh?.numbers(partition) ?? [])
        case .port(let ports): try piece(ports, database)
        case .text(let part):
            .oneOf(
                ["name", "agent", "user_agent", "reason", "ip", "slug", "app"],
                try find("instr(folded, ?) > 0", [.text(part)], database))
        case .status(let status): piece(status)
        case .event(let status): SQLPiece("disconnect IS \(status == .connected ? "" : "NOT ")NULL")
        case .code(let range): SQLPiece("code BETWEEN ? AND ?", [.int(range.lowerBound), .int(range.upperBound)])
        case .duration(let range): piece(duration: range)
        case .any(let parts): .any(try parts.map { try piece($0, database) })
        case .all(let parts): .all(try parts.map { try piece($0, database) })
        // The class decides these, or the names of people have become ids before.
        case .type, .method, .organization, .workspaceOwner, .workspaceOwnerEmail, .username, .person, .userEmail,
            .userID,
            .ownerID:
            .never
        }
    }

    private static func bounds(_ block: AddressBlock) -> [SQLValue] {
        let (lowest, highest) = block.bytes
        return [.bytes(lowest), .bytes(highest)]
    }

    /// An agent's connection of which only the end was seen has no length that is known: its time is that of its end.
    private func piece(duration range: ClosedRange<Nanoseconds>) -> SQLPiece {
        let least = Microseconds.length(nanoseconds: range.lowerBound, isRoundedUp: true)
        let most = Microseconds.length(nanoseconds: range.upperBound, isRoundedUp: false)
        let length = SQLPiece("disconnect - time BETWEEN ? AND ?", [.int(least), .int(most)])
        if least > 0 { return length }
        return length.and(.any([SQLPiece("disconnect <> time"), web]))
    }

    /// Open at some moment: begun by its end, and not ended before its beginning. What has no end may still be open; what is
    /// of the web is one moment.
    private func piece(_ range: MomentRange) -> SQLPiece {
        var piece = SQLPiece.none
        if let through = range.through {
            piece = piece.and(SQLPiece("time <= ?", [.time(Microseconds(nanoseconds: through))]))
        }
        if let from = range.from {
            let time = Microseconds(nanoseconds: from)
            let ended = SQLPiece("disconnect >= ?", [.time(time)]).and(agents).and(
                SQLPiece("(arrival >= ? OR arrival < ?)", arrivals(since: time)))
            piece = piece.and(.any([SQLPiece("time >= ?", [.time(time)]), SQLPiece("open = 1"), ended]))
        }
        return piece
    }

    /// A connection is believed to have ended no later than so long after its end came in: clocks differ.
    static let skew = Microseconds.length(seconds: 86_400)

    /// The hour in which the end of a connection that was open at a time has come in at the earliest; that before which nobody
    /// knows when anything came in.
    func arrivals(since time: Microseconds) -> [SQLValue] {
        let hour = max(ArrivalHour(time.advanced(by: -PartitionQuery.skew)), .unknownBefore)
        return [.int(hour.hour), .int(ArrivalHour.unknownBefore.hour)]
    }

    private var web: SQLPiece { .oneOf(["class"], classes.filter { $0.rowClass.type.isWeb }.map(\.number)) }
    private var agents: SQLPiece { .oneOf(["class"], classes.filter { !$0.rowClass.type.isWeb }.map(\.number)) }

    /// `ongoing` and `completed`: rows of the web have an end only where an agent reported it, and are neither.
    private func piece(_ status: FilterStatus) -> SQLPiece {
        switch status {
        case .ongoing: return SQLPiece("open = 1")
        case .completed: return agents.and(SQLPiece("disconnect IS NOT NULL"))
        default: return .never
        }
    }

    private func piece(_ status: FilterStatus, _ bounds: StateBounds) -> SQLPiece {
        switch status {
        case .open: return SQLPiece("open = 1").and(PartitionQuery.heard(since: bounds.openSince))
        case .lost: return SQLPiece("open = 1").and(PartitionQuery.heard(since: bounds.lostBefore).negated)
        case .unconfirmed:
            return SQLPiece("open = 1").and(PartitionQuery.heard(since: bounds.openSince).negated)
                .and(PartitionQuery.heard(since: bounds.lostBefore))
        case .startUnknown: return agents.and(SQLPiece("disconnect = time"))
        case .completed, .ongoing: return piece(status)
        }
    }

    /// As `ConnectionRow.heardOf` has it: a date in an event is believed no further than when it came in.
    private static func heard(since time: Microseconds) -> SQLPiece {
        SQLPiece(
            "(time >= ? AND (arrival >= ? OR arrival < ?))",
            [.time(time), .int(ArrivalHour(time).hour), .int(ArrivalHour.unknownBefore.hour)])
    }

    private func piece(_ ports: ClosedRange<Int>, _ database: Database) throws -> SQLPiece {
        let forwarding = SQLPiece.oneOf(
            ["class"], classes.filter { $0.rowClass.type == .portForwarding }.map(\.number))
        let numbers =
            ports.count == 1
            ? try find("folded = ?", [.text(String(ports.lowerBound))], database)
            : try find(
                "folded GLOB '[0-9]*' AND length(folded) <= 5 AND folded = CAST(CAST(folded AS INTEGER) AS TEXT) "
                    + "AND CAST(folded AS INTEGER) BETWEEN ? AND ?",
                [.int(ports.lowerBound), .int(ports.upperBound)], database)
        return numbers.isEmpty ? .never : forwarding.and(.oneOf(["slug"], numbers))
    }

    private func piece(_ field: FilterText, _ pattern: TextPattern, _ database: Database) throws -> SQLPiece {
        switch field {
        case .workspace: .oneOf(["name"], try find(pattern, database))
        case .agent: .oneOf(["agent"], try find(pattern, database))
        case .reason: .oneOf(["reason"], try find(pattern, database))
        case .app: .oneOf(["app"], try find(pattern, database))
        case .organization, .workspaceOwner, .workspaceOwnerEmail, .username, .userEmail, .person: .never
        }
    }

    // MARK: - Texts

    func find(_ condition: String, _ arguments: [SQLValue], _ database: Database) throws -> [Int64] {
        let sql = "SELECT number FROM \(partition.texts) WHERE \(condition)"
        return try database.all(sql, arguments) { $0.int(0) }
    }

    /// The texts that may match are looked at one by one: the time SQLite's GLOB takes may rise with every `*`.
    private func find(_ pattern: TextPattern, _ database: Database) throws -> [Int64] {
        let sql = """
            SELECT number, folded FROM \(partition.texts) WHERE folded >= ? AND folded < ? AND instr(folded, ?) > 0
            """
        let bounds = [SQLValue.text(pattern.prefix), .text(pattern.prefix + "\u{10FFFF}\u{10FFFF}")]
        return try database.all(sql, bounds + [.text(pattern.longest)]) { ($0.int(0), $0.text(1) ?? "") }
            .filter { pattern.matches($0.1) }.map(\.0)
    }
}
#endif
