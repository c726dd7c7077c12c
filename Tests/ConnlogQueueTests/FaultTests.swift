import ConnlogQueue
import ConnlogSystem
import ConnlogTestSupport
import Synchronization
import Testing

/// Time that passes as soon as somebody waits for it.
final class HurryingTimer: QueueTimer {
    private let time = Mutex(Duration.zero)

    func now() -> Duration { time.withLock { $0 } }

    func wait(on lock: ConditionLock, until deadline: Duration?) {
        guard let deadline else { return lock.wait() }
        time.withLock { $0 = max($0, deadline) }
    }
}

@Suite struct FaultTests {
    private static let options = QueueOptions(queueBytesMax: 1 << 20, segmentBytes: 1500, bufferBytes: 64 << 10)

    /// Stores, commits and rolls; then the power fails, and everything must be there.
    private func survives(_ fault: SimulatedFileSystem.Fault, atCall call: Int) async throws -> [String] {
        let disk = SimulatedFileSystem()
        let open = { () throws(QueueError) -> Queue in
            try Queue.open("/q", Self.options, fileSystem: disk, clock: FixedWallTime(), timer: HurryingTimer())
        }
        disk.fail(fault, atCall: call)
        // What the operator does about a directory that cannot be made.
        var queue = try (try? open()) ?? open()
        var words: [String] = []
        _ = try? queue.registerSink("a", quota: nil, onFull: .block)
        for round in 0..<8 {
            let more = (0..<3).map { "\(round).\($0) " + String(repeating: "w", count: 250) }
            words += more
            try await queue.store(more, [("source", Array("\(words.count)".utf8))])
            if round == 3 { try? queue.commit("a", offset: 5, state: [5]) }
            if round == 5 { try? queue.syncCommits() }
        }
        let isDone = disk.calls >= call
        await queue.close()
        queue = try Bench(disk.restarted(seed: 0), Self.options).open()
        defer { withExtendedLifetime(queue) {} }
        let position = try queue.registerSink("a", quota: nil, onFull: .block)
        let texts = try queue.readAll("a")
        let checkpoint = queue.checkpoints["source"]
        await queue.close()
        guard position.offset == 5, texts == Array(words.dropFirst(5)), checkpoint == Array("24".utf8) else {
            return ["\(fault) at call \(call) \(disk.trace[call - 1]): at \(position.offset), \(texts.count) events"]
        }
        return isDone ? [] : ["done"]
    }

    static let faults: [SimulatedFileSystem.Fault] = [
        .error(Errno.inputOutput), .error(Errno.noSpace), .error(Errno.quotaExceeded), .shortWrite,
    ]

    @Test(arguments: faults)
    func `an error at any call costs nothing that was acknowledged`(fault: SimulatedFileSystem.Fault) async throws {
        var failures: [String] = []
        for call in 1...1000 {
            let found = try await survives(fault, atCall: call)
            if found == ["done"] { break }
            failures += found
        }
        #expect(failures.isEmpty, "\(failures.prefix(3))")
    }

    @Test func `a full disk holds sources up, lets sinks drain, and is over when there is room`() async throws {
        let bench = Bench()
        let queue = try bench.open()
        _ = try queue.registerSink("a", quota: nil, onFull: .block)
        for _ in 0..<10 { try await queue.store([String(repeating: "e", count: 900)]) }
        bench.disk.setCapacity(0)
        let waiting = Task { try await queue.store([String(repeating: "f", count: 5000)]) }
        while queue.status.state != .diskFull { await Task.yield() }
        #expect(try queue.readAll("a").count == 10)
        // The sink commits, segments go, and the writer needs nobody to try again.
        bench.disk.setCapacity(32 << 10)
        try queue.commit("a", offset: 10)
        try await waiting.value
        #expect(queue.status.state == .ok)
        #expect(queue.end == 11)
        await queue.close()
    }

    @Test func `a disk that fails to sync acknowledges nothing until it works again`() async throws {
        let bench = Bench()
        let queue = try bench.open()
        _ = try queue.registerSink("a", quota: nil, onFull: .block)
        try await queue.store(["before"])
        bench.disk.setSyncError(Errno.inputOutput)
        let waiting = Task { try await queue.store(["during"]) }
        while queue.status.state == .ok { await Task.yield() }
        #expect(queue.end == 1)
        #expect(queue.status.syncFailures > 0)
        bench.disk.setSyncError(nil)
        while queue.end == 1 {
            bench.timer.advance(by: .seconds(60))
            await Task.yield()
        }
        try await waiting.value
        #expect(try queue.readAll("a") == ["before", "during"])
        await queue.close()
    }

    @Test func `sources wait at the queue's bound, which the disk never sees exceeded`() async throws {
        var bench = Bench()
        bench.options.queueBytesMax = QueueOptions.queueBytesLeast
        bench.options.segmentBytes = 1 << 20
        let (options, disk, timer) = (bench.options, bench.disk, bench.timer)
        let queue = try Queue.open("/q", options, fileSystem: disk, clock: FixedWallTime(), timer: timer)
        _ = try queue.registerSink("a", quota: nil, onFull: .block)
        let stored = Mutex(0)
        let waiting = Task {
            for _ in 0..<100 {
                try await queue.store([String(repeating: "q", count: 5000)])
                stored.withLock { $0 += 1 }
            }
        }
        while queue.status.state != .full(sink: "a") { await Task.yield() }
        while stored.withLock({ $0 }) < 100 {
            let used = disk.names.reduce(0) { $0 + disk.bytes($1).count }
            #expect(used <= options.queueBytesMax)
            if case .full = queue.status.state { try queue.commit("a", offset: queue.end) }
            await Task.yield()
        }
        try await waiting.value
        #expect(queue.end == 100)
        await queue.close()
    }

    @Test func `a sink that may drop loses its oldest events, counted, and stops nobody`() async throws {
        let queue = try Bench().open()
        _ = try queue.registerSink("slow", quota: 8000, onFull: .dropOldest)
        _ = try queue.registerSink("all", quota: nil, onFull: .block)
        var reader = queue.reader(for: "slow")
        for number in 0..<60 { try await queue.store(["\(number) " + String(repeating: "d", count: 500)]) }
        var batch = RecordBatch()
        #expect(try reader.read(into: &batch, maxEvents: 1, maxBytes: 1) == 1)
        let first = Int(reader.position) - 1
        #expect(first > 40)
        #expect(batch.texts[0].hasPrefix("\(first) "))
        #expect(reader.takeSkipped() == UInt64(first))
        #expect(queue.status.sinks.first { $0.name == "slow" }?.dropped == UInt64(first))
        #expect(try queue.readAll("all").count == 60)
        await queue.close()
    }

    @Test func `sources that wait at the same time share one sync`() async throws {
        let bench = Bench()
        let queue = try bench.open()
        let before = queue.status.syncs
        for number in 0..<100 { try await queue.enqueue(batch("\(number)")) }
        try await queue.flush()
        #expect(queue.status.syncs - before < 100)
        #expect(queue.end == 100)
        await queue.close()
    }
}
