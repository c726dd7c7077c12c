#if Server
import ConnlogCore
import GRDB

/// How often each value of a facet came, over all partitions. There may be any number of values, so the rarest go when there
/// are very many, and the answer says so.
struct FacetTally {
    static let valuesMax = 400_000

    private enum Key: Hashable {
        case text(ExactText)
        /// One address has several texts, and `ip:` finds it by any of them.
        case address([UInt8])
    }

    private struct Entry {
        var value: String
        var count = 0
        var name = ""
        var owner = ""
        /// When the connection began that has this name.
        var named = Microseconds.earliest
    }

    /// What goes with a workspace, by a partition's number of its id: numbers of the texts that its newest connection has of
    /// those that tell a name.
    struct Workspaces {
        private(set) var names: [Int32]
        private(set) var owners: [Int32]
        private(set) var newest: [Microseconds]

        init(size: Int) {
            names = [Int32](repeating: 0, count: size)
            owners = names
            newest = [Microseconds](repeating: .earliest, count: size)
        }

        mutating func add(_ place: Int, _ time: Microseconds, name: Int64, owner: Int64) {
            if names[place] != 0, name == 0 || time < newest[place] { return }
            newest[place] = time
            names[place] = Int32(truncatingIfNeeded: name)
            owners[place] = Int32(truncatingIfNeeded: owner)
        }

        func isNewer(_ place: Int, than time: Microseconds) -> Bool { names[place] != 0 && newest[place] > time }
    }

    private let valuesMax: Int
    private var entries: [Key: Entry] = [:]
    private var without = 0
    private var isExact = true

    /// - Parameter valuesMax: with more, the rarer half goes when a partition has been counted.
    init(valuesMax: Int = FacetTally.valuesMax) { self.valuesMax = valuesMax }

    init(_ values: [String], _ counts: [Int]) {
        self.init()
        for (value, count) in zip(values, counts) where count > 0 { add(value, count) }
    }

    mutating func add(_ value: String?, _ count: Int) {
        if let value {
            entries[.text(ExactText(value)), default: Entry(value: value)].count += count
        } else {
            without += count
        }
    }

    /// - Parameters:
    ///   - counts: by a partition's number of the text; 0 is none.
    ///   - isAddress: texts of one address are one value.
    mutating func add(
        _ counts: [Int32], isAddress: Bool, _ workspaces: Workspaces?, _ partition: Partition, _ database: Database
    ) throws {
        without += Int(counts[0])
        let text = try database.prepared("SELECT text, address FROM \(partition.texts) WHERE number = ?")
        func read(_ number: Int32) throws -> (text: String, key: Key) {
            let found = try text.first([.int(Int64(number))]) { row in
                let text = row.text(0) ?? ""
                return (text, isAddress && !row.isNull(1) ? Key.address(row.bytes(1)) : .text(ExactText(text)))
            }
            return found ?? ("", .text(ExactText("")))
        }
        for number in counts.indices.dropFirst() where counts[number] > 0 {
            let (value, key) = try read(Int32(number))
            var entry = entries[key] ?? Entry(value: value)
            if (value.utf8.count, value) < (entry.value.utf8.count, entry.value) { entry.value = value }
            if let workspaces, entry.name.isEmpty || workspaces.isNewer(number, than: entry.named) {
                entry.named = workspaces.newest[number]
                (entry.name, entry.owner) = try (
                    read(workspaces.names[number]).text, read(workspaces.owners[number]).text
                )
            }
            entry.count += Int(counts[number])
            entries[key] = entry
        }
        if entries.count > valuesMax { dropRare() }
    }

    private mutating func dropRare() {
        isExact = false
        let kept = entries.sorted { $0.value.count > $1.value.count }.prefix(valuesMax / 2)
        entries = Dictionary(kept.map { ($0.key, $0.value) }, uniquingKeysWith: { first, _ in first })
    }

    func counts(_ limit: Int) -> ConnectionStore.FacetCounts {
        let best = entries.values.sorted { ($1.count, $0.value) < ($0.count, $1.value) }.prefix(limit)
        return ConnectionStore.FacetCounts(
            values: best.map { .init(value: $0.value, name: $0.name, owner: $0.owner, count: $0.count) },
            distinct: entries.count, without: without, isExact: isExact)
    }
}

/// How many connections were open at once, second by second or minute by minute.
struct OpenAtOnce {
    /// Microseconds of a step: two connections that were both open in one were open at once.
    let step: Int64
    private let range: Range<Microseconds>
    private var changes: [Int32]

    private static let stepsMax: Int64 = 1 << 20

    init(_ range: Range<Microseconds>) {
        self.range = range
        let length = range.upperBound.since(range.lowerBound)
        let usual = [1, 60, 3600].map { Microseconds.length(seconds: $0) }
        let least = length / OpenAtOnce.stepsMax + 1
        step = usual.first { $0 >= least } ?? least
        changes = [Int32](repeating: 0, count: Int(length / step) + 2)
    }

    mutating func add(from start: Microseconds, through end: Microseconds) {
        guard end >= range.lowerBound, start < range.upperBound, start <= end else { return }
        let first = max(0, start.since(range.lowerBound)) / step
        let last = min(range.upperBound.advanced(by: -1), end).since(range.lowerBound) / step
        changes[Int(first)] += 1
        changes[Int(last) + 1] -= 1
    }

    /// The most that were open at once from each beginning up to the next.
    func peaks(_ starts: [Microseconds]) -> [Int] {
        var peaks = [Int](repeating: 0, count: starts.count)
        var (now, bucket) = (0, 0)
        for (index, change) in changes.dropLast().enumerated() {
            now += Int(change)
            let time = range.lowerBound.advanced(by: Int64(index) * step)
            while bucket + 1 < starts.count, starts[bucket + 1] <= time { bucket += 1 }
            if bucket < peaks.count { peaks[bucket] = max(peaks[bucket], now) }
        }
        return peaks
    }
}
#endif
