public import ConnlogCore
internal import ConnlogConfig
public import ConnlogSystem
private import Synchronization

/// Sends events to Splunk's HTTP Event Collector.
///
/// `delivered` means what Splunk means by code 0: received and well-formed, before the indexing pipeline. Each batch is
/// one request. What a reply means stands in `HECReplyTable` and `HECStatusTable`, what an envelope looks like in
/// `HECEnvelope`. Nothing is sent again here but to another endpoint when the first one certainly took nothing.
///
/// The sink mends by itself what a reply tells it how to mend: it names a channel when the token wants one, stops
/// compressing when that is not understood, and reads the token again for every request, so that a new one counts
/// from the next request on. The token appears in the Authorization header and nowhere else.
public final class SplunkHECSink: Sink {
    /// What a sink is made from.
    struct Settings: Sendable {
        var endpoints: [HECEndpoint]
        var token: SecretReference
        var format = HECEnvelope.Format.fields
        var metadata = HECEnvelope.Metadata()
        var compresses = true
        var timeout = Duration.seconds(60)
        var limits = BatchLimits(events: 5000, bytes: 900 << 10, wait: .seconds(1), inFlight: 4)
        var http: HTTPSettings
    }

    private struct State {
        var endpoints: HECEndpoints
        var compresses: Bool
        var session: HTTPSession?
        var idleBenches: [HECBench] = []
        /// What was said last about each endpoint, so that it is said once.
        var toldTrouble: [Int: String] = [:]
    }

    public let limits: BatchLimits
    private let settings: Settings
    private let log: LogFunction
    private let wallTime: any WallTime
    private let elapsed: @Sendable () -> Duration
    private let state: Mutex<State>

    private static let statusesThatClose: Set<Int> = [429, 502, 503]

    /// - Parameters:
    ///   - elapsed: a clock that only goes forward, for endpoints that rest.
    init(
        _ settings: Settings, log: @escaping LogFunction, wallTime: any WallTime = SystemWallTime(),
        elapsed: @escaping @Sendable () -> Duration = SplunkHECSink.elapsedSinceStart
    ) {
        self.settings = settings
        self.log = log
        self.wallTime = wallTime
        self.elapsed = elapsed
        var limits = settings.limits
        limits.bytesPerEvent = HECEnvelope(settings.format, settings.metadata).bytesPerEvent
        self.limits = limits
        state = Mutex(State(endpoints: HECEndpoints(settings.endpoints), compresses: settings.compresses))
    }

    private static let start = ContinuousClock.now

    /// The clock of a running daemon.
    static let elapsedSinceStart: @Sendable () -> Duration = { ContinuousClock.now - start }

    public func open(_ committed: [UInt8]?) async throws(SinkError) {
        do throws(SecretError) { _ = try settings.token.read() } catch {
            throw SinkError(tokenReason(error))
        }
        for endpoint in settings.endpoints where !endpoint.isEncrypted {
            log(
                .warning, "\(endpoint.name) is not encrypted, so the token can be read on the way; use https"
            )
        }
        if !settings.http.verifiesServer {
            log(.warning, "tls_verify is off, so anybody can pose as Splunk; use tls_ca instead")
        }
    }

    public func send(_ batch: EventBatch) async -> SendOutcome {
        // An empty body is an error to Splunk (code 5).
        guard !batch.isEmpty else { return .delivered }
        let token: String
        do throws(SecretError) { token = try settings.token.read() } catch { return .hold(tokenReason(error)) }
        let (order, compresses) = state.withLock { ($0.endpoints.order(now: elapsed()), $0.compresses) }
        let bench = takeBench()
        bench.encode(batch, compressing: compresses)
        let outcome = await sendToOne(of: order, bench, token, events: batch.count)
        state.withLock { $0.idleBenches.append(bench) }
        return outcome
    }

    /// SIGHUP: certificates are read again and the collectors looked at with fresh eyes.
    public func reopen() async {
        state.withLock { state in
            state.session = nil
            state.compresses = settings.compresses
            state.endpoints = HECEndpoints(settings.endpoints)
            state.toldTrouble = [:]
        }
    }

    public func close() async {
        state.withLock { state in
            state.session = nil
            state.idleBenches = []
        }
    }

    // MARK: sending

    /// Tries the endpoints in order until one says something that another cannot mend.
    private func sendToOne(
        of order: [Int], _ bench: HECBench, _ token: String, events: Int
    ) async -> SendOutcome {
        var worst: SendOutcome?
        for index in order {
            let verdict = await attempt(index, bench, token, events: events)
            if let outcome = verdict.finalOutcome { return outcome }
            // A busy collector comes back sooner than somebody who mends a configuration.
            if case .retry? = worst { continue }
            worst = verdict.outcome
            if Task.isCancelled { break }
        }
        return worst ?? .retry(Reason("cancelled", "the batch was not sent"))
    }

    private func attempt(_ index: Int, _ bench: HECBench, _ token: String, events: Int) async -> HECVerdict {
        let (endpoint, session) = state.withLock { state in
            let session = state.session ?? HTTPSession(settings.http)
            state.session = session
            return (state.endpoints[index], session)
        }
        let result = await session.perform(request(endpoint, bench, token))
        bench.takeBack(result.requestBody)
        let sent = HECSent(
            endpoint: endpoint.name, events: events, bodyBytes: bench.bodyBytes, isCompressed: bench.isCompressed,
            hasChannel: endpoint.channel != nil, now: wallTime.now())
        var verdict = HECVerdict(result.outcome, sent)
        if verdict.change == .token, case .hold(let reason) = verdict.outcome, tokenHasChanged(from: token) {
            verdict.outcome = .retry(after: .zero, reason)
        }
        note(verdict, index, channel: endpoint.channel)
        return verdict
    }

    private func request(_ endpoint: HECEndpoint, _ bench: HECBench, _ token: String) -> HTTPRequest {
        var headers = [
            (name: "Authorization", value: "Splunk \(token)"), (name: "Content-Type", value: "application/json"),
        ]
        if bench.isCompressed { headers.append((name: "Content-Encoding", value: "gzip")) }
        if let channel = endpoint.channel { headers.append((name: "X-Splunk-Request-Channel", value: channel)) }
        return HTTPRequest(
            .post, endpoint.eventURL, headers: headers, body: bench.handOut(), timeout: settings.timeout,
            statusesThatClose: SplunkHECSink.statusesThatClose)
    }

    // MARK: what is learnt

    private func note(_ verdict: HECVerdict, _ index: Int, channel: String?) {
        let now = elapsed()
        let trouble = verdict.trouble
        let sentence: String? = state.withLock { state in
            switch verdict.change {
            // Another request may have changed it meanwhile.
            case .channel where state.endpoints[index].channel == channel:
                var generator = SystemRandomNumberGenerator()
                state.endpoints[index].channel = HECChannel.make(using: &generator)
            case .compression: state.compresses = false
            default: break
            }
            if verdict.blamesEndpoint {
                state.endpoints[index].failed(now: now)
            } else {
                state.endpoints[index].succeeded()
            }
            guard state.toldTrouble[index] != trouble?.label else { return nil }
            state.toldTrouble[index] = trouble?.label
            return trouble?.text
        }
        if let sentence { log(.warning, "\(sentence)") }
    }

    private func tokenHasChanged(from token: String) -> Bool {
        guard let new = try? settings.token.read() else { return false }
        return new != token
    }

    private func tokenReason(_ error: SecretError) -> Reason {
        Reason("token_unreadable", "token: \(error)")
    }

    private func takeBench() -> HECBench {
        state.withLock { $0.idleBenches.popLast() } ?? HECBench(settings.format, settings.metadata)
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

    /// The endpoint, rather than the batch, is at fault.
    fileprivate var blamesEndpoint: Bool {
        switch outcome {
        case .hold: true
        case .retry: change == nil
        default: false
        }
    }

    /// What is worth a word of its own, beside what the delivery says of the batch: that another endpoint is used
    /// in its place, or what the sink changes in itself.
    fileprivate var trouble: Reason? {
        switch (outcome, change) {
        case (_, .slower?): Reason("slower", "Splunk takes the events but says that it nears its limits")
        case (.retry(_, let reason), _), (.hold(let reason), _): reason
        default: nil
        }
    }
}

/// The tools and memory of one request.
///
/// `@unchecked Sendable`: it belongs to the one `send` that took it out of the sink's pool; the pool's mutex hands it on.
final class HECBench: @unchecked Sendable {
    private var envelope: HECEnvelope
    private let gzip = Gzip()
    private var plain = ByteBuffer()
    private var compressed = ByteBuffer()
    private(set) var isCompressed = false
    /// Before compression.
    var bodyBytes: Int { bodyCount }
    private var bodyCount = 0

    init(_ format: HECEnvelope.Format, _ metadata: HECEnvelope.Metadata) {
        envelope = HECEnvelope(format, metadata)
    }

    func encode(_ batch: EventBatch, compressing: Bool) {
        plain.removeAll()
        for place in 0..<batch.count { envelope.append(batch.record(place), to: &plain) }
        bodyCount = plain.count
        isCompressed = compressing
        guard compressing else { return }
        compressed.removeAll()
        let whole = plain
        gzip.compress(whole.span, into: &compressed)
    }

    /// The body to send; it comes back by `takeBack`, so that nothing is copied.
    func handOut() -> ByteBuffer {
        var body = ByteBuffer()
        if isCompressed { swap(&body, &compressed) } else { swap(&body, &plain) }
        return body
    }

    func takeBack(_ body: consuming ByteBuffer) {
        if isCompressed { compressed = body } else { plain = body }
    }
}
