/// One channel, and what Splunk has accepted on it and not yet proven to be indexed. Pure bookkeeping.
///
/// Splunk counts the requests of a channel from 0 and says of a number `true` once, when its events are indexed, and
/// `false` for everything else: not yet, long ago, never heard of. The state is in the memory of one indexer. One that
/// was restarted, or another one after the same address, counts from 0 again, so that a number gets another meaning.
/// Nothing may be taken for proven by such a mistake, hence:
///
/// - One request at a time, so that numbers have to rise. Where one does not, the channel takes no more requests; if
///   that number is still waited for, nobody can say which request it stands for, and both are sent again.
/// - After a request whose reply was lost, the channel takes no more either. Only the first number of all could have
///   been given anew to that request, so whoever waits for that one is sent again.
/// - The first number is not asked for while a request is under way, for the same reason.
/// - A cookie that changes means that another indexer answers now: no more requests; what is waited for is still
///   asked for with the old cookie.
///
/// What is waited for ends with `true`, or at a deadline. It is nearer (`doubt`) where the state is probably gone: the
/// reply that told it was lost, or the indexer was restarted.
struct HECChannel: Sendable {
    /// What becomes of what was waited for, by receipt.
    enum Settled: Sendable, Equatable {
        case proven(UInt64)
        case lost(UInt64, HECLoss)
    }

    private struct Pending {
        let receipt: UInt64
        let since: Duration
        var deadline: Duration
    }

    /// Numbers asked for in one poll; a lost reply puts no more than these in doubt.
    static let askedMax = 1000
    /// How much less time there is for what is in doubt.
    static let doubtDivisor = 10

    let name: String
    private let timeout: Duration
    /// Takes no more requests.
    private(set) var isRetired = false
    private(set) var isSending = false
    private var isFirstAsked = false
    private var firstNumber: UInt64?
    private var lastNumber: UInt64?
    private var pending: [UInt64: Pending] = [:]
    private var cookies: [(name: String, value: String)] = []

    init(name: String, timeout: Duration) {
        self.name = name
        self.timeout = timeout
    }

    var mayBegin: Bool { !isRetired && !isSending && !isFirstAsked }
    var waiting: Int { pending.count }
    /// Since when the oldest waits.
    var oldest: Duration? { pending.values.map(\.since).min() }
    /// Nobody needs it any more.
    var isOver: Bool { isRetired && !isSending && pending.isEmpty }

    // MARK: requests

    mutating func begin() { isSending = true }

    mutating func retire() { isRetired = true }

    /// The request under way was taken under this number.
    mutating func accepted(_ number: UInt64, receipt: UInt64, now: Duration) -> [Settled] {
        isSending = false
        let entry = Pending(receipt: receipt, since: now, deadline: now + timeout)
        let isRising = lastNumber.map { number > $0 } ?? true
        lastNumber = number
        if isRising || pending.isEmpty {
            if !isRising || firstNumber == nil { firstNumber = number }
            pending[number] = entry
            return []
        }
        isRetired = true
        doubt(Array(pending.keys), now: now)
        guard let other = pending.removeValue(forKey: number) else {
            pending[number] = entry
            return []
        }
        return [.lost(other.receipt, .recounted), .lost(receipt, .recounted)]
    }

    /// The request under way ended without a number.
    /// - Parameter replyLost: it may have been taken all the same.
    mutating func ended(replyLost: Bool) -> [Settled] {
        isSending = false
        guard replyLost else { return [] }
        isRetired = true
        guard let firstNumber, let first = pending.removeValue(forKey: firstNumber) else { return [] }
        return [.lost(first.receipt, .recounted)]
    }

    // MARK: polls

    /// The numbers to ask for now, oldest first.
    mutating func ask() -> [UInt64] {
        let numbers = pending.keys.filter { !isSending || $0 != firstNumber }.sorted().prefix(HECChannel.askedMax)
        isFirstAsked = firstNumber.map { numbers.contains($0) } ?? false
        return Array(numbers)
    }

    /// - Parameter states: what the reply said; only of the numbers `asked` for it counts.
    mutating func answered(_ asked: [UInt64], _ states: [UInt64: Bool]) -> [Settled] {
        isFirstAsked = false
        return asked.compactMap { number in
            guard states[number] == true, let entry = pending.removeValue(forKey: number) else { return nil }
            return .proven(entry.receipt)
        }
    }

    /// There was no answer. It is never taken for one.
    /// - Parameter isInDoubt: the answer may have been given and lost, and it is given once.
    mutating func unanswered(_ asked: [UInt64], isInDoubt: Bool, now: Duration) {
        isFirstAsked = false
        if isInDoubt { doubt(asked, now: now) }
    }

    mutating func doubt(_ numbers: [UInt64], now: Duration) {
        let deadline = now + timeout / HECChannel.doubtDivisor
        for number in numbers {
            guard let entry = pending[number], entry.deadline > deadline else { continue }
            pending[number]?.deadline = deadline
        }
    }

    /// Whose time is over.
    mutating func expire(now: Duration) -> [Settled] {
        let late = pending.filter { $0.value.deadline <= now }
        guard !late.isEmpty else { return [] }
        // The state of the rest may be lost as well, so new requests go elsewhere.
        isRetired = true
        for number in late.keys { pending[number] = nil }
        return late.values.map(\.receipt).sorted().map { .lost($0, .timeout) }
    }

    /// There will be no proof of anything.
    mutating func giveUp(_ loss: HECLoss) -> [Settled] {
        isRetired = true
        defer { pending = [:] }
        return pending.values.map(\.receipt).sorted().map { .lost($0, loss) }
    }

    // MARK: cookies

    /// As the Cookie header wants them.
    var cookieHeader: String? {
        cookies.isEmpty ? nil : cookies.map { "\($0.name)=\($0.value)" }.joined(separator: "; ")
    }

    /// Takes the cookies of a reply, each as in Set-Cookie. The first ones bind the channel to its indexer; when one of
    /// them changes, the channel is retired.
    mutating func keep(_ lines: [String], now: Duration) {
        for line in lines {
            let pair = line.prefix { $0 != ";" }
            guard let equals = pair.firstIndex(of: "="), equals > pair.startIndex else { continue }
            let (name, value) = (String(pair[..<equals]), String(pair[pair.index(after: equals)...]))
            if let known = cookies.first(where: { $0.name == name }) {
                guard known.value != value else { continue }
                isRetired = true
                doubt(Array(pending.keys), now: now)
            } else {
                cookies.append((name, value))
            }
        }
    }
}

/// Why a proof will not come. The events are sent again, and may arrive twice.
enum HECLoss: Sendable, Equatable {
    /// None came within the time allowed.
    case timeout
    /// The numbers began anew.
    case recounted
    /// The token has no acknowledgements any more.
    case disabled
}
