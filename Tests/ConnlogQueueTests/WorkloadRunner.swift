import ConnlogQueue
import ConnlogSystem
import ConnlogTestSupport
import Synchronization

/// Does the steps of a workload and keeps account of what the queue has promised with each.
///
/// Between two steps the queue's thread is idle, so the calls to the disk come in the same order each time.
struct WorkloadRunner {
    private let disk: SimulatedFileSystem
    private let bench: Bench
    private(set) var model = CrashModel()

    private struct Crashed: Error {}
    private struct Stuck: Error {}

    init(_ disk: SimulatedFileSystem, _ bench: Bench) {
        self.disk = disk
        self.bench = bench
    }

    mutating func run(_ steps: [Step]) async {
        // A directory that cannot be made is what an operator sees to.
        guard var queue = try? (try? bench.open()) ?? bench.open() else { return }
        do {
            for step in steps {
                disk.whenCrashed { [weak queue, timer = bench.timer] in
                    queue?.abandon()
                    timer.release()
                }
                try await settle(queue)
                if case .reopen = step {
                    await queue.close()
                    if disk.hasCrashed { throw Crashed() }
                    model.acknowledged = model.stored
                    queue = try (try? bench.open()) ?? bench.open()
                } else {
                    try await perform(step, queue)
                }
            }
            try await settle(queue)
            model.isFinished = true
        } catch {}
        if disk.hasCrashed { queue.abandon() }
        await queue.close()
        if model.isFinished, !disk.hasCrashed { model.acknowledged = model.stored }
    }

    /// Waits until the queue's thread has nothing to do.
    private func settle(_ queue: Queue) async throws {
        if !disk.hasCrashed { await bench.timer.idle() }
        if disk.hasCrashed { throw Crashed() }
    }

    private mutating func perform(_ step: Step, _ queue: Queue) async throws {
        switch step {
        case .store(let count, let bytes, let source, let relief):
            try await store(count, bytes, source, relief, queue)
        case .forgetSource(let source):
            model.leavingSources.insert(source)
            try await store([], (source, nil), nil, queue)
            model.goneSources.insert(source)
        case .commit(let sink): try commit(sink, queue.end, queue)
        case .commitHalf(let sink):
            let from = model.sinks[sink]?.most ?? 0
            try commit(sink, from + (queue.end - min(from, queue.end)) / 2, queue)
        case .commitDurably(let sink):
            try commit(sink, queue.end, queue, durably: true)
            model.confirmCommit(of: sink)
        case .syncCommits:
            try twice { () throws(QueueError) in try queue.syncCommits() }
            for sink in model.sinks.keys { model.confirmCommit(of: sink) }
        case .tick: try await tick(queue)
        case .register(let sink, let quota, let onFull, let stateBytes):
            model.forgotten.remove(sink)
            let position = try twice { () throws(QueueError) in
                try queue.registerSink(sink, quota: quota, onFull: onFull)
            }
            if model.sinks[sink] == nil { model.sinks[sink] = CrashModel.Sink(most: position.offset) }
            model.sinks[sink]?.quota = quota
            model.sinks[sink]?.onFull = onFull
            model.sinks[sink]?.stateBytes = stateBytes
        case .forget(let sink):
            // From now on it may be there or not, at whatever offset.
            model.sinks[sink] = nil
            try twice { () throws(QueueError) in
                do throws(QueueError) { try queue.forgetSink(sink) } catch {
                    // The first attempt may have got that far.
                    if error != .unknownSink(sink) { throw error }
                }
            }
            model.forgotten.insert(sink)
        case .fillDisk(let rest): disk.setCapacity(disk.usedBytes + rest)
        case .reopen: break
        }
    }

    private func twice<Value>(_ body: () throws(QueueError) -> Value) throws(QueueError) -> Value {
        do { return try body() } catch {
            if disk.hasCrashed { throw error }
            disk.setCapacity(nil)
            return try body()
        }
    }

    private mutating func tick(_ queue: Queue) async throws {
        bench.timer.advance(by: .seconds(2))
        try await settle(queue)
        guard case .interval = bench.options.durability else { return }
        // A sync that failed is made good by a new segment, which may take another attempt.
        for _ in 0..<3 {
            bench.timer.advance(by: .seconds(60))
            try await settle(queue)
        }
        model.acknowledged = model.stored
    }

    private mutating func commit(_ sink: String, _ offset: UInt64, _ queue: Queue, durably: Bool = false) throws {
        guard let known = model.sinks[sink], offset >= known.most else { return }
        model.sinks[sink]?.most = offset
        model.sinks[sink]?.isUncertain = true
        try twice { () throws(QueueError) in
            try queue.commit(sink, offset: offset, state: known.state(offset), durably: durably)
        }
        model.sinks[sink]?.isUncertain = false
    }

    // MARK: - Storing

    private mutating func store(
        _ count: Int, _ bytes: Int, _ source: String, _ relief: String?, _ queue: Queue
    ) async throws {
        let first = model.handedOver.count
        let words = (first..<first + count).map { "\($0) " + String(repeating: "z", count: bytes) }
        model.handedOver += words.map { ($0, source) }
        let total = model.handedOver.count { $0.source == source }
        try await store(words, (source, Array("\(total)".utf8)), relief, queue)
        model.stored = model.handedOver.count
        if bench.options.durability == .sync { model.acknowledged = model.stored }
    }

    private mutating func store(
        _ words: [String], _ checkpoint: (key: String, value: [UInt8]?), _ relief: String?, _ queue: Queue
    ) async throws {
        let isDone = Mutex<Bool?>(nil)
        var seen = bench.timer.waits
        let storing = Task {
            do {
                try await queue.store(words, [checkpoint])
                isDone.withLock { $0 = true }
            } catch { isDone.withLock { $0 = false } }
        }
        // Whoever comes to no end is cancelled by the suite's time limit.
        while !disk.hasCrashed, !Task.isCancelled {
            await bench.timer.idle(after: seen)
            if disk.hasCrashed || isDone.withLock({ $0 }) != nil { break }
            seen = bench.timer.waits
            // With nothing to relieve, the task is about to see that its events are stored.
            if try !relieve(relief, queue) {
                seen -= 1
                await Task.yield()
            }
        }
        if disk.hasCrashed { await storing.value }
        guard isDone.withLock({ $0 }) != nil else {
            queue.abandon()
            throw Stuck()
        }
        await storing.value
        guard isDone.withLock({ $0 }) == true else { throw Crashed() }
    }

    /// Ends what sources wait for: a sink commits, or the disk has room again, and time passes.
    /// - Returns: whether they were waiting.
    private mutating func relieve(_ sink: String?, _ queue: Queue) throws -> Bool {
        switch queue.status.state {
        case .full, .sinkFull:
            guard let sink else { return false }
            model.waits += 1
            if model.sinks[sink]?.most == queue.end {
                // The queue has yet to let go of what is done with, and a call that failed is tried again in time.
                bench.timer.advance(by: .seconds(60))
            } else {
                try commit(sink, queue.end, queue)
            }
        case .diskFull, .diskLow, .failed:
            model.waits += 1
            disk.setCapacity(nil)
            bench.timer.advance(by: .seconds(60))
        case .ok, .closed: return false
        }
        return true
    }
}
