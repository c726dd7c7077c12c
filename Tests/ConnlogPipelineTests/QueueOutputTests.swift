import ConnlogCore
import ConnlogQueue
import ConnlogSystem
import ConnlogTestSupport
import Testing

@testable import ConnlogPipeline

/// A source's batches in a queue that is small.
@Suite(.timeLimit(.minutes(10))) struct QueueOutputTests {
    /// Batches of `count` events of which each takes as much as it is long, at and around what a queue of 4 MiB takes.
    @Test(arguments: [1, 2, 3, 50], [-1, 0, 1, 400_000])
    func `a batch that is larger than the queue takes at once is divided`(count: Int, beyond: Int) async throws {
        let queue = try Queue.open(
            "/q", QueueOptions(queueBytesMax: 4 << 20, freeBytesMin: 0), fileSystem: SimulatedFileSystem())
        let size = (queue.batchBytesMax + beyond) / count - Queue.recordOverheadMax
        var batch = EventBatch()
        for number in 0..<count {
            // Not in the small form: with a blank between two members.
            let line = TestEvents.line(number, bytes: size - 1).replacing("\"level\"", with: " \"level\"")
            batch.append(Array(line.utf8).span)
        }
        let output = QueueOutput(queue: queue, source: "coderd")
        let isOneTooLarge = count == 1 && size + Queue.recordOverheadMax > queue.batchBytesMax - 40
        do throws(AppendError) {
            try await output.enqueue(batch, [Checkpoint(key: "file/1", value: [7])])
            try await output.flush()
            #expect(queue.end == UInt64(count))
            #expect(queue.checkpoints == ["coderd/file/1": [7]])
        } catch {
            guard case .failed(let words) = error else { throw error }
            #expect(isOneTooLarge && words.contains("raise queue_size"))
        }
        await queue.close()
    }

    @Test func `a source that is cancelled while the queue is full is told to stop, not that the queue has failed`()
        async throws
    {
        let queue = try Queue.open(
            "/q", QueueOptions(queueBytesMax: 4 << 20, freeBytesMin: 0), fileSystem: SimulatedFileSystem())
        _ = try queue.registerSink("slow", quota: nil, onFull: .block)
        let output = QueueOutput(queue: queue, source: "coderd")
        let filling = Task { () -> AppendError? in
            var number = 0
            while true {
                var batch = EventBatch()
                batch.append(Array(TestEvents.line(number, bytes: 100_000).utf8).span)
                do throws(AppendError) { try await output.enqueue(batch, []) } catch { return error }
                number += 1
            }
        }
        try await Waiting.until("the queue is full") { queue.status.state != .ok }
        filling.cancel()
        #expect(await filling.value == .stopping)
        await queue.close()
    }
}
