import ConnlogConfig
import ConnlogCore
import ConnlogDelivery
import ConnlogQueue
import Synchronization

/// The sinks: those that the configuration wants, and those at work. `settle` brings the ones to the others.
///
/// A sink that is no longer wanted as it is finishes what it has in hand, commits, and ends. Only then does its successor
/// begin, from there, so nothing is lost and nothing comes twice. One whose end takes long, since its receiver hangs,
/// holds up only its own successor and one that would write the same file.
actor SinkSet {
    private enum Work {
        case none
        case working(RunningSink)
        /// Asked to end, for a successor or for good.
        case ending(RunningSink)
        /// Came to its end because everything does.
        case over(RunningSink)

        var running: RunningSink? {
            switch self {
            case .working(let sink), .ending(let sink): sink
            case .none, .over: nil
            }
        }
    }

    private struct Slot {
        let name: String
        var wanted: ConfiguredSink?
        var work = Work.none
        /// What its predecessors in this process did.
        var past = DeliveryStatus()
        /// Where it was when it was registered.
        var registeredAt: UInt64
    }

    /// How a sink is, for whoever looks on.
    struct Shown: Sendable {
        let name: String
        let type: String
        let status: DeliveryStatus
        let committed: UInt64
        /// Everything before it is done with, whether that is stored or not.
        let done: UInt64
        /// What the sink counts itself, when it is wanted.
        let figures: @Sendable () -> [SinkFigure]
        /// It has events and does not get on: for how long, and what it waits for.
        var stuck: String?
    }

    /// A sink at work, for the watchdog.
    struct Watched: Sendable {
        let name: String
        let vitals: DeliveryVitals
        /// How long its receiver may take to answer.
        let patience: Duration
    }

    private let queue: Queue
    private let log: LogFunction
    private var settings: Settings
    private var slots: [Slot] = []
    private var isDraining = false
    private var isStopping = false
    private(set) var hasFailed = false
    private var waiters: [CheckedContinuation<Void, Never>] = []
    private nonisolated let looks = Mutex<[@Sendable () -> Shown]>([])
    private nonisolated let atWork = Mutex<[Watched]>([])
    /// What the watchdog has found.
    nonisolated let stuck = StuckBoard()

    init(_ queue: Queue, _ settings: Settings, log: @escaping LogFunction) {
        self.queue = queue
        self.settings = settings
        self.log = log
    }

    /// All that are wanted, and how they are now. Never waits.
    nonisolated var shown: [Shown] { looks.withLock { $0 }.map { $0() } }

    /// Those at work, also those that are to end. Never waits.
    nonisolated var watched: [Watched] { atWork.withLock { $0 } }

    // MARK: - What is wanted

    func apply(_ wanted: [ConfiguredSink], _ settings: Settings) {
        self.settings = settings
        let names = Set(wanted.map(\.name))
        for index in slots.indices where !names.contains(slots[index].name) { slots[index].wanted = nil }
        for sink in wanted { want(sink) }
        settle()
    }

    private func want(_ sink: ConfiguredSink) {
        let position = sink.register(queue, log)
        guard let index = slots.firstIndex(where: { $0.name == sink.name }) else {
            slots.append(Slot(name: sink.name, wanted: sink, registeredAt: position?.offset ?? 0))
            return
        }
        slots[index].wanted = sink
    }

    /// SIGHUP: files are opened anew, credentials read again, and a pause ends.
    func reopen() {
        for slot in slots { if case .working(let sink) = slot.work { sink.delivery.reopen() } }
    }

    // MARK: - The end

    /// No more events will come: each ends once it has delivered everything.
    func drain() {
        isDraining = true
        for slot in slots { slot.work.running?.delivery.drain() }
        wakeIfOver()
    }

    /// All end soon; what is not delivered stays in the queue.
    func stop() {
        isStopping = true
        for slot in slots { slot.work.running?.delivery.stop() }
        wakeIfOver()
    }

    /// Ends what does not listen.
    func cancel() {
        for slot in slots { slot.work.running?.task.cancel() }
    }

    /// Returns when all have ended after `drain` or `stop`.
    func waitUntilOver() async {
        if isOver { return }
        await withCheckedContinuation { waiters.append($0) }
    }

    private var isOver: Bool {
        guard isDraining || isStopping else { return false }
        return slots.allSatisfy { slot in
            slot.work.running == nil && (isStopping || !isWaiting(slot))
        }
    }

    private func isWaiting(_ slot: Slot) -> Bool {
        if case .none = slot.work { slot.wanted != nil } else { false }
    }

    private func wakeIfOver() {
        guard isOver else { return }
        for waiter in waiters { waiter.resume() }
        waiters = []
    }

    // MARK: - Settling

    private func settle() {
        for index in slots.indices {
            guard case .working(let sink) = slots[index].work else { continue }
            if let wanted = slots[index].wanted, wanted.isSame(as: sink.made) { continue }
            end(index, sink)
        }
        for index in slots.indices where isWaiting(slots[index]) && !isStopping { startIfFree(index) }
        slots.removeAll { slot in
            if case .none = slot.work { slot.wanted == nil } else { false }
        }
        show()
        wakeIfOver()
    }

    private func startIfFree(_ index: Int) {
        guard let wanted = slots[index].wanted else { return }
        let isTaken = slots.contains { $0.work.running?.made.file == wanted.file }
        if wanted.file != nil, isTaken { return }
        guard let position = wanted.register(queue, log) else {
            hasFailed = true
            slots[index].wanted = nil
            return
        }
        let running = wanted.start(queue, from: position, settings, past: slots[index].past, of: slots.count, log)
        slots[index].work = .working(running)
        if isDraining { running.delivery.drain() }
        let name = wanted.name
        Task {
            await running.task.value
            self.ended(name, running)
        }
    }

    private func end(_ index: Int, _ sink: RunningSink) {
        let name = slots[index].name
        let isForGood = slots[index].wanted == nil
        log(.info, "sink \(name): \(isForGood ? "no longer configured" : "changed"); it finishes what it has in hand")
        slots[index].work = .ending(sink)
        sink.delivery.finish()
        let limit = settings.shutdownTimeout
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
        slots.contains { $0.name == name && $0.work.running?.delivery === sink.delivery }
    }

    private func ended(_ name: String, _ sink: RunningSink) {
        guard let index = slots.firstIndex(where: { $0.name == name }) else { return }
        slots[index].past = sink.delivery.status
        guard case .ending = slots[index].work else {
            slots[index].work = .over(sink)
            return wakeIfOver()
        }
        slots[index].work = .none
        slots[index].registeredAt = sink.delivery.status.committed
        if slots[index].wanted == nil { letGo(name, sink.delivery.status.committed) }
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
        let watched = slots.compactMap { slot in
            slot.work.running.map {
                Watched(name: slot.name, vitals: $0.delivery.vitals, patience: $0.made.patience)
            }
        }
        atWork.withLock { $0 = watched }
        let looks = slots.filter { $0.wanted != nil }.map { slot -> @Sendable () -> Shown in
            let (name, past, offset) = (slot.name, slot.past, slot.registeredAt)
            let type = slot.wanted?.section.type ?? ""
            let delivery: Delivery? =
                switch slot.work {
                case .none: nil
                case .working(let sink), .ending(let sink), .over(let sink): sink.delivery
                }
            return {
                let status = delivery?.status
                return Shown(
                    name: name, type: type, status: status ?? past, committed: status?.committed ?? offset,
                    done: status?.done ?? offset,
                    figures: { delivery?.figures ?? [] }, stuck: stuck.words(.sink, name))
            }
        }
        self.looks.withLock { $0 = looks }
    }
}
