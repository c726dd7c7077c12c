@testable import ConnlogQueue
import ConnlogSystem
import ConnlogTestSupport

struct FixedWallTime: WallTime {
    func now() -> Nanoseconds { 1_700_000_000_000_000_000 }
}

/// A queue on a simulated disk.
struct Bench {
    let disk: SimulatedFileSystem
    /// What the queue sees of it.
    let fileSystem: any FileSystem
    let timer = ManualTimer()
    var options = QueueOptions(
        queueBytesMax: 4 << 20, segmentBytes: 2048, bufferBytes: 64 << 10, freeBytesMin: 0)

    init(_ disk: SimulatedFileSystem = SimulatedFileSystem()) {
        self.disk = disk
        fileSystem = disk
    }

    init(_ fileSystem: any FileSystem, _ options: QueueOptions) {
        disk = fileSystem as? SimulatedFileSystem ?? SimulatedFileSystem()
        self.fileSystem = fileSystem
        self.options = options
    }

    func open() throws(QueueError) -> Queue {
        try Queue.open("/q", options, fileSystem: fileSystem, clock: FixedWallTime(), timer: timer)
    }

    /// Lets time pass and waits until what was due is done.
    func pass(_ length: Duration) async {
        await timer.idle()
        timer.advance(by: length)
        await timer.idle()
    }
}

/// What the offsets file on a disk says, without opening the queue.
func storedSinks(_ disk: SimulatedFileSystem) throws -> [SinkEntry] {
    try OffsetsFile.load("/q", disk).contents?.newest.sinks ?? []
}

func batch(_ records: String...) -> RecordBatch { batch(records) }

func batch(_ records: [String]) -> RecordBatch {
    var batch = RecordBatch()
    for record in records {
        let bytes = Array(record.utf8)
        batch.append(bytes.span)
    }
    return batch
}

extension RecordBatch {
    var texts: [String] { records.map { bytes.text($0.range) } }
}

extension Queue {
    /// Enqueues and flushes.
    func store(_ records: [String], _ checkpoints: [(key: String, value: [UInt8]?)] = []) async throws(QueueError) {
        try await enqueue(batch(records), checkpoints: checkpoints)
        try await flush()
    }

    /// Everything that a sink can read from where it is.
    func readAll(_ sink: String, from offset: UInt64? = nil) throws -> [String] {
        var reader = reader(for: sink)
        if let offset { reader.seek(to: offset) }
        var texts: [String] = []
        var batch = RecordBatch()
        while try reader.read(into: &batch, maxEvents: 100, maxBytes: 1 << 20) > 0 {
            texts += batch.texts
            batch.removeAll()
        }
        return texts
    }

    func status(of sink: String) -> QueueStatus.SinkStatus? { status.sinks.first { $0.name == sink } }
}
