internal import ConnlogCore
internal import ConnlogSystem
internal import Synchronization

/// Waits for Splunk to prove what it accepted: holds the channels, polls them, and settles receipts.
///
///     send ── begin ─▶ a channel for one request ── end(.accepted) ─▶ receipt ── outcome(of:) ─▶ proof
///                                                        poll ─▶ /services/collector/ack ─▶┘
///
/// As many channels per endpoint as requests at once (see `HECChannel` for why one takes one at a time), each polled
/// by a task of its own while it waits for something: after 1 s, then less often up to every 10 s while nothing new is
/// told. A poll asks for up to 1000 requests. Where numbers keep beginning anew, several indexers answer at one address
/// without sticky sessions; then each request gets a channel of its own, so that no number has two meanings.
final class HECAcknowledgements: Sendable {
    /// How the request of a channel ended.
    enum Ended: Sendable {
        /// With success, and a number if the token has acknowledgements.
        case accepted(number: UInt64?)
        case refused
        /// It may have been taken.
        case replyLost
    }

    /// What is asked of an endpoint.
    struct Question: Sendable {
        let endpoint: Int
        let channel: String
        let cookies: String?
        let numbers: [UInt64]
    }

    /// A channel taken for one request.
    struct ChannelUse: Sendable {
        let number: UInt64
        let channel: String
        let cookies: String?
    }

    /// For people who wonder what is waited for.
    struct Status: Sendable, Equatable {
        /// Requests accepted and not proven.
        var waiting = 0
        /// For how long the oldest has been waited for.
        var oldest = Duration.zero
        var proven = 0
        var lost = 0
    }

    typealias Ask = @Sendable (Question) async -> Result<HTTPResponse, HTTPFailure>

    struct Channel {
        let endpoint: Int
        var channel: HECChannel
        var isAsking = false
        var poller: Task<Void, Never>?
    }

    enum ReceiptState {
        case open
        case waiting(CheckedContinuation<SendOutcome, Never>)
        case settled(SendOutcome)
    }

    struct State {
        var channels: [UInt64: Channel] = [:]
        var receipts: [UInt64: ReceiptState] = [:]
        var lastNumber: UInt64 = 0
        /// Per endpoint: how often in a row numbers began anew.
        var recounts: [Int: Int] = [:]
        /// Per endpoint: what was said last about polls that fail.
        var toldTrouble: [Int: String] = [:]
        var proven = 0
        var lost = 0

        mutating func nextNumber() -> UInt64 {
            lastNumber += 1
            return lastNumber
        }
    }

    static let pollMin = Duration.seconds(1)
    static let pollMax = Duration.seconds(10)
    /// From so many on, an endpoint is taken to be several indexers.
    private static let recountsMax = 3

    let names: [String]
    let timeout: Duration
    let clock: HECClock
    let ask: Ask
    let log: LogFunction
    let state = Mutex(State())

    /// - Parameters:
    ///   - names: the endpoints', for people.
    ///   - timeout: how long a proof is waited for.
    init(names: [String], timeout: Duration, clock: HECClock, log: @escaping LogFunction, ask: @escaping Ask) {
        self.names = names
        self.timeout = timeout
        self.clock = clock
        self.log = log
        self.ask = ask
    }

    var status: Status {
        let now = clock.elapsed()
        return state.withLock { state in
            let channels = state.channels.values.map(\.channel)
            return Status(
                waiting: channels.reduce(0) { $0 + $1.waiting },
                oldest: channels.compactMap(\.oldest).min().map { now - $0 } ?? .zero,
                proven: state.proven, lost: state.lost)
        }
    }

    // MARK: requests

    /// A channel for one request to this endpoint; `end` gives it back.
    func begin(_ endpoint: Int) -> ChannelUse {
        state.withLock { state in
            let isScattered = state.recounts[endpoint, default: 0] >= HECAcknowledgements.recountsMax
            let free = state.channels.filter { $0.value.endpoint == endpoint && $0.value.channel.mayBegin }.keys.min()
            let number = isScattered ? makeChannel(endpoint, &state) : free ?? makeChannel(endpoint, &state)
            state.channels[number]?.channel.begin()
            if isScattered { state.channels[number]?.channel.retire() }
            let channel = state.channels[number]?.channel
            return ChannelUse(number: number, channel: channel?.name ?? "", cookies: channel?.cookieHeader)
        }
    }

    private func makeChannel(_ endpoint: Int, _ state: inout State) -> UInt64 {
        var generator = SystemRandomNumberGenerator()
        let number = state.nextNumber()
        let channel = HECChannel(name: HECChannelName.make(using: &generator), timeout: timeout)
        state.channels[number] = Channel(endpoint: endpoint, channel: channel)
        return number
    }

    /// Gives a channel back. Returns what the batch's outcome is if it was accepted under a number.
    /// - Parameter isUsable: the channel's name was not refused.
    func end(_ channelUse: ChannelUse, _ ended: Ended, cookies: [String], isUsable: Bool = true) -> SendOutcome? {
        let now = clock.elapsed()
        let (outcome, settled): (SendOutcome?, [Resumption]) = state.withLock { state in
            guard var channel = state.channels[channelUse.number]?.channel,
                let endpoint = state.channels[channelUse.number]?.endpoint
            else { return (nil, []) }
            channel.keep(cookies, now: now)
            if !isUsable { channel.retire() }
            var outcome: SendOutcome?
            var settled: [HECChannel.Settled] = []
            switch ended {
            case .accepted(let number?):
                let receipt = state.nextNumber()
                state.receipts[receipt] = .open
                outcome = .accepted(Receipt(receipt))
                settled = channel.accepted(number, receipt: receipt, now: now)
                noteRecounts(settled, endpoint, &state)
            case .accepted(nil), .refused: settled = channel.ended(replyLost: false)
            case .replyLost: settled = channel.ended(replyLost: true)
            }
            store(channel, channelUse.number, &state)
            return (outcome, settle(settled, endpoint, &state))
        }
        for resumption in settled { resumption.run() }
        return outcome
    }

    private func noteRecounts(_ settled: [HECChannel.Settled], _ endpoint: Int, _ state: inout State) {
        guard !settled.isEmpty else { return }
        state.recounts[endpoint, default: 0] += 1
        guard state.recounts[endpoint] == HECAcknowledgements.recountsMax else { return }
        let text =
            "\(names[endpoint]) keeps counting acknowledgements anew, as several indexers behind one address without "
            + "sticky sessions do; each request gets a channel of its own now, which costs more polls"
        log(.warning, text)
    }

    /// Keeps a channel, starts to poll it if there is something to ask for, or forgets it.
    func store(_ channel: HECChannel, _ number: UInt64, _ state: inout State) {
        state.channels[number]?.channel = channel
        if channel.waiting > 0, state.channels[number]?.poller == nil {
            state.channels[number]?.poller = Task { [weak self] in if let self { await self.poll(number) } }
        } else if channel.isOver {
            state.channels.removeValue(forKey: number)?.poller?.cancel()
        }
    }

    // MARK: proof

    /// Waits until the receipt's batch is proven, or will not be.
    func outcome(of receipt: Receipt) async -> SendOutcome {
        let number = receipt.number
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let outcome: SendOutcome? = state.withLock { state in
                    switch state.receipts[number] {
                    case .settled(let outcome)?:
                        state.receipts[number] = nil
                        return outcome
                    case .open?:
                        state.receipts[number] = .waiting(continuation)
                        return nil
                    case .waiting?, nil: return HECAcknowledgements.forgotten
                    }
                }
                if let outcome { continuation.resume(returning: outcome) }
            }
        } onCancel: {
            let resumption = state.withLock { settle(number, HECAcknowledgements.cancelled, &$0) }
            resumption?.run()
        }
    }

    private static let cancelled = SendOutcome.retry(
        Reason("cancelled", "stopped before Splunk had acknowledged", mayRepeat: true))
    private static let forgotten = SendOutcome.retry(
        Reason("ack_forgotten", "the acknowledgement is not waited for any more", mayRepeat: true))

    /// A task to wake, once the lock is free.
    struct Resumption {
        let continuation: CheckedContinuation<SendOutcome, Never>
        let outcome: SendOutcome
        func run() { continuation.resume(returning: outcome) }
    }

    private func settle(_ receipt: UInt64, _ outcome: SendOutcome, _ state: inout State) -> Resumption? {
        switch state.receipts[receipt] {
        case .waiting(let continuation)?:
            state.receipts[receipt] = nil
            return Resumption(continuation: continuation, outcome: outcome)
        case .open?: state.receipts[receipt] = .settled(outcome)
        case .settled?, nil: break
        }
        return nil
    }

    func settle(_ settled: [HECChannel.Settled], _ endpoint: Int, _ state: inout State) -> [Resumption] {
        settled.compactMap { one in
            switch one {
            case .proven(let receipt):
                state.proven += 1
                return settle(receipt, .delivered, &state)
            case .lost(let receipt, let loss):
                state.lost += 1
                return settle(receipt, .retry(after: nil, loss.reason(names[endpoint], timeout)), &state)
            }
        }
    }

    // MARK: the end

    /// Forgets everything; whoever waits is told to send again.
    func forget() {
        let resumptions: [Resumption] = state.withLock { state in
            for channel in state.channels.values { channel.poller?.cancel() }
            state.channels = [:]
            let waiting = state.receipts.keys.compactMap { settle($0, HECAcknowledgements.forgotten, &state) }
            state.receipts = [:]
            return waiting
        }
        for resumption in resumptions { resumption.run() }
    }
}
