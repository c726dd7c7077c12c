#if Server
import GRDB

/// How often each value of a facet came, over all partitions. There may be any number of values, so the rarest go when there
/// are very many.
struct FacetTally {
    private static let valuesMax = 400_000

    private struct Entry {
        var count: Int
        var name = ""
        var owner = ""
    }

    private var entries: [String: Entry] = [:]
    private var without = 0
    private var isExact = true

    init() {}

    init(_ values: [String], _ counts: [Int]) {
        for (value, count) in zip(values, counts) where count > 0 { add(value, count) }
    }

    mutating func add(_ value: String?, _ count: Int) {
        if let value { entries[value, default: Entry(count: 0)].count += count } else { without += count }
    }

    /// - Parameters:
    ///   - counts: by a partition's number of the text; 0 is none.
    ///   - names, owners: numbers of the texts that go with it, or empty.
    mutating func add(
        _ counts: [Int32], names: [Int32], owners: [Int32], _ partition: Partition, _ database: Database
    ) throws {
        without += Int(counts[0])
        let text = try database.prepared("SELECT text FROM \(partition.texts) WHERE number = ?")
        func read(_ number: Int32) throws -> String {
            try text.first([.int(Int64(number))]) { $0.text(0) ?? "" } ?? ""
        }
        for number in counts.indices.dropFirst() where counts[number] > 0 {
            let value = try read(Int32(number))
            // Partitions come from the newest to the oldest.
            var entry = entries[value] ?? Entry(count: 0)
            if entry.count == 0, !names.isEmpty {
                (entry.name, entry.owner) = try (read(names[number]), read(owners[number]))
            }
            entry.count += Int(counts[number])
            entries[value] = entry
        }
        if entries.count > FacetTally.valuesMax { dropRare() }
    }

    private mutating func dropRare() {
        isExact = false
        let kept = entries.sorted { $0.value.count > $1.value.count }.prefix(FacetTally.valuesMax / 2)
        entries = Dictionary(kept.map { ($0.key, $0.value) }, uniquingKeysWith: { first, _ in first })
    }

    mutating func counts(_ limit: Int) -> ConnectionStore.FacetCounts {
        let best = entries.sorted { ($1.value.count, $0.key) < ($0.value.count, $1.key) }.prefix(limit)
        return ConnectionStore.FacetCounts(
            values: best.map {
                .init(value: $0.key, name: $0.value.name, owner: $0.value.owner, count: $0.value.count)
            },
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
