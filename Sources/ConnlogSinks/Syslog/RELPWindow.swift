internal import ConnlogCore
internal import ConnlogSystem

/// What a RELP receiver has said of each message that was sent to it.
///
/// A message is done when its own response is there. A batch is done when each of its messages is; or when the session
/// broke, which leaves those without a response to be sent again. What a batch came to is the sink's outcome:
/// the leading messages that were taken are delivered, the first that was refused is rejected with its number. What is
/// known of those after it is kept: when the delivery sends the rest again, only what the receiver has not got goes out.
struct RELPWindow {
    private enum State: UInt8 { case pending, taken, refused }

    private struct Entry {
        let receipt: Receipt
        let batch: EventBatch
        var states: [State]
        var reasons: [Int: Reason] = [:]
        /// Messages that are to be sent or that have no response yet.
        var open: Int
        /// All that will be sent has been sent.
        var isWritten = false
    }

    private struct Sent {
        let entry: UInt64
        let place: Int
        let bytes: Int
        var isAnswered = false
    }

    private var entries: [Entry] = []
    /// Rests of batches of which something is known.
    private var rests: [Entry] = []
    private var nextEntry: UInt64 = 1
    // Messages without a response, in the order of their numbers; the first `head` are done with.
    private var sent: [Sent] = []
    private var head = 0
    /// The command that `sent[head]` was.
    private var headSequence: UInt64 = 1
    private(set) var bytesOpen = 0
    /// Commands that a response was received for.
    private(set) var answers: UInt64 = 0
    private(set) var untoldBreak: SendOutcome?

    var messagesOpen: Int { sent.count - head }
    /// The command that comes next.
    var nextSequence: UInt64 { headSequence + UInt64(messagesOpen) }
    var isSettled: Bool { messagesOpen == 0 }

    // MARK: Sending

    /// Takes a batch in; with what is known of it already, when it is the rest of an earlier one.
    mutating func begin(_ batch: EventBatch) -> Receipt {
        let receipt = Receipt(nextEntry)
        nextEntry += 1
        var entry = Entry(
            receipt: receipt, batch: batch, states: Array(repeating: .pending, count: batch.count), open: batch.count)
        if let known = rests.firstIndex(where: { RELPWindow.isSame($0.batch, batch) }) {
            let rest = rests.remove(at: known)
            (entry.states, entry.reasons) = (rest.states, rest.reasons)
            entry.open = entry.states.count { $0 == .pending }
        }
        entries.append(entry)
        return receipt
    }

    private static func isSame(_ left: EventBatch, _ right: EventBatch) -> Bool {
        guard left.count == right.count, left.recordBytes == right.recordBytes else { return false }
        return (0..<left.count).allSatisfy { index in
            let (one, other) = (left.record(index), right.record(index))
            return one.count == other.count && one.indices.allSatisfy { one[$0] == other[$0] }
        }
    }

    /// Whether a message of the batch that was begun last has to go out.
    func mustSend(_ place: Int) -> Bool { entries[entries.count - 1].states[place] == .pending }

    /// A message of the batch that was begun last goes out as the next command.
    mutating func add(_ place: Int, bytes: Int) {
        sent.append(Sent(entry: entries[entries.count - 1].receipt.number, place: place, bytes: bytes))
        bytesOpen += bytes
    }

    /// A record of the batch that was begun last is refused before it is sent.
    mutating func refuse(_ place: Int, _ reason: Reason) {
        settle(entries.count - 1, place, .refused, reason)
    }

    /// The batch that was begun last is all out.
    mutating func endWriting() { entries[entries.count - 1].isWritten = true }

    // MARK: Responses

    /// A response has come.
    /// - Parameter reason: why the message was refused; `nil` if it was taken.
    /// - Returns: `false` for a number that no open command has.
    mutating func answer(_ number: UInt64, _ reason: Reason?) -> Bool {
        // Responses come in the order of the commands; but nothing here depends on it.
        var place = head
        var sequence = headSequence
        while place < sent.count, RELPFrame.number(sequence) != number {
            place += 1
            sequence += 1
        }
        guard place < sent.count, !sent[place].isAnswered else { return false }
        sent[place].isAnswered = true
        answers += 1
        let entry = sent[place].entry
        if let index = entries.firstIndex(where: { $0.receipt.number == entry }) {
            settle(index, sent[place].place, reason == nil ? .taken : .refused, reason)
        }
        while head < sent.count, sent[head].isAnswered {
            bytesOpen -= sent[head].bytes
            head += 1
            headSequence += 1
        }
        if head > 4096 || head == sent.count {
            sent.removeSubrange(..<head)
            head = 0
        }
        return true
    }

    private mutating func settle(_ index: Int, _ place: Int, _ state: State, _ reason: Reason?) {
        entries[index].states[place] = state
        if let reason { entries[index].reasons[place] = reason }
        entries[index].open -= 1
    }

    // MARK: The session

    /// A new session: its first command is `open`.
    /// - Parameter sequence: of the next command, which a test may put close to the end of the numbers.
    mutating func restart(at sequence: UInt64 = 2) {
        sent.removeAll(keepingCapacity: true)
        head = 0
        headSequence = sequence
        bytesOpen = 0
        answers = 0
    }

    /// The session is gone; everything without a response has to be sent again.
    mutating func breakOff(_ failure: SendOutcome) {
        for index in entries.indices where entries[index].open > 0 && entries[index].isWritten { untoldBreak = failure }
        restart()
        failureOfBroken = failure
        brokenBefore = nextEntry
    }

    private var failureOfBroken: SendOutcome?
    /// Entries before this one were begun when the session that broke was there.
    private var brokenBefore: UInt64 = 0

    // MARK: Outcomes

    /// What became of a batch, which is forgotten then; `nil` while it is under way.
    mutating func take(_ receipt: Receipt) -> SendOutcome? {
        guard let index = entries.firstIndex(where: { $0.receipt == receipt }) else {
            return .retry(Reason("receipt_unknown", "it is not known what became of this batch", mayRepeat: true))
        }
        let isBroken = receipt.number < brokenBefore
        guard entries[index].open == 0 || isBroken else { return nil }
        let entry = entries.remove(at: index)
        if entry.open > 0 { untoldBreak = nil }
        return outcome(entry)
    }

    private mutating func outcome(_ entry: Entry) -> SendOutcome {
        guard let first = entry.states.firstIndex(where: { $0 != .taken }) else { return .delivered }
        if entry.states[first] == .refused, let reason = entry.reasons[first] {
            keepRest(entry, from: first + 1)
            return .rejected(at: first, reason)
        }
        keepRest(entry, from: first)
        return first == 0 ? failureOfBroken ?? RELPWindow.lost : .deliveredPrefix(first)
    }

    private static let lost = SendOutcome.retry(
        Reason("connection_closed", "the session ended before the receiver had answered", mayRepeat: true))

    private mutating func keepRest(_ entry: Entry, from first: Int) {
        guard entry.states[first...].contains(where: { $0 != .pending }) else { return }
        var rest = Entry(
            receipt: entry.receipt, batch: entry.batch.slice(first..<entry.batch.count),
            states: Array(entry.states[first...]), open: 0)
        for (place, reason) in entry.reasons where place >= first { rest.reasons[place - first] = reason }
        rests.append(rest)
        // The delivery sends rests again at once, and has only so many batches under way.
        if rests.count > 16 { rests.removeFirst() }
    }

    /// Nobody will ask for it.
    mutating func forget(_ receipt: Receipt) {
        entries.removeAll { $0.receipt == receipt }
        if entries.isEmpty { untoldBreak = nil }
    }

    mutating func forgetAll() {
        entries.removeAll()
        rests.removeAll()
        untoldBreak = nil
    }
}
