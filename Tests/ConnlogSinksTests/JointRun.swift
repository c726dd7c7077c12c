import ConnlogCore
import ConnlogDelivery
import ConnlogQueue
import ConnlogSinks
import ConnlogSystem
import ConnlogTestSupport

/// What a source, the queue, a delivery and the file sink do together, all on one disk.
struct JointWork: Sendable {
    enum Step: Sendable {
        /// The source stores so many events, and the sink writes them.
        case store(Int)
        /// Time passes until what was written is committed.
        case commit
        /// Time passes until the queue has brought its commits to the disk.
        case tick
        /// Time passes until the file is due to change.
        case nextHour
        /// The process ends in order, and another one begins.
        case restart
    }

    var steps: [Step] = [
        .store(3), .store(1), .commit, .store(4), .nextHour, .store(2), .commit, .tick, .store(9), .restart, .store(3),
        .commit, .nextHour, .store(1), .tick, .store(5), .commit, .tick,
    ]
    var compresses = false

    var events: Int {
        steps.reduce(0) { sum, step in
            if case .store(let count) = step { sum + count } else { sum }
        }
    }

    /// Some four lines are a file, and some five are a segment.
    private static let rotateBytes = 2500
    private static let queueOptions = QueueOptions(
        queueBytesMax: 1 << 20, segmentBytes: 3000, bufferBytes: 64 << 10, freeBytesMin: 0)

    /// Begins a process.
    func process(
        on disk: SimulatedFileSystem, _ time: StillTime, clock: any Clock<Duration>, _ said: Said
    ) throws(QueueError) -> JointProcess {
        let timer = ManualTimer()
        let queue = try Queue.open(
            "/data/queue", JointWork.queueOptions, fileSystem: disk, clock: time, timer: timer)
        let position: SinkPosition
        do throws(QueueError) {
            position = try queue.registerSink("local", quota: nil, onFull: .block)
        } catch {
            queue.abandon()
            throw error
        }
        let options = FileSinkOptions(
            path: FileRun.path, rotateBytes: JointWork.rotateBytes, rotateEvery: 3600 * 1_000_000_000, keep: 0,
            compresses: compresses)
        let delivery = Delivery(
            name: "local", sink: FileSink(options, disk: disk, clock: time, log: said.log), queue: queue,
            position: position, options: Delivery.Options(deadLetterDirectory: "/data/queue/dead-letter/local"),
            fileSystem: disk, clock: clock, wallTime: time, log: said.log)
        return JointProcess(queue: queue, timer: timer, delivery: delivery)
    }
}

struct JointProcess: Sendable {
    let queue: Queue
    let timer: ManualTimer
    let delivery: Delivery

    /// The machine has stopped, or the process was killed: nobody does another thing.
    @Sendable func die() {
        queue.abandon()
        timer.release()
        delivery.stop()
    }

    /// Something waits for time to pass until it tries again.
    var isInTrouble: Bool {
        switch delivery.status.state {
        case .retrying, .holding: return true
        case .starting, .working, .stopped: break
        }
        switch queue.status.state {
        case .diskFull, .diskLow, .failed: return true
        case .ok, .full, .sinkFull, .closed: return false
        }
    }
}

/// Does the work on a disk that may go wrong, and keeps account of what the source was told.
///
/// A step begins when the one before has come to rest, so the calls to the disk come in the same order each time, as far
/// as one thread makes them.
struct JointRun {
    let work: JointWork
    let disk: SimulatedFileSystem
    let time = StillTime()
    let said = Said()
    private let clock = HandClock()
    private(set) var handedOver = 0
    /// What the source was told is on disk.
    private(set) var stored = 0
    /// It has come to its end, with everything written and committed.
    private(set) var isFinished = false

    private struct Over: Error {}

    init(_ work: JointWork, on disk: SimulatedFileSystem) {
        self.work = work
        self.disk = disk
    }

    mutating func run() async {
        var steps = work.steps[...]
        while let process = start() {
            let running = Task { await process.delivery.run() }
            let goesOn = await perform(&steps, process) && !disk.hasCrashed
            if goesOn { process.delivery.drain() } else { process.die() }
            await end(process)
            await running.value
            await process.queue.close()
            if !goesOn || disk.hasCrashed { return }
        }
    }

    /// What cannot be opened is opened again, as somebody does who is told so.
    private func start() -> JointProcess? {
        for _ in 0..<3 where !disk.hasCrashed {
            guard let process = try? work.process(on: disk, time, clock: clock, said) else { continue }
            disk.whenCrashed(process.die)
            return process
        }
        return nil
    }

    /// - Returns: whether another process is to do the rest.
    private mutating func perform(_ steps: inout ArraySlice<JointWork.Step>, _ process: JointProcess) async -> Bool {
        do {
            while let step = steps.popFirst() {
                if case .restart = step { return true }
                try await perform(step, process)
            }
            try await wait(for: process, letting: .seconds(1)) { process.isAllCommitted }
            isFinished = true
        } catch {}
        return false
    }

    private mutating func perform(_ step: JointWork.Step, _ process: JointProcess) async throws {
        switch step {
        case .store(let count): try await store(count, process)
        case .commit: try await wait(for: process, letting: .seconds(1)) { process.isAllCommitted }
        case .tick:
            process.timer.advance(by: .seconds(2))
            await process.timer.idle()
        case .nextHour: time.advance(3600)
        case .restart: break
        }
    }

    private mutating func store(_ count: Int, _ process: JointProcess) async throws {
        let first = handedOver
        handedOver += count
        let delivered = process.delivery.status.delivered
        try await process.queue.enqueue(
            TestEvents.batch(first..<handedOver), checkpoints: [("source", Array("\(handedOver)".utf8))])
        let end = UInt64(handedOver)
        try await wait(for: process) { process.queue.end >= end }
        stored = handedOver
        try await wait(for: process) { process.delivery.status.delivered >= delivered + count }
        await process.timer.idle()
    }

    /// Returns when `isDone`. Time passes when something is wrong, or else at the pace of `letting`.
    private func wait(
        for process: JointProcess, letting pace: Duration = .zero, _ isDone: () -> Bool
    ) async throws {
        while !Task.isCancelled {
            if disk.hasCrashed { throw Over() }
            if isDone() { return }
            pass(pace, process)
            await Task.yield()
        }
        throw Over()
    }

    private func pass(_ pace: Duration, _ process: JointProcess) {
        if process.isInTrouble {
            clock.advance(by: .seconds(60))
            process.timer.advance(by: .seconds(60))
        } else if pace > .zero {
            clock.advance(by: pace)
        }
    }

    /// Waits until the delivery has ended.
    private func end(_ process: JointProcess) async {
        while !Task.isCancelled {
            if process.delivery.status.state == .stopped { return }
            pass(.zero, process)
            await Task.yield()
        }
        process.die()
    }
}

extension JointProcess {
    fileprivate var isAllCommitted: Bool { delivery.status.committed == queue.end }
}

// MARK: - Afterwards

extension JointRun {
    /// Another process finds the disk as it is now, takes what is missing from its source, and delivers everything.
    /// - Returns: what is not as promised then.
    func differences(on disk: SimulatedFileSystem) async -> [String] {
        do {
            let process = try work.process(on: disk, time, clock: InstantClock(), said)
            var failures: [String] = []
            let found = Int(process.queue.end)
            if found < stored || found > handedOver {
                failures.append("\(found) events are there, \(stored) were stored and \(handedOver) handed over")
            }
            if found < work.events {
                try await process.queue.enqueue(TestEvents.batch(found..<work.events))
                try await process.queue.flush()
            }
            process.delivery.drain()
            await process.delivery.run()
            if !process.isAllCommitted { failures.append("committed: \(process.delivery.status.committed)") }
            await process.queue.close()
            return failures + (try fileDifferences(disk))
        } catch { return ["\(error)"] }
    }

    /// As `differences`, but the machine stops at the call.
    /// - Returns: `false` if there is no such call.
    func recover(on disk: SimulatedFileSystem, stoppingAt call: Int) async -> Bool {
        disk.fail(.crash, atCall: call)
        guard let process = try? work.process(on: disk, time, clock: InstantClock(), said) else {
            return disk.hasCrashed
        }
        disk.whenCrashed(process.die)
        if disk.hasCrashed { process.die() }
        process.delivery.drain()
        await process.delivery.run()
        process.die()
        await process.queue.close()
        return disk.hasCrashed
    }

    private func fileDifferences(_ disk: SimulatedFileSystem) throws -> [String] {
        let lines = try FileRun.lines(disk.files)
        let expected = (0..<work.events).map { TestEvents.line($0) }
        var failures: [String] = []
        if lines != expected {
            let numbers = lines.map { TestEvents.number($0).map(String.init) ?? "?" }
            failures.append("the files hold \(numbers.joined(separator: " "))")
        }
        let unfinished = disk.names.filter { $0.hasPrefix("/log/") && $0.hasSuffix(".tmp") }
        if !unfinished.isEmpty { failures.append("left behind: \(unfinished)") }
        return failures
    }
}
