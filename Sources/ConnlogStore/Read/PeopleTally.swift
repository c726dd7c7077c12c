#if Server
import ConnlogCore
import GRDB

extension ConnectionStore {
    /// What one person did, as far as rows name them or they are inferred.
    package struct PersonFigures: Sendable, Equatable {
        package var id: String
        package var connections = 0
        package var refused = 0
        package var failed = 0
        /// How long those connections lasted that have a beginning and an end, together, in microseconds.
        package var length: Int64 = 0
        /// How many different ones.
        package var workspaces = 0
        package var addresses = 0
        /// Connect times.
        package var first: Microseconds
        package var last: Microseconds
    }

    package struct People: Sendable, Equatable {
        /// In no order.
        package var people: [PersonFigures] = []
        /// Connections of which nobody can be named.
        package var without = 0
        /// There was more than is kept while counting: some people are missing, or some numbers of workspaces and addresses
        /// are too low.
        package var isExact = true
    }

    /// What each person did in the connections that match: those that began in the range, or all.
    package func people(_ query: RowQuery, in range: Range<Microseconds>?) async throws(StoreProblem) -> People {
        try refuseLarge(query)
        var bounds: [RowQuery.Term] = []
        if let range {
            bounds = [
                .init(.row(.connectedAfter(range.lowerBound.nanoseconds))),
                .init(.row(.connectedBefore(range.upperBound.advanced(by: -1).nanoseconds))),
            ]
        }
        let wanted = query.with(bounds)
        return try await read { reader in
            var tally = PeopleTally()
            for plan in try reader.plans(wanted) where !plan.isEmpty {
                try Task.checkCancellation()
                try tally.add(plan, reader.database)
            }
            return tally.people
        }
    }
}

/// Adds up partition by partition what each person did.
struct PeopleTally {
    static let pairsMax = 4_000_000
    static let peopleMax = 200_000

    /// How many different people are counted.
    private let peopleMax: Int
    /// How many pairs of a person and a workspace, and of a person and an address.
    private let workspacesMax: Int
    private let addressesMax: Int
    private var found: [ExactText: Int] = [:]
    private var figures: [ConnectionStore.PersonFigures] = []
    private var things: [ExactText: UInt32] = [:]
    /// A person and a workspace, or an address.
    private var workspaces: Set<UInt64> = []
    private var addresses: Set<UInt64> = []
    private var without = 0
    private var isExact = true

    init(
        peopleMax: Int = PeopleTally.peopleMax, workspacesMax: Int = PeopleTally.pairsMax,
        addressesMax: Int = PeopleTally.pairsMax
    ) {
        (self.peopleMax, self.workspacesMax, self.addressesMax) = (peopleMax, workspacesMax, addressesMax)
    }

    private struct Local: Hashable {
        let person: Int64
        let thing: Int64
    }

    mutating func add(_ plan: PartitionQuery, _ database: Database) throws {
        var local: [Int64: ConnectionStore.PersonFigures] = [:]
        var (visited, came): (Set<Local>, Set<Local>) = ([], [])
        var nobody = 0
        var web = [Bool](repeating: false, count: Int(plan.classes.map(\.number).max() ?? 0) + 1)
        for found in plan.classes { web[Int(found.number)] = found.rowClass.type.isWeb }
        let source = plan.source
        let sql = "SELECT \(PartitionQuery.person), time, disconnect, class, code, workspace, ip \(source.text)"
        try database.prepared(sql).each(source.arguments) { row in
            guard let person = row.optionalInt(0) else {
                nobody += 1
                return true
            }
            let time = row.time(1)
            var figures = local[person] ?? .init(id: "", first: time, last: time)
            figures.connections += 1
            (figures.first, figures.last) = (min(figures.first, time), max(figures.last, time))
            let code = row.int(4)
            if web[Int(row.int(3))], code >= 400 {
                if code == 401 || code == 403 { figures.refused += 1 } else { figures.failed += 1 }
            }
            if let end = row.optionalTime(2), end > time { figures.length = Self.sum(figures.length, end.since(time)) }
            local[person] = figures
            if !row.isNull(5) { visited.insert(Local(person: person, thing: row.int(5))) }
            if !row.isNull(6) { came.insert(Local(person: person, thing: row.int(6))) }
            return true
        }
        without += nobody
        try merge(local, visited, came, plan.partition, database)
    }

    private static func sum(_ one: Int64, _ other: Int64) -> Int64 {
        let (sum, overflows) = one.addingReportingOverflow(other)
        return overflows ? .max : sum
    }

    private mutating func merge(
        _ local: [Int64: ConnectionStore.PersonFigures], _ visited: Set<Local>, _ came: Set<Local>,
        _ partition: Partition, _ database: Database
    ) throws {
        let text = try database.prepared("SELECT text FROM \(partition.texts) WHERE number = ?")
        var texts: [Int64: String] = [:]
        func read(_ number: Int64) throws -> String {
            if let known = texts[number] { return known }
            let found = try text.first([.int(number)]) { $0.text(0) ?? "" } ?? ""
            texts[number] = found
            return found
        }
        // One address has several texts.
        let address = try database.prepared(
            "SELECT ifnull(hex(address), text) FROM \(partition.texts) WHERE number = ?")
        func readAddress(_ number: Int64) throws -> String {
            try address.first([.int(number)]) { $0.text(0) ?? "" } ?? ""
        }
        var places: [Int64: Int] = [:]
        for (number, figures) in local {
            let id = try read(number)
            guard let place = found[ExactText(id)] ?? (self.figures.count < peopleMax ? self.figures.count : nil) else {
                isExact = false
                continue
            }
            places[number] = place
            if place == self.figures.count {
                found[ExactText(id)] = place
                self.figures.append(figures)
                self.figures[place].id = id
            } else {
                add(figures, at: place)
            }
        }
        // Taken out while they grow, so that nothing is copied.
        var (pairs, origins): (Set<UInt64>, Set<UInt64>) = ([], [])
        swap(&pairs, &workspaces)
        swap(&origins, &addresses)
        for pair in visited { try add(pair, places, &pairs, workspacesMax) { try read($0) } }
        for pair in came { try add(pair, places, &origins, addressesMax) { try readAddress($0) } }
        (workspaces, addresses) = (pairs, origins)
    }

    private mutating func add(_ other: ConnectionStore.PersonFigures, at place: Int) {
        figures[place].connections += other.connections
        figures[place].refused += other.refused
        figures[place].failed += other.failed
        figures[place].length = Self.sum(figures[place].length, other.length)
        figures[place].first = min(figures[place].first, other.first)
        figures[place].last = max(figures[place].last, other.last)
    }

    private mutating func add(
        _ pair: Local, _ places: [Int64: Int], _ pairs: inout Set<UInt64>, _ pairsMax: Int,
        _ read: (Int64) throws -> String
    ) throws {
        guard let person = places[pair.person] else { return }
        let text = ExactText(try read(pair.thing))
        let known = things[text]
        let thing = known ?? UInt32(things.count)
        let both = UInt64(person) << 32 | UInt64(thing)
        if known != nil, pairs.contains(both) { return }
        guard pairs.count < pairsMax else {
            isExact = false
            return
        }
        things[text] = thing
        pairs.insert(both)
    }

    var people: ConnectionStore.People {
        var people = figures
        for pair in workspaces { people[Int(pair >> 32)].workspaces += 1 }
        for pair in addresses { people[Int(pair >> 32)].addresses += 1 }
        return ConnectionStore.People(people: people, without: without, isExact: isExact)
    }
}
#endif
