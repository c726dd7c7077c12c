@testable import ConnlogSystem

@testable import ConnlogQueue

/// A queue that is opened on files and read to its end, without the thread that would write to it.
struct QueueRun {
    static let directory = "/q"
    static let sink = "a"
    private static let options = QueueOptions(
        queueBytesMax: 1 << 20, segmentBytes: 4096, bufferBytes: 64 << 10, quarantineBytesMax: 1 << 20)

    struct Event: Hashable {
        let offset: UInt64
        let payload: [UInt8]
    }

    /// Nil where a newer version's format forbids to go on.
    private(set) var queue: Queue?
    private(set) var position: UInt64 = 0
    private(set) var events: [Event] = []
    private(set) var damagedPlaces: UInt64 = 0

    init(_ files: MemoryFiles) throws(Finding) {
        do throws(QueueError) {
            queue = try Queue.open(
                QueueRun.directory, QueueRun.options, fileSystem: files, clock: StillTime(), timer: SystemQueueTimer(),
                startsThread: false)
            try read()
        } catch .newerFormat {
            queue = nil
        } catch {
            throw Finding("\(error)")
        }
    }

    private mutating func read() throws(QueueError) {
        guard let queue else { return }
        let start = try queue.registerSink(QueueRun.sink, quota: nil, onFull: .block)
        var reader = queue.reader(for: QueueRun.sink)
        var batch = RecordBatch()
        while true {
            let count = try reader.read(into: &batch, maxEvents: 5, maxBytes: 300)
            if count == 0 { break }
            for index in 0..<count {
                let range = batch.records[index].range
                let offset = reader.position - UInt64(count - index)
                events.append(Event(offset: offset, payload: Array(batch.bytes.array[range])))
            }
            batch.removeAll()
        }
        position = max(start.offset, reader.position)
        damagedPlaces = queue.status.damagedPlaces
    }

    func expectAscending() throws(Finding) {
        for (before, after) in zip(events, events.dropFirst()) {
            try expect(before.offset < after.offset, "\(after.offset) comes after \(before.offset)")
        }
        if let queue, let last = events.last { try expect(last.offset < queue.end, "\(last.offset), end \(queue.end)") }
    }

    private struct StillTime: WallTime {
        func now() -> Nanoseconds { 1_700_000_000_000_000_000 }
    }
}
