#if Server
import ConnlogCore
import GRDB

/// Says whose was an agent's connection, which names no user.
///
/// # The rule
/// 1. A row of the same organization that has the same client session id, names a user and was not refused: it was that
///    user, wherever that row leads to. If such rows name several users, or there are more than `namesMax` of them, the id
///    proves nothing. Clients choose it.
/// 2. Else the candidates are the users who were let in to the same agent of the same workspace, in the same organization,
///    by a tunnel (code 101), or for a web terminal also by its page (101 or 2xx), at the start or before it, but no longer
///    than `window`. It was the one who was let in last; two at one microsecond are nobody.
///
/// # The window
/// Coder writes one row for the tunnels of a user, from one address and client, until there was none for an hour; so one row
/// in the morning may stand for all tunnels of a day. Twelve hours are a day's work. It is no setting, since the answers
/// are kept in an index that would have to be made anew.
///
/// # How it is kept
/// The column `inferred` has what this says, so that `person:` finds a person's rows along an index. It is no part of what
/// is stored of an event: the writer fills it, and does so anew for the rows that a late or a removed event concerns.
struct PersonSearch {
    let database: Database
    let extents: [StoreReader.Extent]
    let classes: [Int64: RowClass]
    let hash: KeyHash

    /// In microseconds.
    static let window = Microseconds.length(seconds: 12 * 3600)
    /// So many rows may name the user of one client session.
    static let namesMax = 1000
    /// So many allowed tunnels and pages within the window are looked at in a partition, the nearest first. Of more, whoever
    /// came earlier is not counted, and the answer says that there may be others.
    static let accessesMax = 5000
    var accessesMax = PersonSearch.accessesMax

    /// The last who was let in.
    struct Nearest: Equatable {
        let time: Microseconds
        /// `nil`: several at that moment.
        private(set) var user: String?

        init(time: Microseconds, user: String?) { (self.time, self.user) = (time, user) }

        /// The later of two; one of both when they are of one moment, if they say the same.
        static func latest(_ one: Nearest?, _ other: Nearest?) -> Nearest? {
            guard let one, let other else { return one ?? other }
            if one.time != other.time { return one.time > other.time ? one : other }
            return one.user == other.user ? one : Nearest(time: one.time, user: nil)
        }
    }

    /// Of the kinds that count for a connection.
    enum Kinds { case tunnels, terminals, both }

    // MARK: - The rule

    /// The user alone, for the index.
    func user(_ unnamed: Unnamed) throws -> String? {
        if let session = unnamed.session, case .one(let candidate) = try names(session, unnamed.organization) {
            return candidate.id
        }
        return try unnamed.place.flatMap { try user(at: $0, unnamed) }
    }

    /// Who was let in last.
    func user(at place: Place, _ unnamed: Unnamed) throws -> String? {
        let from = unnamed.start.advanced(by: -PersonSearch.window)
        return try nearest(place, unnamed.isTerminal ? .both : .tunnels, from...unnamed.start)?.user
    }

    func person(_ unnamed: Unnamed) throws -> Person {
        if let session = unnamed.session, case .one(let candidate) = try names(session, unnamed.organization) {
            return Person(id: candidate.id, basis: .session, candidates: [candidate])
        }
        guard let place = unnamed.place else { return .nobody }
        let from = unnamed.start.advanced(by: -PersonSearch.window)
        let (candidates, isCut) = try candidates(place, unnamed.isTerminal ? .both : .tunnels, from...unnamed.start)
        guard let first = candidates.first else { return .nobody }
        var person = Person(
            id: first.id, basis: .nearest(of: candidates.count),
            candidates: Array(candidates.prefix(Person.candidatesMax)), isCut: isCut)
        if candidates.count == 1 {
            // One of whom nobody knows whether there are others is not the only one.
            if !isCut { person.basis = .onlyCandidate }
        } else if candidates[1].time == first.time {
            (person.id, person.basis) = (nil, .none)
        }
        return person
    }

    // MARK: - Tunnels and pages

    /// The last who was let in within a time.
    func nearest(_ place: Place, _ kinds: Kinds, _ times: ClosedRange<Microseconds>) throws -> Nearest? {
        var best: Nearest?
        try accesses(place, kinds, times) { partition, row in
            let time = row.time(0)
            if let best, time < best.time { return false }
            let user = try text(row.int(3), partition)
            best = Nearest.latest(best, Nearest(time: time, user: user))
            return true
        }
        return best
    }

    /// All who were let in within a time, each once and by the last row, the nearest first; and whether there is more than is
    /// looked at.
    private func candidates(
        _ place: Place, _ kinds: Kinds, _ times: ClosedRange<Microseconds>
    ) throws -> ([Person.Candidate], isCut: Bool) {
        var found: [ExactText: Person.Candidate] = [:]
        var users: [[Int64]: String] = [:]
        var counts: [Int64: Int] = [:]
        var isCut = false
        try accesses(place, kinds, times) { partition, row in
            let count = counts[partition.number, default: 0]
            isCut = isCut || count == accessesMax
            if count == accessesMax { return false }
            counts[partition.number] = count + 1
            let (time, number) = (row.time(0), [partition.number, row.int(3)])
            if users[number] == nil { users[number] = try text(row.int(3), partition) }
            guard let user = users[number] else { return true }
            if let known = found[ExactText(user)], known.time > time { return true }
            let id = try id(row.int(4), partition)
            // Of one moment the lesser id, whatever came in first.
            if let known = found[ExactText(user)], known.time == time, (known.row ?? "") <= (id ?? "") { return true }
            let type: ConnectionType = row.int(1) == Access.Kind.tunnel.rawValue ? .tunnel : .workspaceApp
            found[ExactText(user)] = Person.Candidate(id: user, row: id, time: time, type: type)
            return true
        }
        return (found.values.sorted { ($1.time, $0.id) < ($0.time, $1.id) }, isCut)
    }

    /// Each allowed tunnel or page, of each partition the latest first: time, access, class, user, row. A partition is left
    /// when `body` says `false`.
    private func accesses(
        _ place: Place, _ kinds: Kinds, _ times: ClosedRange<Microseconds>,
        _ body: (Partition, Columns) throws -> Bool
    ) throws {
        try eachPartition(with: place, in: times) { partition, workspace, agent in
            let sql = """
                SELECT time, access, class, user, row FROM \(partition.rows) INDEXED BY \(partition.rows)_access
                WHERE workspace = ? AND agent = ? AND \(Access.letIn) AND time >= ? AND time <= ? ORDER BY time DESC
                """
            let bounds = [SQLValue.time(times.lowerBound), .time(times.upperBound)]
            try database.prepared(sql).each([.int(workspace), .int(agent)] + bounds) { row in
                let isTunnel = row.int(1) == Access.Kind.tunnel.rawValue
                guard kinds == .both || (kinds == .tunnels) == isTunnel else { return true }
                guard let found = classes[row.int(2)], found.organization == place.organization else { return true }
                return try body(partition, row)
            }
        }
    }

    /// The partitions that may have rows of an agent in a time, and the numbers of its workspace and its name there.
    func eachPartition(
        with place: Place, in times: ClosedRange<Microseconds>,
        _ body: (_ partition: Partition, _ workspace: Int64, _ agent: Int64) throws -> Void
    ) throws {
        for extent in extents where extent.newest >= times.lowerBound && extent.oldest <= times.upperBound {
            guard let workspace = try number(place.workspace, extent.partition),
                let agent = try number(place.agent, extent.partition)
            else { continue }
            try body(extent.partition, workspace, agent)
        }
    }

    // MARK: - Client sessions

    enum Names: Equatable {
        case none, several
        case one(Person.Candidate)

        /// Whom they say, whatever row it rests on.
        var user: String? { if case .one(let candidate) = self { candidate.id } else { nil } }
    }

    /// Whom the rows of a client session name.
    /// - Parameter mayHold: whether a partition may have some, if that is known.
    func names(
        _ session: Identifier, _ organization: String?, mayHold: (Partition) -> Bool = { _ in true }
    ) throws -> Names {
        var (best, count): (Person.Candidate?, Int) = (nil, 0)
        let hash = hash.ofNamedSession(session)
        for extent in extents where mayHold(extent.partition) {
            let partition = extent.partition
            let sql = """
                SELECT r.user, r.class, r.time, r.id FROM \(partition.keys) k JOIN \(partition.rows) r ON r.row = k.row
                WHERE k.hash = ? AND r.session = ? AND r.\(Access.names)
                """
            var isSeveral = false
            try database.prepared(sql).each([.int(hash), .id(session)]) { row in
                guard let found = classes[row.int(1)], found.organization == organization else { return true }
                guard let user = try text(row.int(0), partition) else { return true }
                count += 1
                isSeveral = count > PersonSearch.namesMax || best.map { $0.id != user } ?? false
                let new = Person.Candidate(id: user, row: row.id(3)?.text, time: row.time(2), type: found.type)
                if best.map({ (new.time, new.row ?? "") < ($0.time, $0.row ?? "") }) ?? true { best = new }
                return !isSeveral
            }
            if isSeveral { return .several }
        }
        return best.map { .one($0) } ?? .none
    }

    // MARK: - Texts

    func number(_ text: String, _ partition: Partition) throws -> Int64? {
        try database.first("SELECT number FROM \(partition.texts) WHERE text = ?", [.text(text)]) { $0.int(0) }
    }

    private func text(_ number: Int64, _ partition: Partition) throws -> String? {
        try database.first("SELECT text FROM \(partition.texts) WHERE number = ?", [.int(number)]) { $0.text(0) } ?? nil
    }

    private func id(_ row: Int64, _ partition: Partition) throws -> String? {
        try database.first("SELECT id FROM \(partition.rows) WHERE row = ?", [.int(row)]) { $0.id(0)?.text } ?? nil
    }
}
#endif
