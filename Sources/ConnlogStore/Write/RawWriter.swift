#if Server
import ConnlogCore
import ConnlogSystem
import GRDB

/// Keeps the events as they were received: some dozens, a line each, in one gzip member.
struct RawWriter {
    // Used by one writer at a time, which is under the store's lock.
    private let gzip = Gzip()
    private var lines = ByteBuffer()
    private var packed = ByteBuffer()

    /// A member is unpacked whole to show one event, and packs better the larger it is.
    private static let eventsMax = 64
    private static let bytesMax = 256 << 10
    /// No member holds more: a single line may be long.
    static let unpackedMax = 256 << 20

    mutating func append(
        _ batch: EventBatch, from first: Int, number: Int64, arrival: Nanoseconds, _ database: Database
    ) throws {
        var start = first
        for index in first..<batch.count {
            lines.append(batch.record(index))
            lines.append(UInt8(ascii: "\n"))
            let count = index + 1 - start
            guard count == RawWriter.eventsMax || lines.count >= RawWriter.bytesMax || index == batch.count - 1 else {
                continue
            }
            packed.removeAll()
            pack()
            lines.removeAll()
            try database.run(
                "INSERT INTO raw VALUES (?, ?, ?, ?)",
                [
                    .int(number + Int64(start - first)), .int(count), .time(Microseconds(nanoseconds: arrival)),
                    .bytes(packed.array),
                ])
            start = index + 1
        }
    }

    private mutating func pack() {
        var output = packed
        packed = ByteBuffer()
        gzip.compress(lines.span, into: &output)
        packed = output
    }
}
#endif
