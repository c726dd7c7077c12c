import ConnlogQueue
import ConnlogSystem
import ConnlogTestSupport
import Synchronization

/// Time that passes only when a test says so.
final class ManualTimer: QueueTimer {
    private struct State {
        var now = Duration.zero
        var sleepers: [ConditionLock] = []
        var waits: [Duration?] = []
    }

    private let state = Mutex(State())

    func now() -> Duration { state.withLock { $0.now } }

    /// How long the queue's thread meant to sleep each time; `nil`: for ever.
    var waits: [Duration?] { state.withLock { $0.waits } }

    func wait(on lock: ConditionLock, until deadline: Duration?) {
        let isOver = state.withLock { state in
            state.waits.append(deadline.map { $0 - state.now })
            if !state.sleepers.contains(where: { $0 === lock }) { state.sleepers.append(lock) }
            return deadline.map { $0 <= state.now } ?? false
        }
        if !isOver { lock.wait() }
    }

    func advance(by length: Duration) {
        let sleepers = state.withLock { state in
            state.now += length
            return state.sleepers
        }
        for lock in sleepers {
            lock.lock()
            lock.unlock(waking: true)
        }
    }
}

struct FixedWallTime: WallTime {
    func now() -> Nanoseconds { 1_700_000_000_000_000_000 }
}

/// A queue on a simulated disk.
struct Bench {
    let disk: SimulatedFileSystem
    let timer = ManualTimer()
    var options = QueueOptions(queueBytesMax: 4 << 20, segmentBytes: 2048, bufferBytes: 64 << 10)

    init(_ disk: SimulatedFileSystem = SimulatedFileSystem()) { self.disk = disk }

    func open() throws(QueueError) -> Queue {
        try Queue.open("/q", options, fileSystem: disk, clock: FixedWallTime(), timer: timer)
    }
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
}
