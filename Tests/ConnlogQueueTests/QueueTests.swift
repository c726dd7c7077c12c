import ConnlogQueue
import ConnlogSystem
import ConnlogTestSupport
import Testing

@Suite struct QueueTests {
    @Test func `what was stored is read back in order, by every sink, before and after a restart`() async throws {
        let bench = Bench()
        var queue = try bench.open()
        let words = (0..<100).map { "event \($0) " + String(repeating: "x", count: $0) }
        _ = try queue.registerSink("a", quota: nil, onFull: .block)
        for word in words { try await queue.store([word]) }
        #expect(queue.end == 100)
        #expect(try queue.readAll("a") == words)
        #expect(queue.status.segments > 3)
        await queue.close()

        queue = try bench.open()
        #expect(queue.report.damage.isEmpty)
        #expect(queue.report.events == 100)
        #expect(queue.end == 100)
        #expect(try queue.registerSink("a", quota: nil, onFull: .block).isNew == false)
        #expect(try queue.registerSink("b", quota: nil, onFull: .block).isNew)
        #expect(try queue.readAll("a") == words)
        #expect(try queue.readAll("b") == words)
        await queue.close()
    }

    @Test func `a commit is remembered with its state and never goes back`() async throws {
        let bench = Bench()
        var queue = try bench.open()
        _ = try queue.registerSink("a", quota: nil, onFull: .block)
        try await queue.store(["1", "2", "3"])
        try queue.commit("a", offset: 2, state: [7, 8])
        try queue.commit("a", offset: 1, state: [9])
        await queue.close()
        queue = try bench.open()
        let position = try queue.registerSink("a", quota: nil, onFull: .block)
        #expect(position.offset == 2)
        #expect(position.state == [7, 8])
        #expect(try queue.readAll("a") == ["3"])
        await queue.close()
    }

    @Test func `checkpoints survive segments that are gone`() async throws {
        let bench = Bench()
        var queue = try bench.open()
        _ = try queue.registerSink("a", quota: nil, onFull: .block)
        try await queue.store(["0"], [("old", [1]), ("gone", [2])])
        try await queue.store([], [("gone", nil)])
        for number in 0..<50 {
            try await queue.store([String(repeating: "y", count: 200)], [("file", [UInt8(number)])])
            try queue.commit("a", offset: queue.end)
        }
        try queue.syncCommits()
        #expect(queue.checkpoints == ["old": [1], "file": [49]])
        await queue.close()
        #expect(bench.disk.names.filter { $0.hasSuffix(".seg") }.count < 3)
        queue = try bench.open()
        #expect(queue.checkpoints == ["old": [1], "file": [49]])
        await queue.close()
    }

    @Test func `a second process is refused and told which lock is held`() async throws {
        let bench = Bench()
        let queue = try bench.open()
        #expect(throws: QueueError.locked(file: "/q/lock")) { _ = try bench.open() }
        await queue.close()
        await (try bench.open()).close()
    }
}
