@testable import ConnlogSystem

@testable import ConnlogQueue

/// The bytes of a segment, read slowly and by the description of the format alone.
struct RawSegment {
    private(set) var bytes: [UInt8]
    /// Bit 0: the header's checksum stays wrong; the others: that of every eighth record.
    private let wrongChecksums: Int
    /// Offsets are put right, too.
    private let renumbers: Bool

    init(wrongChecksums: Int, renumbers: Bool, _ bytes: [UInt8]) {
        self.bytes = bytes
        self.wrongChecksums = wrongChecksums
        self.renumbers = renumbers
    }

    /// - Returns: the first offset, if the header is a valid one.
    mutating func mend() -> UInt64? {
        if bytes.count >= 64, wrongChecksums & 1 == 0 { store(checksum(0..<60, after: []), at: 60, length: 4) }
        guard bytes.count >= 64, Array(bytes[..<8]) == Array("CONNLOGQ".utf8) else { return nil }
        let first = number(at: 32, length: 8)
        var offset = first
        var place = 64
        var index = 0
        while let end = end(of: place) {
            if renumbers { store(offset, at: place + 8, length: 8) }
            if kind(at: place) == 1 { offset &+= 1 }
            if wrongChecksums >> (1 + index % 7) & 1 == 0 {
                store(checksum(place + 4..<end, after: Array(bytes[16..<32])), at: place, length: 4)
            }
            place = (end + 7) & ~7
            index += 1
        }
        let isValid = number(at: 60, length: 4) == checksum(0..<60, after: []) && number(at: 8, length: 2) <= 1
        return isValid ? first : nil
    }

    /// Every event that stands anywhere.
    func possible() -> Set<QueueRun.Event> {
        var found: Set<QueueRun.Event> = []
        for place in stride(from: 64, to: bytes.count, by: 8) {
            guard let end = end(of: place), kind(at: place) == 1, isValid(place, end) else { continue }
            let offset = number(at: place + 8, length: 8)
            found.insert(QueueRun.Event(offset: offset, payload: Array(bytes[place + 16..<end])))
        }
        return found
    }

    /// The events of the whole batches before the first damage.
    func certain() -> [QueueRun.Event] {
        var expected = number(at: 32, length: 8)
        var whole: [QueueRun.Event] = []
        var batch: [QueueRun.Event] = []
        var place = 64
        while let end = end(of: place), isValid(place, end), number(at: place + 8, length: 8) == expected {
            let kind = kind(at: place)
            guard (1...3).contains(kind), kind != 3 || end == place + 16 else { break }
            if kind == 1 {
                batch.append(QueueRun.Event(offset: expected, payload: Array(bytes[place + 16..<end])))
                expected += 1
            }
            if kind == 3 || bytes[place + 7] >> 7 == 1 {
                whole += batch
                batch = []
            }
            place = (end + 7) & ~7
        }
        return whole
    }

    // MARK: Fields

    /// Where the payload of the record at a place ends, if it lies inside.
    private func end(of place: Int) -> Int? {
        guard place + 16 <= bytes.count else { return nil }
        let end = place + 16 + Int(number(at: place + 4, length: 4) & 0xfff_ffff)
        return end <= bytes.count ? end : nil
    }

    private func kind(at place: Int) -> Int { Int(bytes[place + 7] >> 4 & 7) }

    private func isValid(_ place: Int, _ end: Int) -> Bool {
        number(at: place, length: 4) == checksum(place + 4..<end, after: Array(bytes[16..<32]))
    }

    private func checksum(_ range: Range<Int>, after seed: [UInt8]) -> UInt64 {
        var checksum = CRC32C()
        checksum.update(seed.span)
        checksum.update(bytes.span.extracting(range))
        return UInt64(checksum.value)
    }

    private func number(at place: Int, length: Int) -> UInt64 {
        (0..<length).reduce(0) { $0 | UInt64(bytes[place + $1]) << UInt64(8 * $1) }
    }

    private mutating func store(_ value: UInt64, at place: Int, length: Int) {
        for index in 0..<length { bytes[place + index] = UInt8(truncatingIfNeeded: value >> UInt64(8 * index)) }
    }
}
