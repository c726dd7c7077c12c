import ConnlogCore
import ConnlogDelivery
import ConnlogQueue
import ConnlogSystem
import Synchronization

/// Sees when a part of the daemon does not get on, whatever keeps it from that, and says so. It ends nothing.
///
/// A service manager may end it: it is told after each look whether something is stuck (`looked`).
///
/// It has a thread of its own, waits for nobody, and takes no lock that is held during a call of the system: what it
/// looks at are numbers that grow with each step forward (`DeliveryVitals`, `QueueVitals`, `SourceStatus.turns`), and how
/// much of the processor each thread uses. A part that has something to do, waits for nothing that it may rightly wait
/// for, and whose numbers stay the same for so long is stuck:
///
///     sink      it has events to deliver, no pause after a failure is on (its state tells that), and it neither reads,
///               sends, hears an answer nor commits; its receiver may take as long as the timeouts in its section say.
///               A call that does not end (to open, to commit) counts also while there are no events
///     source    it does not come round to look at its input, does not end what it was called for, or cannot hand events
///               over though the queue takes some
///     reading   a source comes round, and yet there is input that it does not read (`UnreadProbe`)
///     queue     it writes or syncs, or has something to write
///     monitor   it looks each second
///     pool      tasks that belong to no part of their own are run
///     probe     it asks the kernel what there is to read
///     thread    it keeps a processor busy, and nothing that it works for gets on
package final class Watchdog: Sendable {
    package struct Limits: Sendable {
        /// How long nothing may happen.
        var stuckAfter: Duration
        package var interval: Duration
        /// How often the kernel is asked for unread input.
        var probeInterval: Duration { stuckAfter / 3 }
        /// How much of one processor a thread must use to count as spinning.
        var spinningShare: Double

        package init(
            stuckAfter: Duration = .seconds(30), interval: Duration = .seconds(1), spinningShare: Double = 0.9
        ) {
            self.stuckAfter = stuckAfter
            self.interval = interval
            self.spinningShare = spinningShare
        }
    }

    package let board = StuckBoard()
    private let queue: Queue
    private let sources: SourceSet
    private let sinks: SinkSet
    private let monitor: Monitor?
    private let probe: UnreadProbe
    private let limits: Limits
    private let log: LogFunction
    private let isOver = Atomic(false)
    private let poolTurns = Atomic<UInt64>(0)
    private let roundsMade = Atomic<UInt64>(0)
    /// How often it has looked.
    var rounds: UInt64 { roundsMade.load(ordering: .relaxed) }
    private let lock = ConditionLock()

    init(
        queue: Queue, sources: SourceSet, sinks: SinkSet, monitor: Monitor?, limits: Limits = Limits(),
        log: @escaping LogFunction
    ) {
        self.queue = queue
        self.sources = sources
        self.sinks = sinks
        self.monitor = monitor
        self.limits = limits
        probe = UnreadProbe(sources, every: limits.probeInterval)
        self.log = log
    }

    /// What the files of a source have beyond what it has read, by the last look at them.
    func unreadBytes(of source: String) -> Int? {
        let finding = probe.finding
        guard finding.rounds > 0, let unread = finding.unread[source] else { return nil }
        return unread.reduce(0) { sum, one in one.bytes.map { sum + $0 } ?? sum }
    }

    /// Begins to look, on a thread of its own, until `stop`.
    /// - Parameter looked: told after each look at every part.
    func start(looked: @escaping @Sendable (_ isStuck: Bool) -> Void = { _ in }) {
        probe.start()
        Thread.start("watchdog") { self.run(looked) }
    }

    /// Returns at once; nothing is said any more.
    func stop() {
        probe.stop()
        isOver.store(true, ordering: .relaxed)
        lock.lock()
        lock.unlock(waking: true)
    }

    private func run(_ looked: (_ isStuck: Bool) -> Void) {
        let clock = SuspendingClock()
        var last = clock.now
        var watched = Duration.zero
        var judge = StuckJudge()
        var spins = SpinJudge(share: limits.spinningShare)
        var unread = UnreadJudge()
        var asked: UInt64 = 0
        while !isOver.load(ordering: .relaxed) {
            askPool(&asked)
            let now = clock.now
            // Where the whole machine or this process stood still, nobody could have got on.
            watched += min(now - last, limits.interval * 2)
            last = now
            var pulses = pulses(asked)
            pulses += unread.pulses(
                probe.finding, now: watched, limit: limits.stuckAfter, patience: limits.probeInterval * 2,
                mayRead: queue.state == .ok)
            pulses += spins.pulses(.now(), pulses, now: watched, limit: limits.stuckAfter)
            let changes = judge.judge(pulses, now: watched)
            board.set(judge.stuck)
            sinks.stuck.set(judge.stuck)
            sources.stuck.set(judge.stuck)
            roundsMade.add(1, ordering: .relaxed)
            for change in changes where !isOver.load(ordering: .relaxed) { say(change) }
            looked(judge.stuck.keys.contains(where: \.kind.isMendedByRestart))
            lock.lock()
            if !isOver.load(ordering: .relaxed) { lock.wait(atMost: limits.interval) }
            lock.unlock(waking: false)
        }
        board.set([:])
    }

    private func say(_ change: StuckJudge.Change) {
        switch change {
        case .began(let part, let stuck):
            log(.error, "\(part) is stuck: \(stuck.words); nothing is lost, and the rest goes on")
        case .ended(let part, let stuck):
            log(.info, "\(part) is stuck no more, after \(stuck.lasted.components.seconds) s")
        }
    }

    /// Hands the pool a task that says that it was run, unless the last one is still waiting.
    private func askPool(_ asked: inout UInt64) {
        guard poolTurns.load(ordering: .relaxed) == asked else { return }
        asked += 1
        Task.detached { [self] in poolTurns.add(1, ordering: .relaxed) }
    }

    // MARK: - What there is to see

    private func pulses(_ asked: UInt64) -> [Pulse] {
        var pulses = sinks.watched.map { pulse(of: $0) }
        pulses += sources.watched.map { pulse(of: $0) }
        pulses.append(queuePulse)
        if let monitor, !monitor.isOver {
            pulses.append(
                Pulse(
                    part: Pulse.Part(kind: .monitor), steps: monitor.looks,
                    waitsFor: "it does not come round; what it asks, such as the queue's state, does not answer",
                    limit: limits.stuckAfter))
        }
        pulses.append(
            Pulse(
                part: Pulse.Part(kind: .probe), steps: probe.finding.rounds,
                waitsFor: "it does not come round; does a file system not answer?",
                limit: limits.stuckAfter + limits.probeInterval))
        let turns = poolTurns.load(ordering: .relaxed)
        pulses.append(
            Pulse(
                part: Pulse.Part(kind: .pool), steps: turns,
                waitsFor: turns < asked ? "its threads run no tasks; something keeps all of them" : nil,
                limit: limits.stuckAfter))
        return pulses
    }

    private func pulse(of sink: SinkSet.Watched) -> Pulse {
        let vitals = sink.vitals
        let end = queue.vitals.end
        let committed = vitals.committed
        let lag = end - min(end, committed)
        return Pulse(
            part: Pulse.Part(kind: .sink, name: sink.name), steps: vitals.steps,
            waitsFor: Watchdog.wait(vitals, lag: lag),
            limit: limits.stuckAfter + sink.patience)
    }

    /// What a delivery waits for that has so many events to deliver; `nil` if it waits rightly.
    static func wait(_ vitals: DeliveryVitals, lag: UInt64) -> String? {
        guard let wait = wait(vitals) else { return nil }
        // With nothing to deliver it waits for events; a call that does not end is one all the same.
        if lag == 0 { return [.waiting, .reading].contains(vitals.doing) ? nil : wait }
        return "\(wait); \(Quantity.count(lag, "event")) wait"
    }

    private static func wait(_ vitals: DeliveryVitals) -> String? {
        switch vitals.doing {
        case .pausing, .ended: return nil
        case .opening: return "opening does not end"
        case .reopening: return "opening anew does not end"
        case .reading: return "reading the queue does not end"
        case .committing: return "making sure of what was delivered, or storing the offset, does not end"
        case .waiting:
            if vitals.sending > 0 { return "sending \(batches(vitals.sending)) does not end" }
            if vitals.proving > 0 { return "the proof of \(batches(vitals.proving)) does not come" }
            return "it does not begin"
        }
    }

    private static func batches(_ count: Int) -> String { count == 1 ? "1 batch" : "\(count) batches" }

    private func pulse(of source: SourceSet.Watched) -> Pulse {
        var wait: String?
        if source.output.isHandingOver {
            // While the queue takes nothing, its own state says so.
            if queue.state == .ok { wait = "the queue does not take what it hands over, though it takes events" }
        } else if source.comesRound {
            wait = "it does not come round to look for more"
        } else if source.status.isAtWork {
            wait = "taking in what was handed to it does not end"
        }
        return Pulse(
            part: Pulse.Part(kind: .source, name: source.name), steps: source.status.turns &+ source.output.taken,
            waitsFor: wait, limit: limits.stuckAfter)
    }

    private var queuePulse: Pulse {
        let vitals = queue.vitals
        let wait: String? =
            switch vitals.doing {
            case .pausing, .ended: nil
            case .storing: "writing what was handed over does not end; does the disk answer?"
            case .upkeep: "syncing offsets or deleting old segments does not end; does the disk answer?"
            case .waiting: vitals.hasWork ? "it does not take what was handed over" : nil
            }
        return Pulse(
            part: Pulse.Part(kind: .queue), steps: vitals.steps, waitsFor: wait, limit: limits.stuckAfter)
    }
}
