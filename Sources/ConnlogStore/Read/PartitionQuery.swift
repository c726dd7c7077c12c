#if Server
import ConnlogCore
import ConnlogSystem
import GRDB

/// A query as one partition sees it: which index to go along, and what to ask of each row there.
///
/// Every piece of SQL here is made of names of columns and `?`; what users write is only ever bound.
struct PartitionQuery {
    /// Which index is gone along, newest first. All but `time` are gone along once for each class.
    enum Path: Equatable {
        case time
        case rowClass
        /// Agents' connections without an end.
        case open
        case owner, workspace, user
        /// Rows found by a connection's id.
        case keys
    }

    let partition: Partition
    private let hash: KeyHash
    private(set) var path = Path.rowClass
    /// Numbers of owners, workspaces or users, by `path`; hashes for `keys`.
    private(set) var values: [Int64] = []
    /// The classes that the query takes; `nil` when it asks for nothing that a class decides.
    private(set) var classes: [RowClassNumber] = []
    private(set) var from: Microseconds?
    private(set) var through: Microseconds?
    /// What is asked of each row beside all that.
    private(set) var filter = SQLPiece.none
    /// No row can match.
    private(set) var isEmpty = false
    private(set) var needsOnlyClass = true

    struct RowClassNumber {
        let number: Int64
        let rowClass: RowClass
        /// What is asked of rows of this class alone.
        var filter = SQLPiece.none
    }

    /// So many classes are gone along side by side; beyond, it is cheaper to look at every row.
    private static let classesMax = 256
    /// So many conditions are gone along side by side, each in a statement of its own, or a term of one: SQLite takes 500.
    static let startsMax = 400

    init(
        _ query: RowQuery, _ partition: Partition, _ classes: [RowClassNumber], _ hash: KeyHash, _ database: Database
    ) throws {
        self.partition = partition
        self.hash = hash
        self.classes = classes
        var candidates: [(path: Path, values: [Int64])] = []
        for term in query.terms {
            try add(term, &candidates, database)
            if isEmpty || self.classes.isEmpty || isOutsideAllTimes {
                isEmpty = true
                return
            }
        }
        try choose(candidates, database)
    }

    private var isOutsideAllTimes: Bool {
        guard let from, let through else { return false }
        return from > through
    }

    /// So few connections without an end are looked through whoever's they are; a person's may be many more.
    private static let openMax = 2000

    /// The narrowest index first.
    private mutating func choose(_ candidates: [(path: Path, values: [Int64])], _ database: Database) throws {
        var order = [Path.keys, .workspace, .user, .owner, .open]
        if candidates.count > 1, candidates.contains(where: { $0.path == .open }) {
            let sql = "SELECT count(*) FROM (SELECT 1 FROM \(partition.rows) INDEXED BY \(partition.rows)_open "
            let count = try database.first(sql + "WHERE open = 1 LIMIT ?)", [.int(PartitionQuery.openMax)]) {
                $0.int(0)
            }
            if count ?? 0 < PartitionQuery.openMax { order = [.keys, .open] + order }
        }
        for path in order {
            guard let found = candidates.first(where: { $0.path == path }) else { continue }
            self.path = path
            values = found.values
            return
        }
        if classes.count > PartitionQuery.classesMax { path = .time }
    }

    // MARK: - Conditions

    private mutating func add(
        _ term: RowQuery.Term, _ candidates: inout [(path: Path, values: [Int64])], _ database: Database
    ) throws {
        switch term.condition {
        case .organizations(let ids):
            let wanted = Set(ids)
            keepClasses(term) { $0.organization.map(wanted.contains) ?? false }
        case .owners(let ids): try add(ids, "owner", .owner, term, &candidates, database)
        case .users(let ids): try add(ids, "user", .user, term, &candidates, database)
        case .row(.type(let type)): keepClasses(term) { $0.type == type }
        case .row(.method(let method)): keepClasses(term) { ConnectionMethod($0.type) == method }
        case .row(.app(let names)): try add(apps: names, term, database)
        case .row(.status(let status)): add(status, term, &candidates)
        case .row(.connectedAfter(let bound)) where !term.isNegated:
            let time = Microseconds(nanoseconds: bound)
            from = max(from ?? time, time)
        case .row(.connectedBefore(let bound)) where !term.isNegated:
            let time = Microseconds(nanoseconds: bound)
            through = min(through ?? time, time)
        case .row(.workspaceID(let id)): try add([id], "workspace", .workspace, term, &candidates, database)
        case .row(let condition): try add(condition, term, &candidates, database)
        }
    }

    private mutating func keepClasses(_ term: RowQuery.Term, _ isKept: (RowClass) -> Bool) {
        classes.removeAll { isKept($0.rowClass) == term.isNegated }
    }

    private mutating func ask(_ piece: SQLPiece, _ term: RowQuery.Term) {
        needsOnlyClass = false
        filter = filter.and(term.isNegated ? piece.negated : piece)
    }

    /// Ids of people or workspaces.
    private mutating func add(
        _ ids: [String], _ column: String, _ path: Path, _ term: RowQuery.Term,
        _ candidates: inout [(path: Path, values: [Int64])], _ database: Database
    ) throws {
        let numbers = try ids.flatMap { try find("folded = ?", [.text($0.lowercased())], database) }
        ask(.oneOf([column], numbers), term)
        if term.isNegated { return }
        isEmpty = isEmpty || numbers.isEmpty
        candidates.append((path, numbers))
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
        _ status: FilterStatus, _ term: RowQuery.Term, _ candidates: inout [(path: Path, values: [Int64])]
    ) {
        if !term.isNegated { classes.removeAll { $0.rowClass.type.isWeb } }
        // Rows of the web have an end only where an agent reported it, and are neither.
        let agents = classes.filter { !$0.rowClass.type.isWeb }.map(\.number)
        let piece =
            status == .ongoing
            ? SQLPiece("open = 1") : SQLPiece.oneOf(["class"], agents).and(SQLPiece("disconnect IS NOT NULL"))
        ask(piece, term)
        if status == .ongoing, !term.isNegated { candidates.append((.open, [])) }
    }

    private mutating func add(
        _ condition: FilterCondition, _ term: RowQuery.Term, _ candidates: inout [(path: Path, values: [Int64])],
        _ database: Database
    ) throws {
        switch condition {
        case .connectionID(let id):
            let id = Identifier(id)
            ask(SQLPiece("connection = ?", [.id(id)]), term)
            if !term.isNegated { candidates.append((.keys, [hash.ofConnection(id)])) }
        case .connectedAfter(let bound): ask(SQLPiece("time >= ?", [.time(Microseconds(nanoseconds: bound))]), term)
        case .connectedBefore(let bound): ask(SQLPiece("time <= ?", [.time(Microseconds(nanoseconds: bound))]), term)
        case .workspace(let name): try askText(["name"], "folded = ?", [.text(name)], term, database)
        case .agent(let name): try askText(["agent"], "folded = ?", [.text(name)], term, database)
        case .address(let block):
            let (lowest, highest) = block.bytes
            let bounds = [SQLValue.bytes(lowest), .bytes(highest)]
            try askText(["ip"], "address BETWEEN ? AND ?", bounds, term, database)
        case .text(let part):
            let columns = ["name", "agent", "user_agent", "reason", "ip", "slug", "app"]
            try askText(columns, "instr(folded, ?) > 0", [.text(part)], term, database)
        case .event(let status): ask(SQLPiece("disconnect IS \(status == .connected ? "" : "NOT ")NULL"), term)
        case .code(let range):
            ask(SQLPiece("code BETWEEN ? AND ?", [.int(range.lowerBound), .int(range.upperBound)]), term)
        case .duration(let range):
            let least = Microseconds.length(nanoseconds: range.lowerBound, isRoundedUp: true)
            let most = Microseconds.length(nanoseconds: range.upperBound, isRoundedUp: false)
            ask(SQLPiece("disconnect - time BETWEEN ? AND ?", [.int(least), .int(most)]), term)
        default:
            // The names of people have become ids before.
            isEmpty = !term.isNegated
        }
    }

    private mutating func askText(
        _ columns: [String], _ condition: String, _ arguments: [SQLValue], _ term: RowQuery.Term,
        _ database: Database
    ) throws {
        let numbers = try find(condition, arguments, database)
        ask(.oneOf(columns, numbers), term)
        if numbers.isEmpty, !term.isNegated { isEmpty = true }
    }

    private func find(
        _ condition: String, _ arguments: [SQLValue], _ database: Database
    ) throws -> [Int64] {
        let sql = "SELECT number FROM \(partition.texts) WHERE \(condition)"
        return try database.all(sql, arguments) { $0.int(0) }
    }
}
#endif
