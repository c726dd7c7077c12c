@testable import ConnlogQueue
import ConnlogSystem
import ConnlogTestSupport
import Testing

/// A record of any size comes out of the queue, wherever it lies among others and whatever was read before.
@Suite(.timeLimit(.minutes(10))) struct RecordSizeTests {
    private static let segmentBytes = 256 << 10
    private static let bufferBytes = 128 << 10

    /// Every limit inside the queue that a record can meet; tested one below, at and one above, with and without the header
    /// of the record.
    private static let limits = [
        512, 4096, QueueReader.chunkBytesMin, 60 << 10, bufferBytes, segmentBytes, QueueReader.chunkBytesMax / 2,
        QueueReader.chunkBytesMax, 3 << 20,
    ]

    static let sizes: [Int] = {
        var sizes = [1, 7, 8, 9]
        for limit in limits {
            for middle in [limit, limit - RecordCoding.headerBytes] { sizes += [middle - 1, middle, middle + 1] }
        }
        return sizes
    }()

    /// What lies before the large record: how many records, and how large they are.
    struct Before: Sendable, CustomTestStringConvertible {
        let count: Int
        let bytes: Int
        var testDescription: String { "\(count) of \(bytes) bytes" }

        static let all = [Before(count: 0, bytes: 0), Before(count: 1, bytes: 1), Before(count: 300, bytes: 90)]
        static let few = [Before(count: 40, bytes: 900), Before(count: 3, bytes: 20_000)]
    }

    @Test(arguments: sizes, Before.all) func `a record of any size is read, alone and after small ones`(
        size: Int, before: Before
    ) async throws {
        try await run([(before.count, before.bytes), (1, size), (2, 30)])
    }

    @Test(arguments: sizes, Before.few)
    func `a record of any size is read after others, and after one of its own size`(
        size: Int, before: Before
    ) async throws {
        try await run([(before.count, before.bytes), (2, size), (before.count, before.bytes), (1, size)])
    }

    /// Stores runs of records, each run in a batch of its own, and reads them in every way, before and after a restart.
    private func run(_ runs: [(count: Int, bytes: Int)]) async throws {
        var bench = Bench()
        bench.options = QueueOptions(
            queueBytesMax: 64 << 20, segmentBytes: RecordSizeTests.segmentBytes,
            bufferBytes: RecordSizeTests.bufferBytes, freeBytesMin: 0)
        var queue = try bench.open()
        var records: [[UInt8]] = []
        for run in runs where run.count > 0 {
            var batch = RecordBatch()
            for _ in 0..<run.count {
                records.append(RecordSizeTests.record(records.count, run.bytes))
                let record = records[records.count - 1]
                batch.append(record.span)
            }
            try await queue.enqueue(batch)
        }
        try await queue.flush()
        try readInEveryWay(queue, records)
        await queue.close()
        queue = try bench.open()
        #expect(queue.report.damage.isEmpty)
        try readInEveryWay(queue, records)
        #expect(queue.status.damagedPlaces == 0)
        await queue.close()
    }

    private func readInEveryWay(_ queue: Queue, _ records: [[UInt8]]) throws {
        for (events, bytes) in [(1, 1), (10, 1 << 20), (10_000, 1 << 20), (10_000, 64 << 10), (3, 8 << 20)] {
            var reader = queue.reader(for: "nobody")
            // Once more from the beginning, with the averages that the first time has left.
            for round in 1...2 {
                reader.seek(to: 0)
                #expect(
                    try RecordSizeTests.agrees(&reader, records, events, bytes),
                    "round \(round), at most \(events) events and \(bytes) bytes")
            }
        }
    }

    /// Whether reading brings exactly these records, at least one at a time.
    private static func agrees(
        _ reader: inout QueueReader, _ records: [[UInt8]], _ events: Int, _ bytes: Int
    ) throws -> Bool {
        var batch = RecordBatch()
        var next = 0
        while next < records.count {
            batch.removeAll()
            let count = try reader.read(into: &batch, maxEvents: events, maxBytes: bytes)
            guard count >= 1, count <= events, count == 1 || batch.recordBytes <= bytes else { return false }
            for place in 0..<count where !isEqual(batch.record(place), records[next + place]) {
                return false
            }
            next += count
        }
        batch.removeAll()
        return try reader.read(into: &batch, maxEvents: events, maxBytes: bytes) == 0 && reader.takeSkipped() == 0
    }

    private static func isEqual(_ bytes: Span<UInt8>, _ record: [UInt8]) -> Bool {
        // By their checksums: byte by byte, a debug build takes minutes for these sizes.
        var (found, wanted) = (CRC32C(), CRC32C())
        found.update(bytes)
        wanted.update(record.span)
        return bytes.count == record.count && found == wanted
    }

    /// Bytes that tell the record by its number.
    private static func record(_ number: Int, _ bytes: Int) -> [UInt8] {
        let name = Array("\(number) ".utf8)
        var record = name
        while record.count < bytes { record += record }
        return Array(record.prefix(bytes))
    }
}
