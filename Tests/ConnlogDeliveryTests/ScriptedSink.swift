import ConnlogCore
import ConnlogTestSupport
import ConnlogSystem
import Synchronization

/// A receiver that takes, refuses or loses batches as a script says, and keeps what it took.
///
/// The outcome comes from the script, in the order of the calls; without one left, everything is delivered. What it
/// tells the delivery and what it keeps agree, as with a real receiver.
actor ScriptedSink: Sink {
    /// What to do with one batch.
    enum Step: Sendable {
        case outcome(SendOutcome)
        /// Refuses each event of this set, as a receiver does that names the first bad one, or none.
        case refuse(Set<Int>, names: Bool)
        /// Takes no more than so many events.
        case atMost(Int)
        case proof(SendOutcome)
    }

    nonisolated let limits: BatchLimits
    private var script: [Step]
    /// Goes on for ever when the script has ended.
    private let habit: Step?
    private(set) var taken: [Int] = []
    private(set) var batches: [[Int]] = []
    private(set) var committedStates: [[UInt8]] = []
    private(set) var openedWith: [[UInt8]?] = []
    private(set) var closes = 0
    private(set) var reopens = 0
    private(set) var sentWhileClosed = 0
    /// Bytes of the largest buffer that came with a batch.
    private(set) var largestBuffer = 0
    private var isOpen = false
    private var commitPoints = 0
    private var proofs: [UInt64: (outcome: SendOutcome, events: [Int])] = [:]
    private var receipts: UInt64 = 0
    private var failingOpens: Int
    private var failingCommits: Int
    /// Opens that fail after the first that did not.
    private var failingReopens: Int
    /// Called at each commit point, with its number from 1.
    private let onCommitPoint: (@Sendable (Int) -> Void)?
    /// What was taken when the last commit point was made: all that survives a failed one.
    private var safe: [Int] = []

    init(
        _ script: [Step] = [], habit: Step? = nil, limits: BatchLimits = BatchLimits(), failingOpens: Int = 0,
        failingCommits: Int = 0, failingReopens: Int = 0, onCommitPoint: (@Sendable (Int) -> Void)? = nil
    ) {
        self.script = script
        self.habit = habit
        self.limits = limits
        self.failingOpens = failingOpens
        self.failingCommits = failingCommits
        self.failingReopens = failingReopens
        self.onCommitPoint = onCommitPoint
    }

    func open(_ committed: [UInt8]?) async throws(SinkError) {
        openedWith.append(committed)
        if failingOpens > 0 {
            failingOpens -= 1
        } else if openedWith.count > 1, failingReopens > 0 {
            failingReopens -= 1
        } else {
            isOpen = true
            return
        }
        isOpen = false
        throw SinkError(Reason("cannot_open", "not now"))
    }

    func send(_ batch: EventBatch) async -> SendOutcome {
        let numbers = TestEvents.numbers(batch)
        batches.append(numbers)
        if !isOpen { sentWhileClosed += 1 }
        largestBuffer = max(largestBuffer, batch.bytes.count)
        let step = script.isEmpty ? habit : script.removeFirst()
        switch step {
        case nil: return take(numbers, .delivered)
        case .outcome(.delivered): return take(numbers, .delivered)
        case .outcome(.deliveredPrefix(let count)): return take(Array(numbers.prefix(count)), .deliveredPrefix(count))
        case .outcome(let outcome): return outcome
        case .refuse(let bad, let names): return refuse(numbers, bad, names)
        case .atMost(let count):
            return numbers.count > count ? .tooLarge(Reason("http_413", "too large")) : take(numbers, .delivered)
        case .proof(let outcome):
            receipts += 1
            proofs[receipts] = (outcome, numbers)
            return .accepted(Receipt(receipts))
        }
    }

    func outcome(of receipt: Receipt) async -> SendOutcome {
        guard let proof = proofs.removeValue(forKey: receipt.number) else { return .delivered }
        if proof.outcome == .delivered { taken += proof.events }
        return proof.outcome
    }

    func commitPoint() async throws(SinkError) -> [UInt8] {
        commitPoints += 1
        onCommitPoint?(commitPoints)
        if failingCommits > 0 {
            failingCommits -= 1
            taken = safe
            isOpen = false
            throw SinkError(Reason("sync_failed", "what was written since the last commit is in doubt"))
        }
        safe = taken
        return Array("\(taken.count)".utf8)
    }

    func committed() async { committedStates.append(Array("\(taken.count)".utf8)) }
    func reopen() async { reopens += 1 }
    func close() async { closes += 1 }

    private func take(_ numbers: [Int], _ outcome: SendOutcome) -> SendOutcome {
        taken += numbers
        return outcome
    }

    private func refuse(_ numbers: [Int], _ bad: Set<Int>, _ names: Bool) -> SendOutcome {
        guard let index = numbers.firstIndex(where: { bad.contains($0) }) else { return take(numbers, .delivered) }
        let reason = Reason("http_400_6", "Invalid data format")
        guard names else { return .rejected(reason) }
        taken += numbers[..<index]
        return .rejected(at: index, reason)
    }
}
