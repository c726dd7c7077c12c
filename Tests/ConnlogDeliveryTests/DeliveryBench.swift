import ConnlogCore
import ConnlogDelivery
import ConnlogQueue
import ConnlogSystem
import ConnlogTestSupport
import Foundation
import Synchronization

/// A queue in a directory of its own and a delivery from it, for one test.
final class DeliveryBench: Sendable {
    let directory: String
    let queue: Queue
    let clock = InstantClock()
    let said = Mutex<[String]>([])

    init(_ options: QueueOptions = QueueOptions(), queue: Queue? = nil) throws {
        directory = FileManager.default.temporaryDirectory.appending(path: "delivery-\(UUID().uuidString)").path
        self.queue = try queue ?? Queue.open(directory + "/queue", options)
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    func append(_ numbers: Range<Int>) async throws {
        try await queue.enqueue(TestEvents.batch(numbers))
        try await queue.flush()
    }

    func delivery(
        _ sink: any Sink, name: String = "test", filter: (any EventFilter)? = nil, quota: Int? = nil,
        onFull: OnFull = .block, deadLetterBytesMax: Int = 1 << 20, batchBytesMax: Int? = nil,
        past: DeliveryStatus = DeliveryStatus(), clock: (any Clock<Duration>)? = nil,
        wallTime: any WallTime = SystemWallTime()
    ) throws -> Delivery {
        let position = try queue.registerSink(name, quota: quota, onFull: onFull)
        var options = Delivery.Options(
            filter: filter, deadLetterDirectory: directory + "/dead", deadLetterBytesMax: deadLetterBytesMax)
        options.batchBytesMax = batchBytesMax
        return Delivery(
            name: name, sink: sink, queue: queue, position: position, options: options, past: past,
            clock: clock ?? self.clock, wallTime: wallTime,
            log: { _, text in self.said.withLock { $0.append(text) } })
    }

    /// Delivers until there is nothing left to do.
    @discardableResult
    func deliver(_ sink: any Sink, filter: (any EventFilter)? = nil) async throws -> DeliveryStatus {
        let delivery = try delivery(sink, filter: filter)
        delivery.drain()
        await delivery.run()
        return delivery.status
    }

    /// The numbers of the events among the dead letters, in order.
    var deadLetters: [Int] { letters(in: directory + "/dead") }

    /// The same of those that were moved away.
    var movedDeadLetters: [Int] { letters(in: directory + "/moved") }

    private func letters(in folder: String) -> [Int] {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return files.sorted().flatMap { file in
            let text = (try? String(contentsOfFile: folder + "/" + file, encoding: .utf8)) ?? ""
            return text.split(separator: "\n").compactMap { TestEvents.number(String($0)) }
        }
    }

    /// As somebody does who wants to look at them elsewhere. What is written at the same moment goes with its file.
    func moveDeadLetters() throws {
        let (folder, moved) = (directory + "/dead", directory + "/moved")
        try FileManager.default.createDirectory(atPath: moved, withIntermediateDirectories: true)
        for file in try FileManager.default.contentsOfDirectory(atPath: folder) where file.hasSuffix(".jsonl") {
            try FileManager.default.moveItem(atPath: folder + "/" + file, toPath: moved + "/" + UUID().uuidString)
        }
    }

    var committed: UInt64 { committed(of: "test") }

    func committed(of sink: String) -> UInt64 { queue.status.sinks.first { $0.name == sink }?.committed ?? 0 }
}
