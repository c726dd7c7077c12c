internal import ConnlogSystem

/// One segment that is there, as readers and deletion see it.
struct Segment: Sendable, Equatable {
    /// Tells this segment from another one that had the same name.
    let id: UInt64
    let first: UInt64
    /// Bytes of the file.
    var bytes: Int
    /// Bytes up to the end of the records; those of a file found when opening are all reckoned.
    var recordBytes: Int
    /// Everything in the file was acknowledged by this process, so no offset in it will be given again and the file may
    /// become another segment.
    var isClean: Bool

    var name: String { SegmentName.of(first) }
}

/// All segments, oldest first. Events of one end where the next one begins.
struct SegmentList: Sendable {
    private(set) var all: [Segment] = []
    private var lastID: UInt64 = 0

    init() {}

    var bytes: Int { all.reduce(0) { $0 + $1.bytes } }
    var oldest: UInt64? { all.first?.first }

    /// Adds one at the end; it takes the place of those that begin at the same offset or later.
    mutating func append(first: UInt64, bytes: Int, recordBytes: Int, isClean: Bool) {
        all.removeAll { $0.first >= first }
        lastID += 1
        all.append(Segment(id: lastID, first: first, bytes: bytes, recordBytes: recordBytes, isClean: isClean))
    }

    /// A file that was cut.
    mutating func shrink(first: UInt64, below end: UInt64, to bytes: Int) {
        guard first < end, let index = all.firstIndex(where: { $0.first == first }) else { return }
        all[index].bytes = bytes
        all[index].recordBytes = bytes
    }

    mutating func updateLast(_ change: (inout Segment) -> Void) {
        if !all.isEmpty { change(&all[all.count - 1]) }
    }

    /// Takes away the segments that hold nothing from `floor` on. The last one stays.
    mutating func removeBefore(_ floor: UInt64) -> [Segment] {
        let count = all.indices.dropLast().prefix { all[$0 + 1].first <= floor }.count
        defer { all.removeFirst(count) }
        return Array(all[..<count])
    }

    /// The segment with the event `offset`, and where the next one begins.
    func segment(holding offset: UInt64) -> (segment: Segment, nextFirst: UInt64?)? {
        var low = 0
        var high = all.count
        while low < high {
            let middle = (low + high) / 2
            if all[middle].first <= offset { low = middle + 1 } else { high = middle }
        }
        guard low > 0 else { return nil }
        return (all[low - 1], low < all.count ? all[low].first : nil)
    }

    /// Bytes of the records in the segments that hold something from `offset` on.
    func recordBytes(from offset: UInt64) -> Int {
        var sum = 0
        for index in all.indices where index + 1 == all.count || all[index + 1].first > offset {
            sum += all[index].recordBytes
        }
        return sum
    }

    func contains(_ id: UInt64) -> Bool { all.contains { $0.id == id } }
}
