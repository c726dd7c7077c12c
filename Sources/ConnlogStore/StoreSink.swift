#if Server
package import ConnlogCore
import ConnlogSystem
import Synchronization

/// The store as a sink like the others.
///
/// # Exactly once
/// The place in the queue is stored in the transaction that stores the events, so what is sent again after a crash is
/// left out by its place. `delivered` means on the disk.
///
/// A store that was moved away begins anew with what the queue still has; one that was copied back from a backup misses
/// what came between: connlog cannot see that.
package final class StoreSink: Sink {
    package let limits = BatchLimits(events: 40_000, bytes: 32 << 20, wait: .milliseconds(200))

    private let holder: StoreHolder
    private let reserve: DiskReserve?
    private let log: LogFunction
    private let thread = ThreadExecutor("store keeper")
    private let keeper: StoreKeeper
    private let keeping = Mutex<Task<Void, Never>?>(nil)

    /// - Parameter reserve: what is left free of the disk; `nil`: nothing is.
    package init(_ holder: StoreHolder, reserve: DiskReserve? = nil, log: @escaping LogFunction) {
        self.holder = holder
        self.reserve = reserve
        self.log = log
        keeper = StoreKeeper(holder, log)
    }

    package var figures: [Figure] { holder.figures }

    package func open(_ committed: [UInt8]?) async throws(SinkError) {
        do throws(StoreProblem) {
            tell(try holder.open())
        } catch {
            throw SinkError(StoreSink.reason(error))
        }
        keeping.withLock { task in
            if task == nil { task = Task(executorPreference: thread) { await self.keep() } }
        }
    }

    package func send(_ batch: EventBatch) async -> SendOutcome { take(batch, nil) }

    package func send(_ batch: EventBatch, at place: EventPlace) async -> SendOutcome { take(batch, place) }

    private func take(_ batch: EventBatch, _ place: EventPlace?) -> SendOutcome {
        let lack = reserve?.lack(batch.recordBytes) { holder.store.flatMap { try? $0.freeBytes() } ?? 0 }
        if let lack { return .retry(StoreSink.reason(lack)) }
        do throws(StoreProblem) {
            let outcome = try holder.open().apply(
                batch, at: place, arrival: holder.time.latest(), isCertain: holder.time.isProven)
            holder.count {
                $0.rows += outcome.added
                $0.merged += outcome.merged
                $0.known += outcome.known
            }
            holder.tellChange()
            return .delivered
        } catch {
            return error.isDamage ? .hold(StoreSink.reason(error)) : .retry(StoreSink.reason(error))
        }
    }

    package func close() async {
        let task = keeping.withLock { $0 }
        task?.cancel()
        await task?.value
    }

    private static func reason(_ problem: StoreProblem) -> Reason {
        let label =
            switch problem.kind {
            case .damage: "store_damaged"
            case .diskLow: "store_disk_low"
            default: "store_unwritable"
            }
        return Reason(label, problem.description)
    }

    // MARK: - Beside the batches

    /// How often it is looked whether the file is still there, and whether something is too old.
    private static let lookPause = Duration.seconds(1)
    private static let looksPerRetention = 10

    private func keep() async {
        var pace = TroublePace()
        var looks = 0
        while !Task.isCancelled {
            var trouble: String?
            do throws(StoreProblem) {
                let store = try holder.open()
                try store.look()
                holder.measure()
                tell(store)
                if looks.isMultiple(of: StoreSink.looksPerRetention) { try keeper.retain() }
            } catch {
                // A file that is opened anew says so itself.
                if error.kind != .replaced { trouble = error.description }
            }
            if let words = pace.words(trouble, now: holder.time.counted) { log(.error, words) }
            looks += 1
            try? await Task.sleep(for: StoreSink.lookPause)
        }
    }

    /// What happened to the file.
    private func tell(_ store: ConnectionStore) {
        for notice in store.takeNotices() { log(.warning, notice) }
    }

    // MARK: - Trials

    package func connectTrial() async -> [TrialFinding] {
        do throws(StoreProblem) {
            let events = try await holder.open().newestEvent()
            return [.good("\(holder.path) can be opened; \(events) events have come in so far")]
        } catch {
            return [.failed(error.description)]
        }
    }

    package func sendTrial(_ batch: EventBatch) async -> [TrialFinding] {
        [.notSent("a test event would stay among the connections, so none is stored")]
    }
}
#endif
