import ConnlogCore
import ConnlogDelivery
import ConnlogQueue
import ConnlogSystem
import ConnlogTestSupport
import Foundation
import Synchronization

@testable import ConnlogSinks

/// A queue with events and a delivery from it.
final class HECDelivery: Sendable {
    private let directory = FileManager.default.temporaryDirectory.appending(path: "storm-\(UUID().uuidString)").path
    private let queue: Queue
    private let lines: [String]
    private let said = Mutex<[String]>([])

    init(_ lines: [String]) throws {
        queue = try Queue.open(directory + "/queue", QueueOptions())
        self.lines = lines
    }

    convenience init(_ count: Int) throws { try self.init((0..<count).map { TestEvents.line($0) }) }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    func delivery(_ sink: SplunkHECSink, hold: Backoff? = nil) throws -> Delivery {
        let position = try queue.registerSink("splunk", quota: nil, onFull: .block)
        var options = Delivery.Options(deadLetterDirectory: directory + "/dead")
        if let hold { options.hold = hold }
        let queue = queue
        var batch = EventBatch()
        for line in lines { batch.append(Array(line.utf8).span) }
        let events = batch
        Task {
            try await queue.enqueue(events)
            try await queue.flush()
        }
        guard hold == nil else {
            return Delivery(
                name: "splunk", sink: sink, queue: queue, position: position, options: options, log: say)
        }
        return Delivery(
            name: "splunk", sink: sink, queue: queue, position: position, options: options, clock: InstantClock(),
            log: say)
    }

    func deliver(_ sink: SplunkHECSink) async throws -> DeliveryStatus {
        let delivery = try delivery(sink)
        while queue.end < UInt64(lines.count) { await Task.yield() }
        delivery.drain()
        await delivery.run()
        return delivery.status
    }

    /// What the delivery wrote into the log.
    var words: [String] { said.withLock { $0 } }

    private func say(_ level: LogLevel, _ text: String) { said.withLock { $0.append(text) } }

    var committed: UInt64 { queue.status.sinks.first { $0.name == "splunk" }?.committed ?? 0 }

    var deadLetters: [Int] { deadLetterLines.compactMap { TestEvents.number($0) } }

    var deadLetterLines: [String] {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: directory + "/dead")) ?? []
        return files.sorted().flatMap { file in
            let text = (try? String(contentsOfFile: directory + "/dead/" + file, encoding: .utf8)) ?? ""
            return text.split(separator: "\n").map(String.init)
        }
    }
}
