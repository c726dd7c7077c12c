package import ConnlogCore
import ConnlogQueue
import Synchronization

/// The sources: those that are wanted, and those at work.
///
/// A source that is no longer wanted as it is stops reading; when what it has read is on disk, with its position, its
/// successor begins there.
package actor SourceSet {
    /// What its predecessors in this process read.
    private typealias Slots = Supervised<RunningSource, SourceCounts>

    /// A source at work, for the watchdog.
    struct Watched: Sendable {
        let name: String
        let status: SourceStatus
        let output: SourceVitals
        /// It looks for more of its own accord.
        let comesRound: Bool
    }

    private let queue: Queue
    private let log: LogFunction
    private var parts = Slots()
    /// Wait for the ends of those at work, by their names.
    private var watches: [String: Task<Void, Never>] = [:]
    /// Nothing is started any more.
    private var isStopping = false
    package private(set) var hasFailed = false
    private nonisolated let looks = Mutex<[@Sendable () -> PipelineStatus.Source]>([])
    private nonisolated let atWork = Mutex<[Watched]>([])
    /// What the watchdog has found.
    nonisolated let stuck = StuckBoard()

    init(_ queue: Queue, log: @escaping LogFunction) {
        self.queue = queue
        self.log = log
    }

    /// Those at work. Never waits.
    nonisolated var watched: [Watched] { atWork.withLock { $0 } }

    /// All that are wanted, and what they have read. Never waits.
    package nonisolated var shown: [PipelineStatus.Source] { looks.withLock { $0 }.map { $0() } }

    /// What takes events that are handed in: of a source that stays as it was, the one at work.
    package var intake: (any EventIntake)? { parts.slots.lazy.compactMap { $0.wanted?.intake }.first }

    /// What has failed is started again even if nothing has changed.
    func apply(_ wanted: [PlannedSource]) {
        parts.want(only: Set(wanted.map(\.name)))
        for source in wanted {
            guard let index = parts.index(of: source.name) else {
                parts.slots.append(Slots.Slot(name: source.name, wanted: source, past: SourceCounts()))
                continue
            }
            want(source, index)
        }
        settle()
    }

    private func want(_ source: PlannedSource, _ index: Int) {
        let slot = parts.slots[index]
        let isSame = slot.wanted.map { source.isSame(as: $0) } ?? false
        var hasFailed = false
        if case .over(_, let failed) = slot.state { hasFailed = failed }
        if isSame, !hasFailed { return }
        if let working = slot.state.running, !working.made.source.canReadAgain {
            // What it has read of an unfinished line would be lost.
            log(.warning, "source \(source.name): standard input is read on as before; a change takes a restart")
            return
        }
        // Adds what the one that is replaced has read.
        if slot.state.running == nil, let last = slot.wanted, last.status !== source.status {
            parts.slots[index].past.add(last.status.counts)
        }
        parts.slots[index].wanted = source
        if case .over = slot.state { parts.slots[index].state = .none }
    }

    /// What is read from any of them can be read again after a restart.
    var canReadAgain: Bool { parts.slots.allSatisfy { $0.wanted?.source.canReadAgain ?? true } }

    /// All stop reading.
    func stop() {
        isStopping = true
        for source in parts.running { source.task.cancel() }
        for watch in watches.values { watch.cancel() }
        wakeIfOver()
    }

    /// Returns when every source has come to its end, or was told to stop; from then on none is started.
    func waitUntilOver() async {
        if !isOver { await withCheckedContinuation { parts.add($0) } }
        isStopping = true
    }

    private var isOver: Bool { parts.running.isEmpty && (isStopping || parts.idle.isEmpty) }

    private func wakeIfOver() {
        guard isOver else { return }
        isStopping = true
        parts.wake()
    }

    private func settle() {
        for (index, source) in parts.outdated {
            let isForGood = parts.slots[index].wanted == nil
            log(
                .info,
                "source \(source.made.name): \(isForGood ? "no longer configured" : "changed"); it stops reading")
            parts.slots[index].state = .ending(source)
            source.task.cancel()
        }
        for index in parts.idle where !isStopping { start(index) }
        parts.forgetUnwanted()
        show()
        wakeIfOver()
    }

    private func start(_ index: Int) {
        guard let running = parts.slots[index].wanted?.start(queue) else { return }
        parts.slots[index].state = .working(running)
        let queue = queue
        watches[running.made.name] = Task {
            let failure = await running.task.value
            // A successor begins with what is on disk. Stopping ends this wait.
            if self.isEnding(running) { try? await queue.flush() }
            self.ended(running, failure)
        }
    }

    private func isEnding(_ source: RunningSource) -> Bool {
        parts.slots.contains { slot in
            if case .ending = slot.state { slot.name == source.made.name } else { false }
        }
    }

    private func ended(_ source: RunningSource, _ failure: SourceError?) {
        let name = source.made.name
        guard let index = parts.index(of: name) else { return }
        watches[name] = nil
        if let failure, !isStopping {
            log(
                .error,
                "source \(name) has stopped: \(failure); the others go on, and SIGHUP starts it again")
            hasFailed = true
        }
        if case .ending = parts.slots[index].state {
            if parts.slots[index].wanted?.status !== source.made.status {
                parts.slots[index].past.add(source.made.status.counts)
            }
            parts.slots[index].state = .none
        } else {
            parts.slots[index].state = .over(source, failed: failure != nil)
        }
        settle()
    }

    private func show() {
        let stuck = stuck
        let watched = parts.running.map {
            Watched(
                name: $0.made.name, status: $0.made.status, output: $0.vitals,
                comesRound: $0.made.source.comesRound)
        }
        atWork.withLock { $0 = watched }
        let looks = parts.slots.compactMap { slot -> (@Sendable () -> PipelineStatus.Source)? in
            // While one is ending, it is the one that counts.
            guard let status = slot.state.running?.made.status ?? slot.wanted?.status else { return nil }
            let (name, past) = (slot.name, slot.past)
            let type = slot.wanted?.type ?? ""
            return {
                var counts = past
                counts.add(status.counts)
                counts.files = status.counts.files
                let words = stuck.words(.source, name) ?? stuck.words(.reading, name)
                return PipelineStatus.Source(name: name, type: type, counts: counts, stuck: words)
            }
        }
        self.looks.withLock { $0 = looks }
    }
}
