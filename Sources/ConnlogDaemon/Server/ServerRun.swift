#if Server
import ConnlogAPI
import ConnlogConfig
import ConnlogCore
import ConnlogPipeline
import ConnlogStore
import ConnlogSystem
import Synchronization

/// The server while the daemon works: a process of its own, started anew when it ends.
///
/// Whatever comes over the network is read there, so what ends it, fills its memory or takes its descriptors leaves
/// sources and sinks alone. It has less of the processor when both want it.
final class ServerRun: Sendable {
    private struct State {
        var plan: ServerPlan
        var child: ServerChild?
        var isSupervised = false
        var isStopping = false
        var restarts = 0
    }

    private let version: String
    private let log: LogFunction
    private let overview: @Sendable () -> Overview
    private let audit: AuditDoor
    private let state: Mutex<State>
    private let connlog: Mutex<Section>
    private let stopper = Alarm()
    private let ended = Stopper()

    /// - Parameter overview: how connlog is, for whoever asks; must not wait.
    init(
        _ plan: ServerPlan, _ connlog: Section, version: String, overview: @escaping @Sendable () -> Overview,
        audit: AuditDoor, log: @escaping LogFunction
    ) {
        state = Mutex(State(plan: plan))
        self.connlog = Mutex(connlog)
        self.version = version
        self.overview = overview
        self.audit = audit
        self.log = log
        watch(plan)
    }

    private func watch(_ plan: ServerPlan) { plan.store?.whenChanged { [weak self] in self?.noteChange() } }

    /// Starts the process, unless there is no `[server]`. That it cannot be started is no reason to stop forwarding.
    func start() {
        let isNew = state.withLock { state in
            guard state.plan.options != nil, !state.isSupervised, !state.isStopping else { return false }
            state.isSupervised = true
            return true
        }
        if isNew { audit.start() }
        if isNew { Thread.start("server") { self.supervise() } }
    }

    /// Whether there is something to serve until somebody asks to stop.
    var isWanted: Bool { state.withLock { $0.plan.options != nil } }

    /// Returns when the process has ended.
    func stop() async {
        let (child, isSupervised) = state.withLock { state in
            state.isStopping = true
            return (state.child, state.isSupervised)
        }
        stopper.ring()
        child?.stop()
        if isSupervised { await ended.wait() }
        await audit.finish()
    }

    /// Returns when who has asked so far is with the queue.
    func settleAudit() async {
        await state.withLock { $0.child }?.settle()
        await audit.settle()
    }

    /// The store has something new.
    func noteChange() { state.withLock { $0.child }?.noteChange() }

    /// How the process is; `nil` without `[server]`.
    var shown: Overview.ServerPart? {
        state.withLock { state in
            guard state.plan.options != nil else { return nil }
            var part = Overview.ServerPart()
            let now = state.child?.state
            part.state = now == nil ? "starting" : now?.isListening == true ? "listening" : "down"
            part.words = now?.words ?? ""
            part.restarts = state.restarts
            (part.audited, part.auditsLost) = (audit.counts.taken, audit.counts.lost)
            return part
        }
    }

    /// What a reload changes.
    func apply(_ new: ServerPlan, _ connlog: Section) {
        self.connlog.withLock { $0 = connlog }
        watch(new)
        let (child, old) = state.withLock { state in
            defer { state.plan = new }
            return (state.child, state.plan)
        }
        if new.options == nil {
            child?.stop()
        } else if let child, old.canGoOn(as: new) {
            child.use(configuration(new), new.intake)
        } else {
            child?.stop()
        }
        start()
    }

    private func configuration(_ plan: ServerPlan) -> ServerConfiguration {
        ServerConfiguration(
            version: version, connlog: connlog.withLock { $0 }, sections: plan.sections, hasIntake: plan.intake != nil)
    }

    // MARK: - One process after another

    private static let pauseFirst = Duration.seconds(1)
    private static let pauseLongest = Duration.seconds(30)
    /// After so long a failure is a new one.
    private static let goodWhile = Duration.seconds(60)

    private func supervise() {
        var pause = ServerRun.pauseFirst
        while let plan = next() {
            let begun = ContinuousClock.now
            let end = run(plan)
            guard let end, !isStopping else { continue }
            if ContinuousClock.now - begun > ServerRun.goodWhile { pause = ServerRun.pauseFirst }
            log(.error, "server: its process \(end); events go on meanwhile; it is started again in \(pause)")
            state.withLock { $0.restarts += 1 }
            stopper.wait(atMost: pause)
            pause = min(pause * 2, ServerRun.pauseLongest)
        }
        ended.ask()
    }

    private var isStopping: Bool { state.withLock { $0.isStopping } }

    /// What to serve next; `nil` when nothing is wanted any more, and nobody supervises from then on.
    private func next() -> ServerPlan? {
        state.withLock { state in
            if !state.isStopping, state.plan.options != nil { return state.plan }
            // With `isStopping` somebody waits to be told.
            state.isSupervised = state.isStopping
            return nil
        }
    }

    /// Runs one process to its end.
    /// - Returns: how it ended, when nobody has asked it to.
    private func run(_ plan: ServerPlan) -> String? {
        let child: ServerChild
        do throws(SystemError) {
            child = try ServerChild(overview: overview, audit: audit)
        } catch {
            return "cannot be started: \(error)"
        }
        child.use(configuration(plan), plan.intake)
        let isWanted = state.withLock { state in
            state.child = child
            return !state.isStopping && state.plan.options != nil
        }
        if !isWanted { child.stop() }
        let end = child.waitUntilOver(log)
        state.withLock { $0.child = nil }
        return child.wasStopped ? nil : "has ended (\(end))"
    }
}

/// Wakes a thread of our own early.
///
/// `@unchecked Sendable`: `hasRung` is touched only while `lock` is held.
final class Alarm: @unchecked Sendable {
    private let lock = ConditionLock()
    private var hasRung = false

    func ring() {
        lock.lock()
        hasRung = true
        lock.unlock(waking: true)
    }

    /// Returns when it has rung, which it says, or after so long.
    @discardableResult
    func wait(atMost limit: Duration) -> Bool {
        let end = ContinuousClock.now + limit
        lock.lock()
        while !hasRung, ContinuousClock.now < end { lock.wait(atMost: ContinuousClock.now.duration(to: end)) }
        let result = hasRung
        lock.unlock(waking: false)
        return result
    }
}
#endif
