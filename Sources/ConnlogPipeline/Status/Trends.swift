import ConnlogQueue
import ConnlogSystem
import Synchronization

/// What one look cannot tell: how many in a second, for how long nothing has come, how long something waits.
final class Trends: Sendable {
    /// Whose count it is.
    enum Part: Hashable, Sendable {
        case queue
        case source(String)
        case sink(String)
    }

    private struct State {
        var times = IntakeTimes()
        var paces: [Part: Pace] = [:]
        var lookedAt = Duration.zero
    }

    private let state = Mutex(State())

    /// What lay in the queue before it was opened: everything before the beginning of a segment had come by then. For
    /// what is in the newest one, time counts from now.
    /// - Parameters:
    ///   - beginnings: by the wall clock as it was then, oldest first.
    ///   - now: by the wall clock, and by the one that nobody sets.
    func begin(
        _ beginnings: [(first: UInt64, created: Nanoseconds)], end: UInt64, now: (wall: Nanoseconds, up: Duration)
    ) {
        state.withLock { state in
            for beginning in beginnings {
                let age = max(0, now.wall &- beginning.created)
                state.times.note(end: beginning.first, at: now.up - .nanoseconds(age))
            }
            state.times.note(end: end, at: now.up)
            state.lookedAt = now.up
        }
    }

    /// - Parameters:
    ///   - end: that of the queue.
    ///   - floor: what every sink is done with.
    func look(at now: Duration, end: UInt64, floor: UInt64, _ counts: [Part: Int]) {
        state.withLock { state in
            state.times.note(end: end, at: now)
            state.times.forget(before: floor)
            state.paces = state.paces.filter { counts[$0.key] != nil }
            for (part, count) in counts { state.paces[part, default: Pace(count, at: now)].look(count, at: now) }
            state.lookedAt = now
        }
    }

    /// How long the event `offset` has waited when that was last looked at, at least.
    func age(of offset: UInt64) -> Duration { state.withLock { $0.times.age(of: offset, at: $0.lookedAt) } }

    /// In a second, over the last minute.
    func perSecond(_ part: Part) -> Double { state.withLock { $0.paces[part]?.perSecond ?? 0 } }

    /// For how long the count has not risen.
    func quiet(_ part: Part) -> Duration {
        state.withLock { state in state.paces[part].map { state.lookedAt - $0.roseAt } ?? .zero }
    }
}
