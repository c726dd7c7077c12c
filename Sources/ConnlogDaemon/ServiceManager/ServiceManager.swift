import ConnlogCore
import ConnlogSystem
import Synchronization

/// The service manager that has started this process, and what it is told: when the daemon is at work, how things are,
/// when a reload and the end begin, and that nothing hangs.
///
/// The watchdog's signal is no timer's: it is given when `Watchdog` has looked at every part, and not while one of them
/// is stuck. So a delivery that hangs is a restart, and one that waits for a receiver that is down is not.
///
/// Nobody waits for the manager: what its socket has no room for just then is kept and sent at the next look, since a start
/// of which it never hears is one that it ends.
final class ServiceManager: Sendable {
    private enum Phase { case starting, working, reloading, stopping }

    private struct State {
        var phase = Phase.starting
        var lastBeat: Duration?
        var lastStatus: (words: String, time: Duration)?
        /// The configuration on the disk has mistakes.
        var isRefused = false
        var hasComplained = false
        /// What must reach the manager and has not yet, in its order.
        var owed: [ServiceNotice] = []
    }

    /// A status is told no more often.
    static let statusPause = Duration.seconds(5)
    /// How much longer than `shutdown_timeout` the end may take: what `Ending` needs, and the queue's close.
    static let endReserve = Duration.seconds(15)

    /// How often the watchdog's signal is due: half of the time after which the manager acts; `nil` when it does not.
    let beatPause: Duration?
    private let send: @Sendable (ServiceNotice) throws(SystemError) -> Void
    private let now: @Sendable () -> Duration
    private let log: LogFunction
    private let state = Mutex(State())

    /// - Parameters:
    ///   - environment: a variable's value.
    ///   - processID: ours, since the watchdog's variables may be meant for another process.
    /// - Returns: `nil` where no manager listens.
    init?(
        environment: (String) -> String? = ProcessEnvironment.value, processID: Int32 = Machine.processID,
        now: @escaping @Sendable () -> Duration = { MonotonicTime.now }, log: @escaping LogFunction
    ) {
        guard let socket = environment("NOTIFY_SOCKET").flatMap(NoticeSocket.init) else { return nil }
        send = { (notice) throws(SystemError) in try socket.send(notice.text) }
        self.now = now
        self.log = log
        let isForUs = environment("WATCHDOG_PID").map { $0 == "\(processID)" } ?? true
        let limit = isForUs ? environment("WATCHDOG_USEC").flatMap { Int64($0) } ?? 0 : 0
        beatPause = limit > 0 ? .microseconds(limit) / 2 : nil
    }

    /// Sources and sinks are at work.
    func ready(_ words: String) {
        state.withLock { state in
            if state.phase == .starting { state.phase = .working }
            state.lastStatus = (words, now())
        }
        tell([.ready(words)])
    }

    /// The regular look: what could not be sent before is sent now, if there is room.
    func sendOwed() { tell([]) }

    /// How things are, told when it has changed and not too often.
    func status(_ words: String) {
        let words = state.withLock { state -> String? in
            guard state.phase == .working else { return nil }
            let words = state.isRefused ? "\(words); \(ServiceManager.refusal)" : words
            let time = now()
            if let last = state.lastStatus, last.words == words || time - last.time < ServiceManager.statusPause {
                return nil
            }
            state.lastStatus = (words, time)
            return words
        }
        if let words, !say(.status(words)) { state.withLock { $0.lastStatus = nil } }
    }

    private static let refusal = "the last reload was refused for mistakes in the configuration, see the log"

    func reloading() {
        let begins = state.withLock { state in
            guard state.phase == .working else { return false }
            state.phase = .reloading
            return true
        }
        if begins { tell([.reloading(at: now())]) }
    }

    /// - Parameter isInForce: what was read is so.
    func reloaded(isInForce: Bool, _ words: String) {
        let words = state.withLock { state -> String? in
            state.isRefused = !isInForce
            guard state.phase == .reloading else { return nil }
            state.phase = .working
            let words = isInForce ? words : "\(words); \(ServiceManager.refusal)"
            state.lastStatus = (words, now())
            return words
        }
        if let words { tell([.ready(words)]) }
    }

    /// The end has begun; it takes this long at most, and what it needs besides.
    func stopping(_ limit: Duration) {
        state.withLock { $0.phase = .stopping }
        tell([
            .stopping("delivering for \(max(1, limit.components.seconds)) s"),
            .takes(limit + ServiceManager.endReserve),
        ])
    }

    /// A start that takes long still gets on.
    func starting(for time: Duration) {
        if state.withLock({ $0.phase == .starting }) { _ = say(.takes(time)) }
    }

    /// Every part was looked at.
    /// - Parameter isStuck: one of them does not get on. While everything ends that is `Ending`'s to see to.
    func beat(isStuck: Bool) {
        guard let beatPause else { return }
        let isDue = state.withLock { state in
            guard !isStuck || state.phase == .stopping else { return false }
            let time = now()
            if let last = state.lastBeat, time - last < beatPause { return false }
            state.lastBeat = time
            return true
        }
        if isDue, !say(.alive) { state.withLock { $0.lastBeat = nil } }
    }

    /// Sends these after what is owed, or owes them too. A newer state makes what led to it needless.
    private func tell(_ notices: [ServiceNotice]) {
        let error = state.withLock { state -> SystemError? in
            for notice in notices { notice.join(&state.owed) }
            while let next = state.owed.first {
                do throws(SystemError) { try send(next) } catch { return error }
                state.owed.removeFirst()
            }
            return nil
        }
        if let error { complain(error) }
    }

    /// Sends what loses its meaning when it comes late.
    /// - Returns: whether it was sent.
    private func say(_ notice: ServiceNotice) -> Bool {
        do throws(SystemError) { try send(notice) } catch {
            complain(error)
            return false
        }
        return true
    }

    private func complain(_ error: SystemError) {
        let isNew = state.withLock { state in
            defer { state.hasComplained = true }
            return !state.hasComplained
        }
        if isNew {
            log(.warning, "the service manager cannot be told how connlog is: \(error); it is tried again each second")
        }
    }
}
