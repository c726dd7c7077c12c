import ConnlogCore
import ConnlogDelivery
import ConnlogQueue
import Synchronization

/// The sinks: those that are wanted, and those at work. `settle` brings the ones to the others.
///
/// A sink that is no longer wanted as it is finishes what it has in hand, commits, and ends. Only then does its successor
/// begin, from there, so nothing is lost and nothing comes twice. One whose end takes long, since its receiver hangs,
/// holds up only its own successor and one that would write the same file.
package actor SinkSet {
    /// What came before under a name.
    private struct Past {
        /// What its predecessors in this process did.
        var status = DeliveryStatus()
        /// Where it was when it was registered.
        var registeredAt: UInt64
    }

    private typealias Slots = Supervised<RunningSink, Past>

    /// A sink at work, for the watchdog.
    struct Watched: Sendable {
        let name: String
        let vitals: DeliveryVitals
        /// How long its receiver may take to answer.
        let patience: Duration
    }

    private let queue: Queue
    private let directory: String
    private let log: LogFunction
    private let shutdown: Shutdown
    private var parts = Slots()
    private var isDraining = false
    private var isStopping = false
    /// All have ended, and the queue is about to close.
    private var isClosed = false
    package private(set) var hasFailed = false
    private nonisolated let looks = Mutex<[@Sendable () -> PipelineStatus.Sink]>([])
    private nonisolated let atWork = Mutex<[Watched]>([])
    /// What the watchdog has found.
    nonisolated let stuck = StuckBoard()

    /// - Parameters:
    ///   - directory: for dead letters.
    ///   - shutdown: how long one that is replaced may go on with what it has in hand.
    init(_ queue: Queue, deadLettersIn directory: String, _ shutdown: Shutdown, log: @escaping LogFunction) {
        self.queue = queue
        self.directory = directory
        self.shutdown = shutdown
        self.log = log
    }

    /// All that are wanted, and how they are now. Never waits.
    package nonisolated var shown: [PipelineStatus.Sink] { looks.withLock { $0 }.map { $0() } }

    /// Those at work, also those that are to end. Never waits.
    nonisolated var watched: [Watched] { atWork.withLock { $0 } }

    // MARK: - What is wanted

    func apply(_ wanted: [PlannedSink]) {
        if isClosed { return }
        parts.want(only: Set(wanted.map(\.name)))
        for sink in wanted { want(sink) }
        settle()
    }

    private func want(_ sink: PlannedSink) {
        let position = sink.register(queue, log)
        guard let index = parts.index(of: sink.name) else {
            let past = Past(registeredAt: position?.offset ?? 0)
            parts.slots.append(Slots.Slot(name: sink.name, wanted: sink, past: past))
            return
        }
        parts.slots[index].wanted = sink
    }

    /// SIGHUP: files are opened anew, credentials read again, and a pause ends.
    package func reopen() {
        for slot in parts.slots { if case .working(let sink) = slot.state { sink.delivery.reopen() } }
    }

    // MARK: - The end

    /// No more events will come: each ends once it has delivered everything.
    func drain() {
        isDraining = true
        for sink in parts.running { sink.delivery.drain() }
        wakeIfOver()
    }

    /// All end soon; what is not delivered stays in the queue.
    func stop() {
        isStopping = true
        for sink in parts.running { sink.delivery.stop() }
        wakeIfOver()
    }

    /// Ends what does not listen.
    func cancel() {
        for sink in parts.running { sink.task.cancel() }
    }

    /// Returns when all have ended after `drain` or `stop`.
    func waitUntilOver() async {
        if !isOver { await withCheckedContinuation { parts.add($0) } }
        isClosed = true
    }

    private var isOver: Bool {
        guard isDraining || isStopping else { return false }
        return parts.running.isEmpty && (isStopping || parts.idle.isEmpty)
    }

    private func wakeIfOver() {
        if isOver { parts.wake() }
    }

    // MARK: - Settling

    private func settle() {
        for (index, sink) in parts.outdated { end(index, sink) }
        for index in parts.idle where !isStopping { startIfFree(index) }
        parts.forgetUnwanted()
        show()
        wakeIfOver()
    }

    private func startIfFree(_ index: Int) {
        let slot = parts.slots[index]
        guard let wanted = slot.wanted else { return }
        if let file = wanted.ownFile, parts.running.contains(where: { $0.made.ownFile == file }) { return }
        guard let position = wanted.register(queue, log) else {
            hasFailed = true
            parts.slots[index].wanted = nil
            return
        }
        let running = wanted.start(
            queue, from: position, deadLettersIn: directory, past: slot.past.status, of: parts.slots.count, log)
        parts.slots[index].state = .working(running)
        if isDraining { running.delivery.drain() }
        Task {
            await running.task.value
            self.ended(wanted.name, running)
        }
    }

    private func end(_ index: Int, _ sink: RunningSink) {
        let name = sink.made.name
        let isForGood = parts.slots[index].wanted == nil
        log(.info, "sink \(name): \(isForGood ? "no longer configured" : "changed"); it finishes what it has in hand")
        parts.slots[index].state = .ending(sink)
        sink.delivery.finish()
        let limit = shutdown.timeout
        let log = log
        Task {
            try? await Task.sleep(for: limit)
            guard self.isEnding(name, sink) else { return }
            sink.delivery.stop()
            try? await Task.sleep(for: .seconds(1))
            guard self.isEnding(name, sink) else { return }
            sink.task.cancel()
            log(.warning, "sink \(name): it hangs, so what shall take its place waits until it has ended")
        }
    }

    private func isEnding(_ name: String, _ sink: RunningSink) -> Bool {
        parts.running.contains { $0.made.name == name && $0.delivery === sink.delivery }
    }

    private func ended(_ name: String, _ sink: RunningSink) {
        guard let index = parts.index(of: name) else { return }
        parts.slots[index].past.status = sink.delivery.status
        guard case .ending = parts.slots[index].state else {
            parts.slots[index].state = .over(sink, failed: false)
            return wakeIfOver()
        }
        parts.slots[index].state = .none
        parts.slots[index].past.registeredAt = sink.delivery.status.committed
        if parts.slots[index].wanted == nil { letGo(name, sink.delivery.status.committed) }
        settle()
    }

    /// A sink that is not configured any more keeps its place in the queue.
    private func letGo(_ name: String, _ committed: UInt64) {
        queue.retireSink(name)
        let waiting = queue.end - min(queue.end, committed)
        log(
            .warning,
            "sink \(name): no longer configured and stopped; its place in the queue is kept, with \(waiting) events; "
                + "'connlog queue forget-sink \(name)' lets go of them")
    }

    private func show() {
        let stuck = stuck
        let watched = parts.running.map {
            Watched(name: $0.made.name, vitals: $0.delivery.vitals, patience: $0.delivery.patience)
        }
        atWork.withLock { $0 = watched }
        let looks = parts.slots.compactMap { slot -> (@Sendable () -> PipelineStatus.Sink)? in
            guard let type = slot.wanted?.type else { return nil }
            let (name, past) = (slot.name, slot.past)
            let delivery = slot.state.latest?.delivery
            return {
                let status = delivery?.status
                return PipelineStatus.Sink(
                    name: name, type: type, status: status ?? past.status,
                    committed: status?.committed ?? past.registeredAt, done: status?.done ?? past.registeredAt,
                    stuck: stuck.words(.sink, name), look: { delivery?.figures ?? [] })
            }
        }
        self.looks.withLock { $0 = looks }
    }
}
