#if Server
import ConnlogCore
import ConnlogSystem
import Synchronization

/// Takes to the queue what the server process tells of its questions, on a thread of its own.
///
/// Answers do not wait for it: while the queue takes nothing, `waitingMax` events wait here, and with more the newest are
/// lost, counted and told. The server process is the one that strangers talk to, so each line of its is read before it is
/// believed to be one.
final class AuditDoor: Sendable {
    static let waitingMax = 10_000

    /// What became of them.
    struct Counts: Equatable {
        var taken = 0
        /// There was no room, or the queue has closed.
        var lost = 0
    }

    private struct State {
        var waiting: [AuditEvent] = []
        var counts = Counts()
        /// On its way to the queue.
        var isUnderWay = false
        var isOver = false
    }

    private let state = Mutex(State())
    private let thread = ThreadExecutor("audit")
    private let calls: AsyncStream<Void>
    private let call: AsyncStream<Void>.Continuation
    private let worker = Mutex<Task<Void, Never>?>(nil)
    private let record: @Sendable ([AuditEvent]) async throws(AppendError) -> Void
    private let log: LogFunction
    private let pace = Mutex(TroublePace())

    /// - Parameter record: returns when they are with the queue; may wait for room in it.
    init(
        record: @escaping @Sendable ([AuditEvent]) async throws(AppendError) -> Void, log: @escaping LogFunction
    ) {
        self.record = record
        self.log = log
        (calls, call) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    func start() {
        worker.withLock { worker in
            if worker == nil { worker = Task(executorPreference: thread) { await self.work() } }
        }
    }

    var counts: Counts { state.withLock { $0.counts } }

    /// A line of the server process.
    func take(_ line: [UInt8]) {
        guard let event = AuditEvent(line: line) else {
            state.withLock { $0.counts.lost += 1 }
            return tell("the server's process has told of a question in a way that cannot be read")
        }
        let isTaken = state.withLock { state in
            guard state.waiting.count < AuditDoor.waitingMax, !state.isOver else {
                state.counts.lost += 1
                return false
            }
            state.waiting.append(event)
            return true
        }
        if isTaken {
            call.yield()
        } else {
            tell("the queue takes nothing, so who asks the server now is not kept; 'connlog status' says why")
        }
    }

    /// So many were lost before they came here.
    func noteLost(_ count: Int) {
        state.withLock { $0.counts.lost += min(max(0, count), 1 << 32) }
        tell("\(count) answers of the server's were not told of, while this process took nothing")
    }

    /// Returns when what was taken so far is with the queue, or after a while.
    func settle() async {
        let end = ContinuousClock.now + AuditDoor.settleLongest
        while state.withLock({ !$0.waiting.isEmpty || $0.isUnderWay }), ContinuousClock.now < end {
            try? await Task.sleep(for: .milliseconds(5))
        }
    }

    private static let settleLongest = Duration.seconds(5)

    /// Returns when all that was taken is with the queue.
    func finish() async {
        state.withLock { $0.isOver = true }
        call.finish()
        await worker.withLock { $0 }?.value
    }

    private func work() async {
        for await _ in calls { await hand(over: takeWaiting()) }
        await hand(over: takeWaiting())
    }

    private func takeWaiting() -> [AuditEvent] {
        state.withLock { state in
            defer { state.waiting = [] }
            state.isUnderWay = !state.waiting.isEmpty
            return state.waiting
        }
    }

    private func hand(over events: [AuditEvent]) async {
        if events.isEmpty { return }
        defer { state.withLock { $0.isUnderWay = false } }
        do throws(AppendError) {
            try await record(events)
            state.withLock { $0.counts.taken += events.count }
        } catch {
            state.withLock { $0.counts.lost += events.count }
            tell("who asked the server could not be kept: \(error)")
        }
    }

    private func tell(_ words: String) {
        let now = Duration.nanoseconds(SystemWallTime().uptime())
        if let words = pace.withLock({ $0.words(words, now: now) }) { log(.error, "audit: \(words)") }
    }
}
#endif
