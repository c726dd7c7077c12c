/// Something that is wanted under a name: a source, or a sink.
protocol PlannedPart: Sendable {
    var name: String { get }

    /// Whether what is at work for the other can go on for this one.
    func isSame(as other: Self) -> Bool
}

/// What is at work for it.
protocol RunningPart: Sendable {
    associatedtype Plan: PlannedPart

    /// What it was made from.
    var made: Plan { get }
}

/// The parts of one kind by their names: for each what is wanted, what is at work, and what was before.
///
/// Decides what has to end, what may begin, and when all is over; whoever holds it ends and begins.
///
///     wanted, nothing at work        `idle`: may begin
///     at work, and wanted as it is   goes on
///     at work, wanted otherwise      `outdated`: has to end, then its successor is `idle`
///     at work, no longer wanted      `outdated`: has to end, then `forgetUnwanted` takes it out
struct Supervised<Work: RunningPart, Past: Sendable>: Sendable {
    enum State: Sendable {
        case none
        case working(Work)
        /// Asked to end, for a successor or for good.
        case ending(Work)
        /// Came to its end of its own accord, or because everything does.
        case over(Work, failed: Bool)

        /// What has not ended.
        var running: Work? {
            switch self {
            case .working(let work), .ending(let work): work
            case .none, .over: nil
            }
        }

        /// What is, or was last, at work.
        var latest: Work? {
            if case .over(let work, _) = self { work } else { running }
        }
    }

    struct Slot: Sendable {
        let name: String
        var wanted: Work.Plan?
        var state = State.none
        /// What its predecessors in this process did.
        var past: Past

        /// Wanted, and nothing is at work for it.
        var isIdle: Bool {
            if case .none = state { wanted != nil } else { false }
        }
    }

    var slots: [Slot] = []
    private var waiters: [CheckedContinuation<Void, Never>] = []

    var running: [Work] { slots.compactMap(\.state.running) }

    func index(of name: String) -> Int? { slots.firstIndex { $0.name == name } }

    /// What is wanted under other names is wanted no more.
    mutating func want(only names: Set<String>) {
        for index in slots.indices where !names.contains(slots[index].name) { slots[index].wanted = nil }
    }

    /// Those at work that are not wanted as they are.
    var outdated: [(index: Int, work: Work)] {
        slots.indices.compactMap { index in
            guard case .working(let work) = slots[index].state else { return nil }
            if let wanted = slots[index].wanted, wanted.isSame(as: work.made) { return nil }
            return (index, work)
        }
    }

    /// Those for which something may begin.
    var idle: [Int] { slots.indices.filter { slots[$0].isIdle } }

    /// Takes out what is neither wanted nor at work.
    mutating func forgetUnwanted() {
        slots.removeAll { slot in
            if case .none = slot.state { slot.wanted == nil } else { false }
        }
    }

    // MARK: - Waiting for the end

    mutating func add(_ waiter: CheckedContinuation<Void, Never>) { waiters.append(waiter) }

    /// All is over: lets go of those who wait for that.
    mutating func wake() {
        for waiter in waiters { waiter.resume() }
        waiters = []
    }
}
