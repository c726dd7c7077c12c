import ConnlogQueue
import ConnlogSystem
import ConnlogTestSupport
import Synchronization

/// Runs a workload on a simulated disk that goes wrong at one call, and says what is not as promised afterwards.
struct CrashRun {
    let steps: [Step]
    let options: QueueOptions
    /// What lies between the queue and the disk.
    var wrap: @Sendable (SimulatedFileSystem) -> any FileSystem = { $0 }

    init(_ workload: Workload) {
        steps = workload.steps
        options = workload.options
    }

    /// How many calls the workload makes when nothing goes wrong, and how often sources had to wait.
    func calls() async -> (calls: Int, waits: Int) {
        let disk = SimulatedFileSystem()
        let model = await run(on: disk)
        return (disk.calls, model.waits)
    }

    /// Crashes at the call, restarts with each seed, and looks.
    func crash(atCall call: Int, seeds: [UInt64]) async -> [String] {
        let disk = SimulatedFileSystem(seed: UInt64(call))
        disk.fail(.crash, atCall: call)
        let model = await run(on: disk)
        var failures: [String] = []
        for seed in seeds {
            let found = await check(disk.restarted(seed: seed), model)
            failures += found.map { "crash at call \(call), seed \(seed): \($0)" }
        }
        return failures
    }

    /// The process is killed at the call; the machine goes on.
    func kill(atCall call: Int) async -> [String] {
        let disk = SimulatedFileSystem(seed: UInt64(call))
        disk.fail(.crash, atCall: call)
        var model = await run(on: disk)
        // Whatever the kernel was told is there.
        model.acknowledged = model.stored
        for (sink, known) in model.sinks where !known.isUncertain { model.sinks[sink]?.least = known.most }
        return await check(disk.killed(), model).map { "killed at call \(call): \($0)" }
    }

    /// Crashes at the call, then crashes again at each call of the recovery.
    func crashTwice(atCall call: Int, seed: UInt64) async -> [String] {
        let disk = SimulatedFileSystem(seed: seed)
        disk.fail(.crash, atCall: call)
        let model = await run(on: disk)
        var failures: [String] = []
        let missing = await recover(disk.restarted(seed: seed))
        var second = 1
        while true {
            let restarted = disk.restarted(seed: seed)
            restarted.fail(.crash, atCall: second)
            _ = await recover(restarted)
            guard restarted.hasCrashed else { return failures }
            let found = await check(restarted.restarted(seed: seed &+ UInt64(second)), model, missingBefore: missing)
            failures += found.map { "crash at call \(call), then \(second) of recovery, seed \(seed): \($0)" }
            second += 1
        }
    }

    /// Opens the queue, as far as that gets.
    /// - Returns: how many events after the end of the log a sink had committed.
    private func recover(_ disk: SimulatedFileSystem) async -> UInt64 {
        guard let queue = try? Bench(disk, options).open() else { return 0 }
        queue.abandon()
        await queue.close()
        return queue.report.missingEvents
    }

    /// A call fails; the workload goes on to its end; then the power fails.
    /// - Returns: `nil` when the workload makes no such call.
    func fail(_ fault: SimulatedFileSystem.Fault, atCall call: Int, seeds: [UInt64]) async -> [String]? {
        let disk = SimulatedFileSystem(seed: UInt64(call))
        disk.fail(fault, atCall: call)
        let model = await run(on: disk)
        guard disk.calls >= call else { return nil }
        let place = "\(fault) at call \(disk.trace[call - 1])"
        guard model.isFinished else { return ["\(place): the workload did not come to its end"] }
        var failures: [String] = []
        for seed in seeds {
            failures += await check(disk.restarted(seed: seed), model).map { "\(place), seed \(seed): \($0)" }
        }
        return failures
    }

    private func run(on disk: SimulatedFileSystem) async -> CrashModel {
        var runner = WorkloadRunner(disk, Bench(wrap(disk), options))
        await runner.run(steps)
        return runner.model
    }

    // MARK: - Looking

    /// - Parameter missing: events that an earlier recovery has found missing, and may have gone on after.
    private func check(
        _ disk: SimulatedFileSystem, _ model: CrashModel, missingBefore missing: UInt64 = 0
    ) async -> [String] {
        let bench = Bench(disk, options)
        do {
            let queue = try bench.open()
            let isKnown = queue.report.missingEvents == 0 && queue.end >= missing
            var failures = try model.differences(
                queue, missing: isKnown ? missing : queue.report.missingEvents, isStrict: options.durability == .sync)
            failures += await store("after", queue, bench.timer)
            for sink in queue.status.sinks where try queue.readAll(sink.name).last != "after" {
                failures.append("an event stored after the crash is not read by \(sink.name)")
            }
            for sink in queue.status.sinks { try queue.commit(sink.name, offset: queue.end) }
            await queue.close()
            let again = try bench.open()
            if again.end != queue.end { failures.append("the end was \(queue.end) and is \(again.end)") }
            await again.close()
            return failures + leftovers(disk, model)
        } catch { return ["\(error)"] }
    }

    /// Stores one more event; sinks that keep the queue full commit.
    private func store(_ text: String, _ queue: Queue, _ timer: ManualTimer) async -> [String] {
        let isDone = Mutex(false)
        var seen = timer.waits
        let storing = Task {
            try? await queue.store([text])
            isDone.withLock { $0 = true }
        }
        // Whoever comes to no end is cancelled by the suite's time limit.
        while !Task.isCancelled {
            await timer.idle(after: seen)
            if isDone.withLock({ $0 }) { break }
            seen = timer.waits
            switch queue.status.state {
            case .full, .sinkFull:
                for sink in queue.status.sinks { try? queue.commit(sink.name, offset: queue.end) }
            default:
                seen -= 1
                await Task.yield()
            }
        }
        guard isDone.withLock({ $0 }) else {
            queue.abandon()
            return ["no event can be stored after the crash: \(queue.status.state)"]
        }
        await storing.value
        return []
    }

    private func leftovers(_ disk: SimulatedFileSystem, _ model: CrashModel) -> [String] {
        let names = disk.names.filter { !$0.hasPrefix("/q/quarantine/") }
        let segments = names.filter { $0.hasSuffix(".seg") }
        var failures: [String] = []
        if !model.sinks.isEmpty, segments.count > 2 { failures.append("segments left behind: \(segments)") }
        let known = Set(segments + ["/q/offsets", "/q/lock"])
        if !known.isSuperset(of: names) { failures.append("files left behind: \(names)") }
        return failures
    }
}
