/// Says of a hash whether a partition may hold it (a Bloom filter): never no when it does, wrongly yes in about one of a
/// hundred cases.
struct KeyFilter {
    /// A power of two.
    private var words: [UInt64]

    /// - Parameter capacity: how many hashes it is made for; ten bits or more for each.
    init(capacity: Int) {
        var count = 16
        while count * 64 < capacity * 10 { count *= 2 }
        words = Array(repeating: 0, count: count)
    }

    init?(bytes: [UInt8]) {
        guard bytes.count >= 8, bytes.count & 7 == 0, (bytes.count / 8).nonzeroBitCount == 1 else { return nil }
        words = stride(from: 0, to: bytes.count, by: 8).map { start in
            (0..<8).reduce(0) { $0 | UInt64(bytes[start + $1]) << UInt64(8 * $1) }
        }
    }

    var bytes: [UInt8] {
        words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(8 * $0)) } }
    }

    mutating func insert(_ hash: Int64) {
        for place in KeyFilter.places(hash, words.count) { words[place >> 6] |= 1 << UInt64(place & 63) }
    }

    func mayContain(_ hash: Int64) -> Bool {
        KeyFilter.places(hash, words.count).allSatisfy { words[$0 >> 6] >> UInt64($0 & 63) & 1 == 1 }
    }

    /// Six bits, from the two halves of the hash.
    private static func places(_ hash: Int64, _ count: Int) -> some Sequence<Int> {
        let bits = UInt64(bitPattern: hash)
        let (start, step) = (bits, (bits >> 32 | bits << 32) | 1)
        let mask = UInt64(count) &* 64 &- 1
        return (0..<6).lazy.map { Int(truncatingIfNeeded: (start &+ UInt64($0) &* step) & mask) }
    }
}
