import ConnlogConfig
import ConnlogCore
import ConnlogQueue
import ConnlogSources
import Synchronization

/// The sources: those that the configuration wants, and those at work.
///
/// A source that is no longer wanted as it is stops reading; when what it has read is on disk, with its position, its
/// successor begins there.
actor SourceSet {
    private enum Work {
        case none
        case working(RunningSource)
        /// Asked to end, for a successor or for good.
        case ending(RunningSource)
        /// At its end, or failed.
        case over(failed: Bool)

        var running: RunningSource? {
            switch self {
            case .working(let source), .ending(let source): source
            case .none, .over: nil
            }
        }
    }

    private struct Slot {
        let name: String
        var wanted: ConfiguredSource?
        var work = Work.none
        /// What its predecessors in this process read.
        var past = SourceCounts()
        /// Waits for its end.
        var watch: Task<Void, Never>?
    }

    private let queue: Queue
    private let log: LogFunction
    private var slots: [Slot] = []
    /// Nothing is started any more.
    private var isStopping = false
    private(set) var hasFailed = false
    private var waiters: [CheckedContinuation<Void, Never>] = []
    private nonisolated let looks = Mutex<[@Sendable () -> Shown]>([])

    /// What a source has read, for whoever looks on.
    struct Shown: Sendable {
        let name: String
        let type: String
        let counts: SourceCounts
        /// It does not get on: for how long, and what it waits for.
        var stuck: String?
    }

    /// A source at work, for the watchdog.
    struct Watched: Sendable {
        let name: String
        let status: SourceStatus
        let output: SourceVitals
        /// It looks for more of its own accord.
        let comesRound: Bool
    }

    private nonisolated let atWork = Mutex<[Watched]>([])
    /// What the watchdog has found.
    nonisolated let stuck = StuckBoard()

    /// Those at work. Never waits.
    nonisolated var watched: [Watched] { atWork.withLock { $0 } }

    init(_ queue: Queue, log: @escaping LogFunction) {
        self.queue = queue
        self.log = log
    }

    /// All that are wanted, and what they have read. Never waits.
    nonisolated var shown: [Shown] { looks.withLock { $0 }.map { $0() } }

    /// What takes events that are handed in: of a source that stays as it was, the one at work.
    var intake: IngestSource? { slots.lazy.compactMap { $0.wanted?.source as? IngestSource }.first }

    /// What has failed is started again even if nothing has changed.
    func apply(_ wanted: [ConfiguredSource]) {
        let names = Set(wanted.map(\.name))
        for index in slots.indices where !names.contains(slots[index].name) { slots[index].wanted = nil }
        for source in wanted {
            guard let index = slots.firstIndex(where: { $0.name == source.name }) else {
                slots.append(Slot(name: source.name, wanted: source))
                continue
            }
            want(source, index)
        }
        settle()
    }

    private func want(_ source: ConfiguredSource, _ index: Int) {
        let isSame = slots[index].wanted.map { source.isSame(as: $0) } ?? false
        var hasFailed = false
        if case .over(let failed) = slots[index].work { hasFailed = failed }
        if isSame, !hasFailed { return }
        if source.isStandardInput, slots[index].work.running != nil {
            // What it has read of an unfinished line would be lost.
            log(.warning, "source \(source.name): standard input is read on as before; a change takes a restart")
            return
        }
        remember(index)
        slots[index].wanted = source
        if case .over = slots[index].work { slots[index].work = .none }
    }

    /// Adds what the one that is replaced has read.
    private func remember(_ index: Int) {
        guard slots[index].work.running == nil, let last = slots[index].wanted else { return }
        slots[index].past.add(last.status.counts)
    }

    /// What is read from any of them can be read again after a restart.
    var canReadAgain: Bool { slots.allSatisfy { $0.wanted?.isStandardInput != true } }

    /// All stop reading.
    func stop() {
        isStopping = true
        for slot in slots {
            slot.work.running?.task.cancel()
            slot.watch?.cancel()
        }
        wakeIfOver()
    }

    /// Returns when every source has come to its end, or was told to stop; from then on none is started.
    func waitUntilOver() async {
        if !isOver { await withCheckedContinuation { waiters.append($0) } }
        isStopping = true
    }

    private var isOver: Bool {
        slots.allSatisfy { slot in
            switch slot.work {
            case .working, .ending: false
            case .over: true
            case .none: isStopping || slot.wanted == nil
            }
        }
    }

    private func wakeIfOver() {
        guard isOver else { return }
        isStopping = true
        for waiter in waiters { waiter.resume() }
        waiters = []
    }

    private func settle() {
        for index in slots.indices {
            guard case .working(let source) = slots[index].work else { continue }
            if let wanted = slots[index].wanted, wanted.isSame(as: source.made) { continue }
            let isForGood = slots[index].wanted == nil
            log(
                .info,
                "source \(slots[index].name): \(isForGood ? "no longer configured" : "changed"); it stops reading")
            slots[index].work = .ending(source)
            source.task.cancel()
        }
        for index in slots.indices where !isStopping {
            if case .none = slots[index].work, let wanted = slots[index].wanted { start(wanted, index) }
        }
        slots.removeAll { slot in
            if case .none = slot.work { slot.wanted == nil } else { false }
        }
        show()
        wakeIfOver()
    }

    private func start(_ source: ConfiguredSource, _ index: Int) {
        let running = source.start(queue)
        slots[index].work = .working(running)
        let queue = queue
        slots[index].watch = Task {
            let failure = await running.task.value
            // A successor begins with what is on disk. Stopping ends this wait.
            if self.isEnding(running) { try? await queue.flush() }
            self.ended(running, failure)
        }
    }

    private func isEnding(_ source: RunningSource) -> Bool {
        slots.contains { slot in
            if case .ending = slot.work { slot.name == source.made.name } else { false }
        }
    }

    private func ended(_ source: RunningSource, _ failure: SourceError?) {
        guard let index = slots.firstIndex(where: { $0.name == source.made.name }) else { return }
        if let failure, !isStopping {
            log(
                .error,
                "source \(source.made.name) has stopped: \(failure); the others go on, and SIGHUP starts it again")
            hasFailed = true
        }
        if case .ending = slots[index].work {
            slots[index].past.add(source.made.status.counts)
            slots[index].work = .none
        } else {
            slots[index].work = .over(failed: failure != nil)
        }
        settle()
    }

    private func show() {
        let stuck = stuck
        let watched = slots.compactMap { slot in
            slot.work.running.map {
                Watched(
                    name: slot.name, status: $0.made.status, output: $0.vitals, comesRound: $0.made.comesRound)
            }
        }
        atWork.withLock { $0 = watched }
        let looks = slots.compactMap { slot -> (@Sendable () -> Shown)? in
            // While one is ending, it is the one that counts.
            guard let status = slot.work.running?.made.status ?? slot.wanted?.status else { return nil }
            let (name, past) = (slot.name, slot.past)
            let type = slot.wanted?.section.type ?? ""
            return {
                var counts = past
                counts.add(status.counts)
                counts.files = status.counts.files
                let words = stuck.words(.source, name) ?? stuck.words(.reading, name)
                return Shown(name: name, type: type, counts: counts, stuck: words)
            }
        }
        self.looks.withLock { $0 = looks }
    }
}
