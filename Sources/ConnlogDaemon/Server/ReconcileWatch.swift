#if Server
import ConnlogConfig
import ConnlogCore
import ConnlogSystem
import ConnlogTools
import Synchronization

/// Compares Coder's table with the store again and again, and counts: `[store] reconcile_every`.
///
/// On a thread of its own, over HTTP on both sides: events wait for no answer. The store is asked as the command
/// `reconcile` asks it, so the figures are what that would list for the last day.
final class ReconcileWatch: Sendable {
    /// Compares what a plan says over a time.
    typealias Compare =
        @Sendable (_ plan: ReconcilePlan, _ from: Nanoseconds, _ to: Nanoseconds) async throws -> ReconcileOutcome

    /// How far back it goes; with a longer `reconcile_every`, as far as that.
    static let reach = Duration.seconds(86_400)
    /// On one side. The memory for them is the daemon's own.
    static let rowsMax = 200_000
    /// A server that has not answered in this time will not.
    private static let patience = Duration.seconds(600)

    private struct State {
        var plan: ReconcilePlan?
        var task: Task<Void, Never>?
        var tried: Nanoseconds?
        var isGood: Bool?
        var trouble = ""
        /// Of the last that could be made, and when that was.
        var outcome: (counts: Counts, time: Nanoseconds)?
    }

    /// What a comparison comes to.
    private struct Counts {
        var equal = 0
        var missingInStore = 0
        var missingInTable = 0
        var different = 0
        var unsure = 0
        var isEqual: Bool { missingInStore + missingInTable + different + unsure == 0 }
    }

    private let state = Mutex(State())
    private let log: LogFunction
    private let clock: any WallTime
    private let pause: @Sendable (Duration) async throws -> Void
    private let compare: Compare

    /// - Parameters:
    ///   - pause: waits, or throws when the task is cancelled.
    ///   - compare: for tests; else Coder and the server of this daemon are asked.
    init(
        version: String, clock: any WallTime = SystemWallTime(), log: @escaping LogFunction,
        pause: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) },
        compare: Compare? = nil
    ) {
        self.log = log
        self.clock = clock
        self.pause = pause
        self.compare = compare ?? { try await ReconcileWatch.compare($0, $1, $2, version: version) }
    }

    /// Compares this from now on; what has not changed goes on.
    func use(_ plan: ReconcilePlan?) {
        state.withLock { state in
            if let plan, let old = state.plan, plan.isSame(as: old) { return }
            state.task?.cancel()
            state = State()
            state.plan = plan
            guard let plan else { return }
            state.task = Task(executorPreference: ThreadExecutor("reconcile")) { await self.run(plan) }
        }
    }

    func stop() { state.withLock { $0.task?.cancel() } }

    private func run(_ plan: ReconcilePlan) async {
        while !Task.isCancelled {
            do { try await pause(plan.every) } catch { return }
            await once(plan)
        }
    }

    // MARK: Once

    private func once(_ plan: ReconcilePlan) async {
        let now = clock.now()
        let reach = max(plan.every, ReconcileWatch.reach)
        do {
            let outcome = try await compare(plan, now - Nanoseconds(reach.components.seconds) * 1_000_000_000, now)
            guard !Task.isCancelled else { return }
            if outcome.used == nil {
                fail(now, outcome.reasons.joined(separator: "; "))
            } else {
                take(outcome, now)
            }
        } catch {
            if !Task.isCancelled { fail(now, "\(error)") }
        }
    }

    private func take(_ outcome: ReconcileOutcome, _ now: Nanoseconds) {
        let before = state.withLock { state in
            defer {
                (state.tried, state.isGood, state.trouble) = (now, true, "")
                let counts = Counts(
                    equal: outcome.equal, missingInStore: outcome.count(.missingInStore),
                    missingInTable: outcome.count(.missingInTable), different: outcome.count(.different),
                    unsure: outcome.count(.unsure))
                state.outcome = (counts, now)
            }
            return state.outcome.map { $0.counts.isEqual }
        }
        if !outcome.isEqual, before != false {
            log(
                .warning,
                "store: Coder's table and the store differ over the last day: \(outcome.words); "
                    + "'connlog reconcile --from -24h --to now' lists them")
        } else if outcome.isEqual, before == false {
            log(.info, "store: Coder's table and the store are the same again over the last day")
        }
    }

    private func fail(_ now: Nanoseconds, _ words: String) {
        let isNew = state.withLock { state in
            defer { (state.tried, state.isGood, state.trouble) = (now, false, words) }
            return state.trouble != words
        }
        guard isNew else { return }
        log(
            .warning,
            "store: Coder's table cannot be compared with the store: \(words); events go on, and it is tried again")
    }

    // MARK: Figures

    /// None without anything to compare.
    var figures: [Figure] {
        state.withLock { state in
            guard state.plan != nil else { return [] }
            let counts = state.outcome?.counts
            func count(_ name: String, _ help: String, _ value: Int?) -> Figure {
                Figure(.gauge, "reconcile_\(name)", help, value.map { Double($0) })
            }
            func time(_ name: String, _ help: String, _ value: Nanoseconds?) -> Figure {
                Figure(.gauge, "reconcile_\(name)", unit: .time, help, value.map { Double($0) / 1e9 })
            }
            return [
                Figure(
                    .gauge, "reconcile_good", unit: .flag,
                    "1 when the last comparison with Coder's table could be made; whether both were the same, the others say.",
                    state.isGood.map { $0 ? 1 : 0 }),
                time(
                    "last_try_seconds", "When the last comparison with Coder's table was tried, in seconds since 1970.",
                    state.tried),
                time(
                    "last_seconds", "When the last one that could be made was, in seconds since 1970.",
                    state.outcome?.time),
                count(
                    "equal", "Connections of the last day that the table and the store have alike, then.", counts?.equal
                ),
                count("missing_in_store", "Those that only Coder's table has.", counts?.missingInStore),
                count("missing_in_table", "Those that only the store has.", counts?.missingInTable),
                count("different", "Those that both have, with other ends.", counts?.different),
                count(
                    "unsure", "Those of which it is unsure whether the other has them, too many to be asked for.",
                    counts?.unsure),
            ]
        }
    }
}

extension ReconcileWatch {
    private static func compare(
        _ plan: ReconcilePlan, _ from: Nanoseconds, _ to: Nanoseconds, version: String
    ) async throws -> ReconcileOutcome {
        let path = ShortPath(plan.socket)
        var settings = HTTPSettings(userAgent: "connlog/\(version)")
        settings.localSocket = path.text
        settings.proxy = .none
        let session = HTTPSession(settings)
        var limits = Reconciliation.Limits()
        limits.rows = rowsMax
        let reconciliation = try Reconciliation(
            plan.coder, version: version, server: plan.socket, limits: limits
        ) { query, limit, take in
            let path = Reconciliation.path(query, limit: limit)
            var request = HTTPRequest(.get, "http://localhost\(path)", timeout: patience)
            request.takesBody = take
            switch await session.perform(request).outcome {
            case .success(let response) where response.status == 200: return
            case .success(let response):
                throw ServerMistake(status: response.status, body: response.body).error(plan.socket, query: query)
            case .failure(let failure) where failure.kind == .cancelled: throw CancellationError()
            case .failure(let failure): throw ToolError("\(plan.socket): \(failure.text)")
            }
        }
        defer { withExtendedLifetime(path) {} }
        return try await reconciliation.run(from: from, to: to)
    }
}
#endif
