#if Server
import ConnlogCore
import GRDB

/// Counts rows one by one: a look at each, with arrays that are indexed by the numbers that a partition has its texts by.
final class StatsTally {
    private let question: StatsQuestion
    private let valuesMax: Int
    private var count = 0
    private var buckets: [[Int]]
    private var lengths: [Int]
    private var open: OpenAtOnce
    private var outcomes = [Int](repeating: 0, count: Outcome.allCases.count)
    private var types = [Int](repeating: 0, count: ConnectionType.allCases.count)
    private var organizations = FacetTally()
    private var clients = FacetTally()
    private var texts: [Facet: FacetTally] = [:]

    private static let columns: [(facet: Facet, name: String)] = [
        (.person, PartitionQuery.person), (.user, "user"), (.owner, "owner"), (.workspace, "workspace"), (.ip, "ip"),
    ]

    /// - Parameter valuesMax: see `FacetTally`.
    init(_ question: StatsQuestion, valuesMax: Int = FacetTally.valuesMax) {
        self.question = question
        self.valuesMax = valuesMax
        let none = [Int](repeating: 0, count: ConnectionType.allCases.count)
        buckets = question.buckets.map { _ in none }
        lengths = Array(repeating: 0, count: ConnectionStore.Stats.lengthBounds.count + 1)
        open = OpenAtOnce(question.range)
    }

    // MARK: - One partition

    /// What is known of a class, by its number.
    private struct Class {
        var type = 0
        var isWeb = false
        var count = 0
    }

    func add(_ plan: PartitionQuery, _ database: Database) throws {
        let columns = StatsTally.columns.filter { question.facets.contains($0.facet) }
        var classes = [Class](repeating: Class(), count: Int(plan.classes.map(\.number).max() ?? 0) + 1)
        for found in plan.classes {
            let type = ConnectionType.allCases.firstIndex(of: found.rowClass.type) ?? 0
            classes[Int(found.number)] = Class(type: type, isWeb: found.rowClass.type.isWeb)
        }
        let size = Int(try database.first("SELECT max(number) FROM \(plan.partition.texts)") { $0.int(0) } ?? 0) + 1
        var numbers = columns.map { _ in [Int32](repeating: 0, count: size) }
        let hasWorkspaces = question.facets.contains(.workspace)
        var workspaces = FacetTally.Workspaces(size: hasWorkspaces ? size : 0)
        let (range, isBounded, columnCount) = (question.range, question.isBounded, columns.count)
        let source = plan.source
        let wanted =
            ["time", "class", "disconnect", "open", "code", "arrival"] + columns.map(\.name)
            + (hasWorkspaces ? ["name", "owner"] : [])
        let workspace = columns.firstIndex { $0.facet == .workspace }
        try database.prepared("SELECT \(wanted.joined(separator: ", ")) \(source.text)").each(source.arguments) { row in
            let (time, number) = (row.time(0), Int(row.int(1)))
            let isOpen = row.int(3) == 1
            let end = row.optionalTime(2)
            let rowClass = classes[number]
            if !rowClass.isWeb { open.add(from: time, through: end ?? openUntil(time, row.int(5))) }
            if isBounded, !range.contains(time) { return true }
            classes[number].count += 1
            if range.contains(time) { addBucket(time, rowClass.type) }
            if let end, rowClass.isWeb || end > time { addLength(end.since(time)) }
            outcomes[outcome(rowClass.isWeb, isOpen, row, time)] += 1
            for column in 0..<columnCount { numbers[column][Int(row.int(6 + column))] += 1 }
            if let workspace {
                workspaces.add(
                    Int(row.int(6 + workspace)), time, name: row.int(6 + columnCount), owner: row.int(7 + columnCount))
            }
            return true
        }
        add(classes, plan)
        for (column, counts) in zip(columns, numbers) {
            try texts[column.facet, default: FacetTally(valuesMax: valuesMax)].add(
                counts, isAddress: column.facet == .ip, column.facet == .workspace ? workspaces : nil, plan.partition,
                database)
        }
    }

    private func add(_ classes: [Class], _ plan: PartitionQuery) {
        for found in plan.classes {
            let number = classes[Int(found.number)].count
            if number == 0 { continue }
            count += number
            types[classes[Int(found.number)].type] += number
            organizations.add(found.rowClass.organization, number)
            let client: String? =
                switch found.rowClass.app {
                case .none: nil
                case .known(let name): name
                case .other: "other"
                }
            clients.add(client, number)
        }
    }

    // MARK: - One row

    /// A connection without an end counts as open for as long as `status:open` says.
    private func openUntil(_ time: Microseconds, _ arrival: Int64) -> Microseconds {
        let hour = ArrivalHour(hour: arrival)
        let heard = hour.isKnown ? min(time, hour.time) : time
        return heard.advanced(by: question.bounds.openLength)
    }

    private func addBucket(_ time: Microseconds, _ type: Int) {
        let starts = question.buckets
        var (low, high) = (0, starts.count)
        while low < high {
            let middle = (low + high) / 2
            if starts[middle] <= time { low = middle + 1 } else { high = middle }
        }
        if low > 0 { buckets[low - 1][type] += 1 }
    }

    private func addLength(_ length: Int64) {
        let kind =
            ConnectionStore.Stats.lengthBounds.firstIndex { length < $0 } ?? ConnectionStore.Stats.lengthBounds.count
        lengths[kind] += 1
    }

    private func outcome(_ isWeb: Bool, _ isOpen: Bool, _ row: Columns, _ time: Microseconds) -> Int {
        let code = row.int(4)
        let outcome: Outcome
        if isWeb {
            outcome = code < 400 ? .ok : code == 401 || code == 403 ? .refused : .failed
        } else if isOpen {
            let hour = ArrivalHour(hour: row.int(5))
            let heard = hour.isKnown ? min(time, hour.time) : time
            outcome =
                heard < question.bounds.lostBefore ? .lost : heard < question.bounds.openSince ? .unconfirmed : .open
        } else {
            outcome = code == 0 ? .ok : .exit
        }
        return StatsTally.places[outcome] ?? 0
    }

    private static let places = Dictionary(
        Outcome.allCases.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })

    // MARK: - The answer

    var stats: ConnectionStore.Stats {
        var stats = ConnectionStore.Stats()
        let names = ConnectionType.allCases.map(\.rawValue)
        func named(_ counts: [Int]) -> [String: Int] {
            Dictionary(zip(names, counts).filter { $0.1 > 0 }, uniquingKeysWith: { first, _ in first })
        }
        stats.count = count
        stats.types = named(types)
        stats.lengths = lengths
        stats.buckets = zip(question.buckets, buckets).compactMap { start, counts in
            counts.contains { $0 > 0 } ? .init(start: max(start, question.range.lowerBound), types: named(counts)) : nil
        }
        let starts = question.buckets.map { max($0, question.range.lowerBound) }
        stats.concurrent = zip(starts, open.peaks(question.buckets)).map { .init(time: $0, count: $1) }
        stats.concurrentSeconds = open.step / 1_000_000
        for facet in question.facets { stats.facets[facet] = counts(facet) }
        return stats
    }

    private func counts(_ facet: Facet) -> ConnectionStore.FacetCounts {
        let tally =
            switch facet {
            case .outcome: FacetTally(Outcome.allCases.map(\.rawValue), outcomes)
            case .type: FacetTally(ConnectionType.allCases.map(\.rawValue), types)
            case .organization: organizations
            case .client: clients
            case .person, .user, .owner, .workspace, .ip: texts[facet] ?? FacetTally()
            }
        return tally.counts(question.limit)
    }
}
#endif
