import ConnlogCore
import ConnlogQueue
import ConnlogSystem

/// The queue as one source sees it: its checkpoints under the source's own name, so that sources cannot meet, and its
/// events in the small form that `RecordCodec` gives them.
struct QueueOutput: EventOutput {
    private let queue: Queue
    private let prefix: String
    let checkpoints: [CheckpointKey: [UInt8]]
    let vitals = SourceVitals()

    /// Counts the events of a source that does not count itself.
    private let counting: SourceStatus?

    init(queue: Queue, source: String, counting: SourceStatus? = nil) {
        self.queue = queue
        self.counting = counting
        prefix = source + "/"
        let own = queue.checkpoints.filter { $0.key.hasPrefix(source + "/") }
        checkpoints = Dictionary(
            own.map { (String($0.key.dropFirst(source.utf8.count + 1)), $0.value) }, uniquingKeysWith: { $1 })
    }

    func enqueue(_ batch: consuming EventBatch, _ checkpoints: [Checkpoint]) async throws(AppendError) {
        vitals.begin()
        defer { vitals.end() }
        let count = batch.count
        counting?.update { $0.events += count }
        var codec = RecordCodec()
        var payloads = queue.makeBatch()
        codec.encode(batch, into: &payloads)
        queue.recycle(batch)
        let changes = checkpoints.map { (key: prefix + $0.key, value: $0.value) }
        do throws(QueueError) {
            // A small queue takes no large batch. What comes before the last piece has no checkpoint yet: after a crash
            // in between it is read again, under the same ids.
            let pieces = pieces(of: payloads, changes)
            for piece in pieces.dropLast() { try await queue.enqueue(payloads.slice(piece)) }
            if let last = pieces.last, pieces.count > 1 { payloads = payloads.slice(last) }
            try await queue.enqueue(payloads, checkpoints: changes)
        } catch {
            throw QueueOutput.appendError(error)
        }
    }

    /// Divides a batch so that each piece, and the last one with the checkpoints, is one that the queue takes. As a rule it
    /// is one piece. An event that is too large by itself is a piece too, and the queue says so.
    private func pieces(
        of batch: borrowing EventBatch, _ changes: [(key: String, value: [UInt8]?)]
    ) -> [Range<Int>] {
        let forChanges = changes.reduce(0) {
            $0 + Queue.recordOverheadMax + 4 + $1.key.utf8.count + ($1.value?.count ?? 0)
        }
        let most = max(1, queue.batchBytesMax - forChanges)
        let all = batch.recordBytes + batch.count * Queue.recordOverheadMax
        guard all > most else { return [0..<batch.count] }
        var pieces: [Range<Int>] = []
        var start = 0
        var bytes = 0
        for index in 0..<batch.count {
            let more = batch.record(index).count + Queue.recordOverheadMax
            if bytes + more > most, index > start {
                pieces.append(start..<index)
                (start, bytes) = (index, 0)
            }
            bytes += more
        }
        return pieces + [start..<batch.count]
    }

    func flush() async throws(AppendError) {
        vitals.begin()
        defer { vitals.end() }
        do throws(QueueError) {
            try await queue.flush()
        } catch {
            throw QueueOutput.appendError(error)
        }
    }

    var blocked: String? {
        let state = queue.state
        return state == .ok ? nil : state.word
    }

    func makeBatch() -> EventBatch { queue.makeBatch() }

    private static func appendError(_ error: QueueError) -> AppendError {
        // Who is cancelled is to stop, whether all of connlog ends or another takes its place.
        error == .closed || error == .cancelled ? .stopping : .failed("\(error)")
    }
}
