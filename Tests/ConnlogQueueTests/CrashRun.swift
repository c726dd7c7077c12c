import ConnlogQueue
import ConnlogSystem
import ConnlogTestSupport
import Synchronization

/// One step of a workload.
enum Step: Sendable {
    /// Stores this many events of about this many bytes in one batch, with a checkpoint that says how many there are.
    case store(Int, bytes: Int = 100)
    /// The sink commits everything up to the end.
    case commit(String)
    /// The sink commits half of what it has not committed.
    case commitHalf(String)
    case syncCommits
    /// Time passes until commits are due.
    case tick
    /// Ends and opens again.
    case reopen
    case register(String)
}

/// What must be true of the queue, whatever happens to it.
private struct Model: Sendable {
    var handedOver: [String] = []
    var acknowledged = 0
    /// By sink: the offset that is on disk for sure, and the greatest one that may be.
    var commits: [String: (least: UInt64, most: UInt64)] = [:]
}

/// Runs a workload on a simulated disk that goes wrong at one call, and says what is not as promised afterwards.
struct CrashRun {
    let steps: [Step]
    var broken: [SimulatedFileSystem.Broken] = []
    var options = QueueOptions(
        queueBytesMax: 1 << 20, segmentBytes: 1500, bufferBytes: 64 << 10)

    /// How many calls the workload makes when nothing goes wrong.
    func calls() async -> Int {
        let disk = SimulatedFileSystem()
        _ = await run(on: disk)
        return disk.calls
    }

    /// Crashes at the call, restarts with each seed, and looks.
    func crash(atCall call: Int, seeds: [UInt64]) async -> [String] {
        let disk = SimulatedFileSystem()
        for rule in broken { disk.breakRule(rule) }
        disk.fail(.crash, atCall: call)
        let model = await run(on: disk)
        var failures: [String] = []
        for seed in seeds {
            let found = await check(disk.restarted(seed: seed), model)
            failures += found.map { "crash at call \(call), seed \(seed): \($0)" }
        }
        return failures
    }

    /// Crashes at the call, then crashes again at each call of the recovery.
    func crashTwice(atCall call: Int, seed: UInt64) async -> [String] {
        let disk = SimulatedFileSystem()
        disk.fail(.crash, atCall: call)
        let model = await run(on: disk)
        var failures: [String] = []
        for second in 1...60 {
            let restarted = disk.restarted(seed: seed)
            restarted.fail(.crash, atCall: second)
            if let queue = try? Bench(restarted, options).open() {
                queue.abandon()
                await queue.close()
            }
            guard restarted.hasCrashed else { break }
            let found = await check(restarted.restarted(seed: seed &+ UInt64(second)), model)
            failures += found.map { "crash at call \(call), then \(second) of recovery, seed \(seed): \($0)" }
        }
        return failures
    }

    // MARK: - Running

    private func run(on disk: SimulatedFileSystem) async -> Model {
        var model = Model()
        var bench = Bench(disk, options)
        bench.options = options
        let holder = Mutex<Queue?>(nil)
        guard var queue = try? bench.open() else { return model }
        holder.withLock { $0 = queue }
        do {
            for step in steps {
                try stopIfCrashed(disk, queue)
                if case .reopen = step {
                    await queue.close()
                    queue = try bench.open()
                } else {
                    disk.whenCrashed { [weak queue] in queue?.abandon() }
                    try await perform(step, queue, bench, &model)
                }
            }
        } catch {}
        if disk.hasCrashed { queue.abandon() }
        await queue.close()
        return model
    }

    private struct Crashed: Error {}

    private func stopIfCrashed(_ disk: SimulatedFileSystem, _ queue: Queue) throws {
        if disk.hasCrashed { throw Crashed() }
    }

    private func perform(_ step: Step, _ queue: Queue, _ bench: Bench, _ model: inout Model) async throws {
        switch step {
        case .store(let count, let bytes):
            let first = model.handedOver.count
            let words = (first..<first + count).map { "\($0) " + String(repeating: "z", count: bytes) }
            model.handedOver += words
            let total = model.handedOver.count
            try await queue.store(words, [("source", Array("\(total)".utf8))])
            model.acknowledged = total
        case .commit(let sink): try commit(sink, queue.end, queue, &model)
        case .commitHalf(let sink):
            let from = model.commits[sink]?.most ?? 0
            try commit(sink, from + (queue.end - from) / 2, queue, &model)
        case .syncCommits:
            try queue.syncCommits()
            for (sink, commit) in model.commits { model.commits[sink] = (commit.most, commit.most) }
        case .tick: bench.timer.advance(by: .seconds(2))
        case .register(let sink):
            let position = try queue.registerSink(sink, quota: nil, onFull: .block)
            if position.isNew { model.commits[sink] = (0, position.offset) }
        case .reopen: break
        }
    }

    private func commit(_ sink: String, _ offset: UInt64, _ queue: Queue, _ model: inout Model) throws {
        let least = model.commits[sink]?.least ?? 0
        model.commits[sink] = (least, offset)
        try queue.commit(sink, offset: offset, state: Array("\(offset)".utf8))
    }

    // MARK: - Looking

    private func check(_ disk: SimulatedFileSystem, _ model: Model) async -> [String] {
        var bench = Bench(disk, options)
        bench.options = options
        do {
            let queue = try bench.open()
            var failures = try contents(queue, model)
            try await queue.store(["after"], [])
            for sink in model.commits.keys where try queue.readAll(sink).last != "after" {
                failures.append("an event stored after the crash is not read by \(sink)")
            }
            for sink in queue.status.sinks { try queue.commit(sink.name, offset: queue.end) }
            await queue.close()
            let again = try bench.open()
            if again.end != queue.end { failures.append("the end was \(queue.end) and is \(again.end)") }
            await again.close()
            return failures + leftovers(disk, model)
        } catch { return ["\(error)"] }
    }

    private func contents(_ queue: Queue, _ model: Model) throws -> [String] {
        var failures: [String] = []
        let end = Int(queue.end)
        if end < model.acknowledged { failures.append("\(model.acknowledged) were acknowledged, \(end) are there") }
        if end > model.handedOver.count {
            failures.append("\(end) are there, \(model.handedOver.count) were handed over")
        }
        let source = queue.checkpoints["source"].map { String(decoding: $0, as: UTF8.self) } ?? "0"
        if source != "\(end)" { failures.append("the checkpoint says \(source), the events end at \(end)") }
        for (sink, commit) in model.commits {
            let position = try queue.registerSink(sink, quota: nil, onFull: .block)
            if position.offset < commit.least || position.offset > max(commit.most, commit.least) {
                failures.append("\(sink) is at \(position.offset), committed \(commit)")
            }
            let state = String(decoding: position.state, as: UTF8.self)
            if sink == "a", (state.isEmpty ? "0" : state) != "\(position.offset)" {
                failures.append("\(sink) is at \(position.offset) with the state of '\(state)'")
            }
            let texts = try queue.readAll(sink)
            let expected = model.handedOver.prefix(end).dropFirst(Int(position.offset))
            if texts != Array(expected) {
                failures.append(
                    "\(sink) at \(position.offset) reads \(texts.count) of \(expected.count) events up to \(end)")
            }
        }
        if !queue.report.damage.allSatisfy({ $0.kind == .tornTail }) || queue.status.damagedEvents > 0 {
            failures.append("damage: \(queue.report.damage) \(queue.status.recentDamage)")
        }
        return failures
    }

    private func leftovers(_ disk: SimulatedFileSystem, _ model: Model) -> [String] {
        let names = disk.names.filter { !$0.hasPrefix("/q/quarantine/") }
        let segments = names.filter { $0.hasSuffix(".seg") }
        var failures: [String] = []
        if !model.commits.isEmpty, segments.count > 2 { failures.append("segments left behind: \(segments)") }
        if names.contains(where: { $0.hasSuffix(".tmp") }) { failures.append("files left behind: \(names)") }
        return failures
    }
}

extension Bench {
    init(_ disk: SimulatedFileSystem, _ options: QueueOptions) {
        self.init(disk)
        self.options = options
    }
}

/// The workloads that every crash point is tried in.
enum Workload: String, CaseIterable, Sendable {
    case appends, rolls, commits, recycling, reopening

    var steps: [Step] {
        switch self {
        case .appends: [.register("a"), .store(1), .store(3), .store(2, bytes: 600), .store(5, bytes: 10)]
        case .rolls:
            [.register("a")] + Array(repeating: .store(4, bytes: 300), count: 6) + [.store(1, bytes: 4000), .store(1)]
        case .commits:
            [
                .register("a"), .register("b"), .store(3), .commit("a"), .store(3), .commitHalf("b"), .syncCommits,
                .commit("b"), .commit("a"), .commit("b"), .store(2), .commit("a"), .syncCommits, .commitHalf("b"),
            ]
        case .recycling:
            [.register("a")]
                + (0..<8).flatMap { _ -> [Step] in [.store(3, bytes: 300), .commit("a"), .tick, .store(1, bytes: 500)] }
        case .reopening:
            [
                .register("a"), .store(2), .reopen, .register("a"), .store(3, bytes: 700), .commitHalf("a"), .reopen,
                .register("a"), .register("b"), .reopen, .reopen, .register("a"), .register("b"), .store(2),
                .commit("a"),
                .commit("b"), .store(1, bytes: 2000), .reopen,
            ]
        }
    }
}
