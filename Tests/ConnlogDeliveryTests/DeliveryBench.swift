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

    init(_ options: QueueOptions = QueueOptions()) throws {
        directory = FileManager.default.temporaryDirectory.appending(path: "delivery-\(UUID().uuidString)").path
        queue = try Queue.open(directory + "/queue", options)
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    func append(_ numbers: Range<Int>) async throws {
        try await queue.enqueue(TestEvents.batch(numbers))
        try await queue.flush()
    }

    func delivery(
        _ sink: any Sink, filter: (any EventFilter)? = nil, quota: Int? = nil, onFull: OnFull = .block
    ) throws -> Delivery {
        let position = try queue.registerSink("test", quota: quota, onFull: onFull)
        let options = Delivery.Options(filter: filter, deadLetterDirectory: directory + "/dead")
        return Delivery(
            name: "test", sink: sink, queue: queue, position: position, options: options, clock: clock,
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
    var deadLetters: [Int] {
        let folder = directory + "/dead"
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return files.sorted().flatMap { file in
            let text = (try? String(contentsOfFile: folder + "/" + file, encoding: .utf8)) ?? ""
            return text.split(separator: "\n").compactMap { TestEvents.number(String($0)) }
        }
    }

    var committed: UInt64 { queue.status.sinks.first { $0.name == "test" }?.committed ?? 0 }
}
