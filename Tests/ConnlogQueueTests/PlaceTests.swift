@testable import ConnlogQueue
import ConnlogSystem
import ConnlogTestSupport
import Foundation
import Testing

/// Somebody meddles with the directory of a queue that is in use.
@Suite(.timeLimit(.minutes(10))) struct PlaceTests {
    private final class Folder {
        let path = FileManager.default.temporaryDirectory.appending(path: "place-\(UUID().uuidString)").path
        var queue: String { path + "/queue" }
        init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
        deinit { try? FileManager.default.removeItem(atPath: path) }
    }

    private let options = QueueOptions(queueBytesMax: 4 << 20, bufferBytes: 1000, freeBytesMin: 0)

    private func isFailed(_ queue: Queue) -> Bool {
        if case .failed(let why) = queue.state { why.contains("removed or replaced") } else { false }
    }

    @Test(arguments: [false, true])
    func `a directory that was taken away, or replaced, makes sources wait until it is back`(
        isReplaced: Bool
    ) async throws {
        let folder = try Folder()
        let queue = try Queue.open(folder.queue, options)
        _ = try queue.registerSink("a", quota: nil, onFull: .block)
        try await queue.store(["one"])
        queue.checkPlace()
        #expect(queue.state == .ok)
        try FileManager.default.moveItem(atPath: folder.queue, toPath: folder.path + "/aside")
        if isReplaced {
            try FileManager.default.createDirectory(atPath: folder.queue, withIntermediateDirectories: true)
        }
        queue.checkPlace()
        #expect(isFailed(queue))
        try await queue.enqueue(batch("two"))
        let writing = Task { try await queue.flush() }
        queue.checkPlace()
        #expect(isFailed(queue))
        #expect(queue.end == 1)
        if isReplaced { try FileManager.default.removeItem(atPath: folder.queue) }
        try FileManager.default.moveItem(atPath: folder.path + "/aside", toPath: folder.queue)
        queue.checkPlace()
        try await writing.value
        #expect(queue.state == .ok)
        #expect(try queue.readAll("a") == ["one", "two"])
        await queue.close()
    }

    @Test func `without its lock file a queue is still opened once only, and that the file is gone is told once`()
        async throws
    {
        let folder = try Folder()
        let queue = try Queue.open(folder.queue, options)
        try FileManager.default.removeItem(atPath: folder.queue + "/lock")
        for _ in 0..<3 { queue.checkPlace() }
        #expect(queue.takeNotices() == [.lockGone(file: folder.queue + "/lock")])
        #expect(queue.state == .ok)
        #expect(throws: QueueError.locked(file: folder.queue)) { _ = try Queue.open(folder.queue, options) }
        // The second one has made a lock file of its own, which is not the first one's.
        queue.checkPlace()
        #expect(queue.takeNotices().isEmpty)
        await queue.close()
        await (try Queue.open(folder.queue, options)).close()
    }
}
