import ConnlogCore
import ConnlogQueue

/// The queue as one source sees it: its checkpoints under the source's own name, so that sources cannot meet, and its
/// events in the small form that `RecordCodec` gives them.
struct QueueOutput: EventOutput {
    private let queue: Queue
    private let prefix: String
    let checkpoints: [CheckpointKey: [UInt8]]
    let vitals = SourceVitals()

    init(queue: Queue, source: String) {
        self.queue = queue
        prefix = source + "/"
        let own = queue.checkpoints.filter { $0.key.hasPrefix(source + "/") }
        checkpoints = Dictionary(
            own.map { (String($0.key.dropFirst(source.utf8.count + 1)), $0.value) }, uniquingKeysWith: { $1 })
    }

    func enqueue(_ batch: consuming EventBatch, _ checkpoints: [Checkpoint]) async throws(AppendError) {
        vitals.begin()
        defer { vitals.end() }
        var codec = RecordCodec()
        var payloads = queue.makeBatch()
        codec.encode(batch, into: &payloads)
        queue.recycle(batch)
        do throws(QueueError) {
            try await queue.enqueue(payloads, checkpoints: checkpoints.map { (key: prefix + $0.key, value: $0.value) })
        } catch {
            throw QueueOutput.appendError(error)
        }
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
        error == .closed ? .stopping : .failed("\(error)")
    }
}
