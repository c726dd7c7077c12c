#if Server
import ConnlogCore
import ConnlogSystem
import Synchronization

/// Keeps the store to its `[store] retention` and `retention_size`, and says in the log what it let go.
final class StoreKeeper: Sendable {
    private struct State {
        var guardian = RetentionGuard()
        var wasInDoubt = false
        /// Let go of and not told yet.
        var rows = 0
        var events = 0
        var audits = 0
        var toldAt: Duration?
    }

    private let holder: StoreHolder
    private let log: LogFunction
    private let state = Mutex(State())

    /// What goes all the time is told no more often.
    private static let toldEvery = Duration.seconds(600)

    init(_ holder: StoreHolder, _ log: @escaping LogFunction) {
        self.holder = holder
        self.log = log
    }

    /// Lets go of what is too old or too much, in steps between which events can be taken in, until nothing is or the task
    /// is cancelled.
    func retain() throws(StoreProblem) {
        let store = try holder.open()
        noteClock()
        if let age = holder.retention.age { try letGo(age, store) }
        if let bytes = holder.retention.bytes {
            try steps { () throws(StoreProblem) in try store.letGo(above: bytes) }
        }
        if tell() { try store.tidy() }
        let bytes = try store.contentBytes()
        holder.count { $0.bytes = bytes }
    }

    private func letGo(_ age: Duration, _ store: ConnectionStore) throws(StoreProblem) {
        let now = holder.time.now()
        let isInDoubt = holder.time.isInDoubt
        if !isInDoubt { try store.dateUnknown(now) }
        let cutoff = Microseconds(nanoseconds: now).advanced(by: .zero - age)
        let (rows, due) = try store.due(before: cutoff) { RetentionGuard.usual(rows: $0, age: age) + 1 }
        let usual = RetentionGuard.usual(rows: rows, age: age)
        let decision = state.withLock {
            $0.guardian.decide(due: due, usual: usual, counted: holder.time.counted, isInDoubt: isInDoubt)
        }
        switch decision {
        case .go: try steps { () throws(StoreProblem) in try store.letGo(before: cutoff) }
        case .wait(isNew: true):
            log(
                .warning,
                "retention: more than \(usual) of \(rows) connections would go at once, which is more than usual; they go "
                    + "when that has been so for an hour by a clock that is not set meanwhile")
        case .wait: break
        }
    }

    private func steps(_ step: () throws(StoreProblem) -> ConnectionStore.Step) throws(StoreProblem) {
        while !Task.isCancelled {
            let done = try step()
            holder.count {
                $0.rowsRemoved += done.rows
                $0.eventsRemoved += done.events
            }
            state.withLock {
                $0.rows += done.rows
                $0.events += done.events
                $0.audits += done.audits
            }
            if !done.isPartial { return }
        }
    }

    private func noteClock() {
        let isInDoubt = holder.time.isInDoubt
        let isNew = state.withLock { state in
            defer { state.wasInDoubt = isInDoubt }
            return isInDoubt && !state.wasInDoubt
        }
        guard isNew else { return }
        log(
            .warning,
            "the machine's clock has jumped: retention and lost_after go by the time before until the new one has been kept "
                + "for an hour")
    }

    /// - Returns: whether something has gone that was not told before.
    private func tell() -> Bool {
        let counted = holder.time.counted
        let told = state.withLock { state -> (rows: Int, events: Int, audits: Int)? in
            guard state.rows + state.events + state.audits > 0 else { return nil }
            if let last = state.toldAt, counted - last < StoreKeeper.toldEvery { return nil }
            defer { (state.rows, state.events, state.audits, state.toldAt) = (0, 0, 0, counted) }
            return (state.rows, state.events, state.audits)
        }
        guard let told else { return false }
        let audits = told.audits > 0 ? ", and of \(told.audits) events of who asked" : ""
        log(.info, "retention: let go of \(told.rows) connections and \(told.events) events as received\(audits)")
        return true
    }
}
#endif
