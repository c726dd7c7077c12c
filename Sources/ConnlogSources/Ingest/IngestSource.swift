package import ConnlogCore
package import ConnlogPipeline
import ConnlogSystem
import Synchronization

/// `type = ingest`: events that programs hand in over HTTP.
///
/// A piece of input is acknowledged when its events are on the disk. One that is handed in again, because the answer was
/// lost, brings no event twice: the ids of the last 15,000 events or more are stored with them.
///
/// The server takes the bytes; this is what stands between it and the queue.
package final class IngestSource: Source, EventIntake {
    let context: SourceContext
    let makeDecoder: @Sendable () -> EventDecoder
    private let state = Mutex(State())
    private let turn = Turn()

    private struct State {
        var output: (any EventOutput)?
        var seen: SeenWindow?
        /// A thread of its own for what reading costs, so that questions never wait for it.
        var executor: ThreadExecutor?
    }

    /// What became of a batch.
    struct Taken {
        var accepted = 0
        var duplicates = 0
        /// Events of organizations that are not among those allowed.
        var foreign = 0
    }

    package init(_ context: SourceContext, makeDecoder: @escaping @Sendable () -> EventDecoder) {
        self.context = context
        self.makeDecoder = makeDecoder
    }

    package var status: SourceStatus? { context.status }

    /// Takes events until the task is cancelled; returns when those that were taken are with the queue.
    package func run(into output: any EventOutput) async throws(SourceError) {
        // `--once` means the inputs there are now.
        if context.once { return }
        state.withLock {
            $0.output = output
            $0.seen = SeenWindow(output.checkpoints)
            $0.executor = ThreadExecutor("ingest")
        }
        let (stops, stop) = AsyncStream.makeStream(of: Void.self)
        await withTaskCancellationHandler {
            for await _ in stops {}
        } onCancel: {
            stop.finish()
        }
        await turn.take()
        state.withLock {
            $0.output = nil
            $0.executor = nil
        }
        turn.give()
    }

    package func begin() throws(IntakeError) -> any IntakeSession { try begin(nil) }

    package func begin(organizations: [String]) throws(IntakeError) -> any IntakeSession {
        try begin(Set(organizations))
    }

    private func begin(_ organizations: Set<String>?) throws(IntakeError) -> any IntakeSession {
        let (output, executor) = state.withLock { ($0.output, $0.executor) }
        guard let output, let executor else { throw .stopping }
        if let why = output.blocked { throw .full(why) }
        context.status.begin()
        defer { context.status.end() }
        return IngestSession(self, organizations, executor)
    }

    /// Hands a batch to the queue, without the events that came before; one batch at a time, so that the ids stored with
    /// one are those of all before it.
    /// - Parameter organizations: the only ones whose events are taken; `nil`: all.
    func enqueue(_ batch: consuming EventBatch, _ organizations: Set<String>?) async throws(IntakeError) -> Taken {
        await turn.take()
        defer { turn.give() }
        guard let output = state.withLock({ $0.output }) else { throw .stopping }
        var scanner = EventScanner()
        var fields = EventFields()
        var taken = Taken()
        let count = batch.count
        var changes: [Checkpoint] = []
        state.withLock { state in
            batch.filter { _, record in
                guard case .connectionLog = scanner.scan(record, into: &fields) else { return organizations == nil }
                if let organizations {
                    let id = fields.index.string(.organizationID, record).flatMap(UUIDText.normalized)
                    guard let id, organizations.contains(id) else {
                        taken.foreign += 1
                        return false
                    }
                }
                guard let id = fields.index.string(.id, record) else { return true }
                return state.seen?.insert(id) != true
            }
            changes = state.seen?.takeChanges() ?? []
        }
        taken.accepted = batch.count
        taken.duplicates = count - taken.accepted - taken.foreign
        if taken.accepted == 0 { return taken }
        do throws(AppendError) {
            try await output.enqueue(batch, changes)
        } catch {
            // What is remembered may not be what the queue has.
            state.withLock { $0.seen = SeenWindow(output.checkpoints) }
            throw IngestSource.failure(error)
        }
        return taken
    }

    func flush() async throws(IntakeError) {
        guard let output = state.withLock({ $0.output }) else { throw .stopping }
        do throws(AppendError) {
            try await output.flush()
        } catch {
            throw IngestSource.failure(error)
        }
    }

    private static func failure(_ error: AppendError) -> IntakeError {
        switch error {
        case .stopping: .stopping
        case .failed(let why): .failed(why)
        }
    }
}

/// Lets one after another, in the order in which they came.
private final class Turn: Sendable {
    private struct State {
        var isTaken = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    func take() async {
        await withCheckedContinuation { continuation in
            let isFree = state.withLock { state in
                if state.isTaken {
                    state.waiters.append(continuation)
                    return false
                }
                state.isTaken = true
                return true
            }
            if isFree { continuation.resume() }
        }
    }

    func give() {
        let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
            if state.waiters.isEmpty {
                state.isTaken = false
                return nil
            }
            return state.waiters.removeFirst()
        }
        next?.resume()
    }
}
