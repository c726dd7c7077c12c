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

    @Test(arguments: [1, 50, 199, 200, 201, 1000, 100_000], [1, 3, 1000])
    func `a read keeps to its limits and always gets on`(maxBytes: Int, maxEvents: Int) async throws {
        let queue = try Bench().open()
        let words = (0..<40).map { "\($0) " + String(repeating: "r", count: 90 + $0) }
        for start in stride(from: 0, to: 40, by: 8) { try await queue.store(Array(words[start..<start + 8])) }
        var reader = queue.reader(for: "nobody")
        var texts: [String] = []
        var batch = RecordBatch()
        while texts.count < words.count {
            batch.removeAll()
            let count = try reader.read(into: &batch, maxEvents: maxEvents, maxBytes: maxBytes)
            #expect(count >= 1 && count <= maxEvents && batch.count == count)
            #expect(count == 1 || batch.recordBytes <= maxBytes)
            texts += batch.texts
            #expect(reader.position == UInt64(texts.count))
            if count == 0 { break }
        }
        #expect(texts == words)
        reader.seek(to: 20)
        batch.removeAll()
        #expect(try reader.read(into: &batch, maxEvents: 1, maxBytes: 1) == 1)
        #expect(batch.texts == [words[20]])
        await queue.close()
    }
}
