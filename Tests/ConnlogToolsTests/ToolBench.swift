import ConnlogCore
import ConnlogQueue
import ConnlogSystem
import ConnlogTestSupport
import Foundation

@testable import ConnlogTools

/// A data directory with a queue in it, for one test; its bytes are the same each time but for the queue's id.
final class ToolBench: Sendable {
    struct FixedTime: WallTime {
        func now() -> Nanoseconds { 1_767_225_600_000_000_000 }
    }

    let directory: String
    var location: QueueLocation { QueueLocation(dataDirectory: directory) }

    init() throws {
        directory = FileManager.default.temporaryDirectory.appending(path: "tools-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    /// Event `number` happened so many minutes after 2026-01-01T00:00:00Z.
    static func line(_ number: Int, type: String = "ssh") -> String {
        let time = EventTime.text(1_767_225_600_000_000_000 + Nanoseconds(number) * 60_000_000_000)
        return TestEvents.line(number, type: type).replacing("2025-07-10T10:14:38.942776145Z", with: time)
    }

    static func minute(_ number: Int) -> Nanoseconds {
        1_767_225_600_000_000_000 + Nanoseconds(number) * 60_000_000_000
    }

    func open() throws -> Queue {
        try Queue.open(
            location.directory, QueueOptions(queueBytesMax: 4 << 20, segmentBytes: 3000), clock: FixedTime())
    }

    /// Twelve events in small segments, each in a batch of its own. Sink "siem" has 5 of them, sink "splunk" none.
    func fill(_ numbers: Range<Int> = 0..<12) async throws -> Queue {
        let queue = try open()
        for sink in ["siem", "splunk"] { _ = try queue.registerSink(sink, quota: nil, onFull: .block) }
        for number in numbers {
            var batch = EventBatch()
            batch.append(Array(Self.line(number, type: number % 3 == 0 ? "vscode" : "ssh").utf8).span)
            try await queue.enqueue(batch, checkpoints: [(key: "coderd/log", value: Array("\(number)".utf8))])
            try await queue.flush()
        }
        try queue.commit("siem", offset: 5)
        try queue.syncCommits()
        return queue
    }

    var segments: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: location.directory)) ?? [])
            .filter { $0.hasSuffix(".seg") }.sorted()
    }

    /// Changes a byte of a file in the queue's directory.
    func damage(_ name: String, at position: Int) throws {
        let file = "\(location.directory)/\(name)"
        var bytes = try Data(contentsOf: URL(filePath: file))
        bytes[position] ^= 0xff
        try bytes.write(to: URL(filePath: file))
    }

    func write(_ text: String, to name: String) throws {
        let file = URL(filePath: directory).appending(path: name)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
    }

    func text(_ name: String) -> String? { try? String(contentsOfFile: directory + "/" + name, encoding: .utf8) }
}

/// A receiver that refuses what it is told to and keeps the rest.
actor Receiver: Sink {
    nonisolated let limits = BatchLimits(events: 4)
    private let refuses: Set<Int>
    private let isAway: Bool
    private let onSend: @Sendable () -> Void
    private(set) var taken: [Int] = []

    init(refuses: Set<Int> = [], isAway: Bool = false, onSend: @escaping @Sendable () -> Void = {}) {
        self.refuses = refuses
        self.isAway = isAway
        self.onSend = onSend
    }

    func send(_ batch: EventBatch) async -> SendOutcome {
        onSend()
        if isAway { return .retry(Reason("connection_refused", "nobody listens there")) }
        let numbers = TestEvents.numbers(batch)
        if let bad = numbers.firstIndex(where: refuses.contains) {
            taken += numbers[..<bad]
            return .rejected(at: bad, Reason("http_400", "Invalid data format"))
        }
        taken += numbers
        return .delivered
    }
}
