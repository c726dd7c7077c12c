/// How long a page may look for rows before it says how far it has come.
package enum LookBudget: Sendable {
    /// Until it is full, or there are no more.
    case whole
    /// Until then, and so long at least once the first tables are open: a page always comes some way.
    case time(until: ContinuousClock.Instant, atLeast: Duration)
    /// Until about so many rows were looked at; for tests.
    case rows(Int)
}

#if Server

/// Counts what is spent of a budget, for one page on one thread.
final class LookMeter {
    private let budget: LookBudget
    private var end: ContinuousClock.Instant?
    private var looked = 0
    /// No more should be looked at.
    private(set) var isOver = false

    init(_ budget: LookBudget) {
        self.budget = budget
        switch budget {
        case .whole: break
        case .rows(let count): isOver = count <= 0
        case .time(let until, _):
            end = until
            isOver = ContinuousClock.now >= until
        }
    }

    var isLimited: Bool { if case .whole = budget { false } else { true } }

    /// What must be done before the first row can be looked at is done.
    func begin() {
        guard looked == 0, case .time(let until, let least) = budget, least > .zero else { return }
        let end = max(until, ContinuousClock.now + least)
        (self.end, isOver) = (end, false)
    }

    /// One row was looked at.
    func look() {
        looked += 1
        if let end {
            // Asking the clock takes a tenth of looking at a row in memory; one on a slow disk takes milliseconds.
            if looked % 8 == 0 { isOver = ContinuousClock.now >= end }
        } else if case .rows(let count) = budget {
            isOver = looked >= count
        }
    }
}
#endif
