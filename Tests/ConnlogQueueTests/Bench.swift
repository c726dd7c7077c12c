@testable import ConnlogQueue
import ConnlogSystem
import ConnlogTestSupport
import Synchronization

/// Time that passes only when a test says so.
final class ManualTimer: QueueTimer {
    private struct State {
        var now = Duration.zero
        var sleepers: [ConditionLock] = []
        var isWaiting = false
        var isReleased = false
        var waits = 0
        var idlers: [CheckedContinuation<Void, Never>] = []

        mutating func takeIdlers() -> [CheckedContinuation<Void, Never>] {
            defer { idlers = [] }
            return idlers
        }
    }

    private let state = Mutex(State())

    func now() -> Duration { state.withLock { $0.now } }

    /// The queue's thread has nothing to do before time passes or it is woken.
    var isWaiting: Bool { state.withLock { $0.isWaiting } }

    /// How often the queue's thread had nothing to do.
    var waits: Int { state.withLock { $0.waits } }

    /// Returns when the queue's thread has nothing to do, once more often than `waits`; or after `release`.
    func idle(after waits: Int = 0) async {
        await withCheckedContinuation { idler in
            let isIdle = state.withLock { state in
                if state.isWaiting && state.waits > waits || state.isReleased { return true }
                state.idlers.append(idler)
                return false
            }
            if isIdle { idler.resume() }
        }
    }

    /// The queue's thread may be gone: nobody is to wait for it any more.
    func release() {
        let idlers = state.withLock { state in
            state.isReleased = true
            return state.takeIdlers()
        }
        for idler in idlers { idler.resume() }
    }

    func wait(on lock: ConditionLock, until deadline: Duration?) {
        let (isOver, idlers) = state.withLock { state in
            if !state.sleepers.contains(where: { $0 === lock }) { state.sleepers.append(lock) }
            let isOver = deadline.map { $0 <= state.now } ?? false
            state.isWaiting = !isOver
            state.waits += 1
            return (isOver, isOver ? [] : state.takeIdlers())
        }
        for idler in idlers { idler.resume() }
        if !isOver { lock.wait() }
        state.withLock { $0.isWaiting = false }
    }

    func advance(by length: Duration) {
        let sleepers = state.withLock { state in
            state.now += length
            state.isWaiting = false
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
