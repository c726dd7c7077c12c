public import ConnlogCore
internal import ConnlogConfig
public import ConnlogSystem
internal import Synchronization

/// Sends events to Splunk's HTTP Event Collector.
///
/// Each batch is one request. What a reply means stands in `HECReplyTable` and `HECStatusTable`, what an envelope looks
/// like in `HECEnvelope`. Nothing is sent again here but to another endpoint when the first one certainly took nothing.
///
/// What a commit proves depends on the token. With indexer acknowledgement a batch is `accepted` first and `delivered`
/// only when Splunk says that it is indexed (see `HECAcknowledgements`). Without, `delivered` means what Splunk means by
/// code 0: received and well-formed, before the indexing pipeline.
///
/// The sink mends by itself what a reply tells it how to mend: it names a channel when the token wants one, stops
/// compressing when that is not understood, slows down when asked to, and reads the token again for every request, so
/// that a new one counts from the next request on. The token appears in the Authorization header and nowhere else.
public final class SplunkHECSink: Sink {
    struct State {
        var endpoints: HECEndpoints
        /// One for each endpoint.
        var tallies: [HECTally]
        /// `nil` where the number of requests at once is fixed.
        var concurrency: HECConcurrency?
        var suspects = HECSuspects()
        /// The token as it was read last, and since when it has been that one, on the sink's clock.
        var token: (text: String, since: Duration)?
        var compresses: Bool
        var session: HTTPSession?
        var idleMemories: [HECRequestMemory] = []
        /// What was said last about each endpoint, so that it is said once.
        var toldTrouble: [Int: String] = [:]
        /// Somebody has to mend something; with what was refused.
        var heldWith: HECCredentials?
    }

    /// How large batches are, and how many are under way at once: see `Sink.limits`.
    public let limits: BatchLimits
    /// The longest that one call may take by its own timeouts: see `Sink.patience`.
    public var patience: Duration { max(settings.timeout, settings.ackTimeout) }
    let settings: Settings
    let log: LogFunction
    let clock: HECClock
    let wallTime: any WallTime
    let state: Mutex<State>
    let acknowledgements: HECAcknowledgements

    private static let statusesThatClose: Set<Int> = [429, 502, 503]
    /// Bytes on their way that are not proven, at most; a crash sends them again.
    private static let unprovenBytesMax = 1 << 30

    init(
        _ settings: Settings, log: @escaping LogFunction, wallTime: any WallTime = SystemWallTime(),
        clock: HECClock = .system
    ) {
        self.settings = settings
        self.log = log
        self.wallTime = wallTime
        self.clock = clock
        var limits = settings.limits
        limits.bytesPerEvent = HECEnvelope(settings.format, settings.metadata).bytesPerEvent
        limits.proofs = .together(min(4096, max(64, SplunkHECSink.unprovenBytesMax / max(1, limits.bytes))))
        self.limits = limits
        var endpoints = settings.endpoints
        for index in endpoints.indices where settings.ack == .on { endpoints[index].wantsChannel = true }
        state = Mutex(
            State(
                endpoints: HECEndpoints(endpoints), tallies: endpoints.map { _ in HECTally() },
                concurrency: settings.adaptsConcurrency ? HECConcurrency(most: limits.inFlight) : nil,
                compresses: settings.compresses))
        let box = Poll()
        acknowledgements = HECAcknowledgements(
            names: settings.endpoints.map(\.name), timeout: settings.ackTimeout, clock: clock, log: log,
            ask: { question in await box.ask(question) })
        box.sink.withLock { $0.sink = self }
    }

    /// Breaks the circle between the sink and its acknowledgements.
    private final class Poll: Sendable {
        struct Reference { weak var sink: SplunkHECSink? }
        let sink = Mutex(Reference())

        func ask(_ question: HECAcknowledgements.Question) async -> Result<HTTPResponse, HTTPFailure> {
            guard let sink = sink.withLock({ $0.sink }) else {
                return .failure(HTTPFailure(kind: .cancelled, text: "the sink is closed"))
            }
            return await sink.poll(question)
        }
    }

    /// Gets ready, from where the committed state says: see `Sink.open(_:)`.
    public func open(_ committed: [UInt8]?) async throws(SinkError) {
        // Whatever was under way is read from the queue again.
        acknowledgements.forget()
        do throws(SecretError) { _ = try settings.token.read() } catch {
            throw SinkError(tokenReason(error))
        }
        for endpoint in settings.endpoints where !endpoint.isEncrypted {
            log(
                .warning, "\(endpoint.name) is not encrypted, so the token can be read on the way; use https"
            )
        }
        if !settings.http.verifiesServer, settings.http.pinnedPublicKey == nil {
            log(.warning, "tls_verify is off, so anybody can pose as Splunk; use tls_ca instead")
        }
    }

    /// Sends a batch and tells what became of it: see `Sink.send(_:)`.
    public func send(_ batch: EventBatch) async -> SendOutcome {
        // An empty body is an error to Splunk (code 5).
        guard !batch.isEmpty else { return .delivered }
        let credentials = credentials
        let token: String
        do throws(SecretError) { token = try settings.token.read() } catch {
            state.withLock { $0.heldWith = credentials }
            return .hold(tokenReason(error))
        }
        let (order, compresses) = state.withLock { state in
            let now = clock.elapsed()
            if state.token?.text != token { state.token = (token, now) }
            return (state.endpoints.order(now: now), state.compresses)
        }
        let memory = takeMemory()
        memory.encode(batch, compressing: compresses)
        let outcome = await sendToOne(of: order, memory, token)
        state.withLock { state in
            state.idleMemories.append(memory)
            if case .hold = outcome { state.heldWith = credentials } else { state.heldWith = nil }
        }
        return outcome
    }

    /// What became of a batch that was accepted: see `Sink.outcome(of:)`.
    public func outcome(of receipt: Receipt) async -> SendOutcome { await acknowledgements.outcome(of: receipt) }

    /// SIGHUP: certificates are read again and the collectors looked at with fresh eyes.
    public func reopen() async {
        state.withLock { state in
            state.session = nil
            state.compresses = settings.compresses
            state.endpoints.forgetTroubles()
            state.toldTrouble = [:]
        }
    }

    /// Lets go of everything that is open: see `Sink.close()`.
    public func close() async {
        acknowledgements.forget()
        state.withLock { state in
            state.session = nil
            state.idleMemories = []
        }
    }

    // MARK: sending

    /// Tries the endpoints in order until one says something that another cannot mend.
    private func sendToOne(of order: [Int], _ memory: HECRequestMemory, _ token: String) async -> SendOutcome {
        var worst: SendOutcome?
        for index in order {
            let verdict = await attempt(index, memory, token)
            if let outcome = verdict.finalOutcome { return outcome }
            if Task.isCancelled { return verdict.outcome }
            // A busy collector comes back sooner than somebody who mends a configuration.
            if case .retry? = worst { continue }
            worst = verdict.outcome
        }
        return worst ?? .retry(Reason("cancelled", "the batch was not sent"))
    }

    /// Where a request goes, and how it was there when it began.
    struct Target: Sendable {
        let index: Int
        let endpoint: HECEndpoint
        let token: String
        /// Of the concurrency so far; `nil` where that is fixed.
        let cuts: Int?
        /// The findings of a trial say what becomes of it, so the log need not.
        let isTrial: Bool
    }

    /// Sends to one endpoint what a request's memory holds, and learns from the reply.
    func attempt(
        _ index: Int, _ memory: HECRequestMemory, _ token: String, isTrial: Bool = false
    ) async -> HECVerdict {
        let target = state.withLock { state in
            state.endpoints[index].began()
            return Target(
                index: index, endpoint: state.endpoints[index], token: token, cuts: state.concurrency?.cuts,
                isTrial: isTrial)
        }
        defer { state.withLock { $0.endpoints[index].ended() } }
        if target.endpoint.pace > .zero { await clock.sleep(target.endpoint.pace) }
        if let refusal = await checkAcknowledgement(target) { return refusal }
        var verdict = await exchange(target, memory)
        await findCulprit(&verdict, target, memory)
        note(verdict, target)
        return verdict
    }

    /// One request with events and its reply.
    func exchange(_ target: Target, _ memory: HECRequestMemory) async -> HECVerdict {
        let (index, endpoint) = (target.index, target.endpoint)
        let channelUse = endpoint.wantsChannel ? acknowledgements.begin(index) : nil
        let result = await perform(request(target, channelUse, memory), index)
        let sent = HECSent(
            endpoint: endpoint.name, events: memory.events, bodyBytes: memory.bodyBytes,
            isCompressed: memory.isCompressed,
            hasChannel: channelUse != nil, isProving: channelUse != nil && settings.ack != .off,
            index: settings.metadata.index,
            isKnown: state.withLock { $0.tallies[index].hasReplied }, now: wallTime.now())
        var verdict = HECVerdict(result.outcome, sent)
        state.withLock { $0.tallies[index].noteRequest(result, verdict.code, bodyBytes: memory.bodyBytes) }
        memory.takeBack(result.requestBody)
        if verdict.change == .token, case .hold(let reason) = verdict.outcome, tokenHasChanged(from: target.token) {
            verdict.outcome = .retry(after: .zero, reason)
        }
        if let channelUse { giveBack(channelUse, index, result, &verdict) }
        return verdict
    }

    /// Requests with events and polls, counted while they are on their way.
    func perform(_ request: consuming HTTPRequest, _ index: Int) async -> HTTPResult {
        state.withLock { $0.tallies[index].began() }
        defer { state.withLock { $0.tallies[index].ended() } }
        return await session.perform(request)
    }

    private func request(
        _ target: Target, _ channelUse: HECAcknowledgements.ChannelUse?, _ memory: HECRequestMemory
    ) -> HTTPRequest {
        var headers = SplunkHECSink.headers(target.token, channel: channelUse?.channel, cookies: channelUse?.cookies)
        if memory.isCompressed { headers.append((name: "Content-Encoding", value: "gzip")) }
        return HTTPRequest(
            .post, target.endpoint.eventURL, headers: headers, body: memory.handOut(), timeout: settings.timeout,
            statusesThatClose: SplunkHECSink.statusesThatClose)
    }

    static func headers(
        _ token: String, channel: String?, cookies: String?
    ) -> [(name: String, value: String)] {
        var headers = [
            (name: "Authorization", value: "Splunk \(token)"), (name: "Content-Type", value: "application/json"),
        ]
        if let channel { headers.append((name: "X-Splunk-Request-Channel", value: channel)) }
        if let cookies { headers.append((name: "Cookie", value: cookies)) }
        return headers
    }

    /// The connections; made anew after they were given up for other certificates.
    var session: HTTPSession {
        state.withLock { state in
            let session = state.session ?? HTTPSession(settings.http)
            state.session = session
            return session
        }
    }

    func tokenReason(_ error: SecretError) -> Reason {
        Reason("token_unreadable", "token: \(error)")
    }

    func takeMemory() -> HECRequestMemory {
        state.withLock { $0.idleMemories.popLast() } ?? HECRequestMemory(settings)
    }
}

extension HECVerdict {
    /// The outcome, if no other endpoint could change it.
    fileprivate var finalOutcome: SendOutcome? {
        switch outcome {
        case .hold: nil
        case .retry: isForAnotherEndpoint ? nil : outcome
        default: outcome
        }
    }
}
