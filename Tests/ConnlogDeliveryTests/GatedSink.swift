import ConnlogCore
import ConnlogTestSupport
import Synchronization

/// A receiver whose every answer is given by the test.
actor GatedSink: Sink {
    nonisolated let limits: BatchLimits
    /// The batches in the order in which they were begun.
    private(set) var begun: [[Int]] = []
    private(set) var commits = 0
    private(set) var reopens = 0
    private(set) var closes = 0
    private var waiting: [Int: CheckedContinuation<SendOutcome, Never>] = [:]
    private nonisolated let allowed: Mutex<Int>
    /// What a cancelled send says; without it, a send does not listen.
    private let whenCancelled: SendOutcome?

    init(limits: BatchLimits, whenCancelled: SendOutcome? = nil) {
        self.limits = limits
        allowed = Mutex(limits.inFlight)
        self.whenCancelled = whenCancelled
    }

    nonisolated var inFlightNow: Int { allowed.withLock { $0 } }
    nonisolated func allow(_ count: Int) { allowed.withLock { $0 = count } }

    func send(_ batch: EventBatch) async -> SendOutcome {
        let number = begun.count
        begun.append(TestEvents.numbers(batch))
        return await withTaskCancellationHandler {
            await withCheckedContinuation { waiting[number] = $0 }
        } onCancel: {
            guard let whenCancelled else { return }
            Task { await self.answer(number, whenCancelled) }
        }
    }

    /// Ends the send with this number, counted from 0 in the order in which they were begun.
    func answer(_ number: Int, _ outcome: SendOutcome) {
        waiting.removeValue(forKey: number)?.resume(returning: outcome)
    }

    func commitPoint() async throws(SinkError) -> [UInt8] {
        commits += 1
        return []
    }

    func reopen() async { reopens += 1 }
    func close() async { closes += 1 }

    /// Waits until so many sends have begun.
    func untilBegun(_ count: Int) async {
        while begun.count < count, !Task.isCancelled { await Task.yield() }
    }
}
