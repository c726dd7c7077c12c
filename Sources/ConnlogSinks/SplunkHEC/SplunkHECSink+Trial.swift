public import ConnlogCore
internal import ConnlogConfig
public import ConnlogSystem
private import Synchronization

/// `connlog check --connect` and `--send`.
///
/// `--connect` asks each endpoint for its health, which says whether it is a collector at all, and for the
/// acknowledgement of a request that never was: the answer tells whether the token is valid, enabled and has
/// acknowledgements, and leaves nothing behind. Only an event can tell whether the index is allowed, so `--send` sends
/// one to each endpoint; all carry one `event_id`.
extension SplunkHECSink {
    private static let trialTimeoutMax = Duration.seconds(15)
    /// How long `--send` waits for an acknowledgement.
    private static let trialProofMax = Duration.seconds(30)
    /// Times that an event is sent again because the sink had something to learn first.
    private static let trialsMax = 3

    // MARK: --connect

    /// Tries the way to the receiver without sending an event: see `Sink.connectTrial()`.
    public func connectTrial() async -> [TrialFinding] {
        let token: String
        do throws(SecretError) { token = try settings.token.read() } catch {
            return [.failed(tokenReason(error).text)]
        }
        var findings: [TrialFinding] = []
        for index in settings.endpoints.indices {
            let endpoint = settings.endpoints[index]
            if !endpoint.isEncrypted {
                findings.append(
                    .doubtful("\(endpoint.name) is not encrypted, so the token can be read on the way; use https"))
            }
            let health = await healthFinding(endpoint)
            findings.append(health)
            if health.verdict != .failed { findings.append(await tokenFinding(index, endpoint, token)) }
        }
        if !settings.http.verifiesServer, settings.http.pinnedPublicKey == nil {
            findings.append(.doubtful("tls_verify is off, so anybody can pose as Splunk; use tls_ca instead"))
        }
        return findings
    }

    private func healthFinding(_ endpoint: HECEndpoint) async -> TrialFinding {
        let result = await session.perform(
            HTTPRequest(.get, endpoint.healthURL, timeout: min(settings.timeout, SplunkHECSink.trialTimeoutMax)))
        let response: HTTPResponse
        switch result.outcome {
        case .success(let success): response = success
        case .failure: return .failed(words(result.outcome, endpoint))
        }
        let how =
            endpoint.isEncrypted
            ? (settings.http.verifiesServer ? "over TLS, its certificate trusted" : "over TLS")
            : "unencrypted"
        switch HECReplyBody(response.body, contentType: response.contentType, isCut: response.bodyIsCut) {
        // Some compatible receivers say 200 where splunkd says 17.
        case .reply(let reply) where response.status == 200:
            return .good("\(endpoint.name) answers \(how), and is healthy (\(reply.text))")
        case .reply(let reply) where response.status == 503:
            return .doubtful(
                "\(endpoint.name) answers \(how), but is not healthy now (code \(reply.code), \(reply.text)); events wait until it is"
            )
        case .reply(let reply):
            return .doubtful(
                "\(endpoint.name) answers \(how), its health check with \(response.status) code \(reply.code) (\(reply.text))"
            )
        default:
            let isCollector = (401...405).contains(response.status)
            let text = words(result.outcome, endpoint)
            return isCollector ? .doubtful("\(text) (asked for its health; try --send)") : .failed(text)
        }
    }

    /// The sink's own words for a reply to what was no event.
    private func words(_ outcome: Result<HTTPResponse, HTTPFailure>, _ endpoint: HECEndpoint) -> String {
        let sent = HECSent(endpoint: endpoint.name, events: 0, bodyBytes: 0, now: wallTime.now())
        switch HECVerdict(outcome, sent).outcome {
        case .retry(_, let reason), .hold(let reason), .tooLarge(let reason), .rejected(_, let reason),
            .rejectedUnproven(_, let reason):
            return reason.text
        case .delivered, .deliveredPrefix, .accepted: return "\(endpoint.name) took what was no event"
        }
    }

    private func tokenFinding(_ index: Int, _ endpoint: HECEndpoint, _ token: String) async -> TrialFinding {
        var generator = SystemRandomNumberGenerator()
        let question = HECAcknowledgements.Question(
            endpoint: index, channel: HECChannelName.make(using: &generator), cookies: nil, numbers: [0])
        let result = await ask(question, token)
        switch HECAckReply(result, endpoint: endpoint.name) {
        case .told:
            let what =
                settings.ack == .off ? "which is not used (`ack = off`)" : "so events count when they are indexed"
            return .good("\(endpoint.name) takes the token; it has indexer acknowledgement, \(what)")
        case .disabled(let reason):
            let what = "\(endpoint.name) takes the token; it has no indexer acknowledgement"
            if settings.ack == .on {
                return .failed("\(what) (\(reason.label)): enable it, or set `ack = auto`")
            }
            return .good("\(what), so events count when Splunk has accepted them")
        case .failed(let reason, _, _):
            let verdict = HECVerdict(result, HECSent(endpoint: endpoint.name, events: 0, bodyBytes: 0))
            if verdict.change == .token { return .failed(words(result, endpoint)) }
            if settings.ack == .on { return .failed("\(reason.text): `ack = on` cannot work there") }
            return .doubtful("\(reason.text), so the token could not be checked; try --send")
        }
    }

    // MARK: --send

    /// Sends a trial event: see `Sink.sendTrial(_:)`.
    public func sendTrial(_ batch: EventBatch) async -> [TrialFinding] {
        let token: String
        do throws(SecretError) { token = try settings.token.read() } catch {
            return [.failed(tokenReason(error).text)]
        }
        let memory = HECRequestMemory(settings)
        var findings: [TrialFinding] = []
        for index in settings.endpoints.indices {
            var verdict: HECVerdict
            var tries = 0
            repeat {
                memory.encode(batch, compressing: state.withLock { $0.compresses })
                verdict = await attempt(index, memory, token, isTrial: true)
                tries += 1
            } while (verdict.change == .channel || verdict.change == .compression) && tries < SplunkHECSink.trialsMax
            findings.append(await sendFinding(verdict, settings.endpoints[index]))
        }
        return findings
    }

    private func sendFinding(_ verdict: HECVerdict, _ endpoint: HECEndpoint) async -> TrialFinding {
        let place = settings.metadata.index.map { "index '\($0)'" } ?? "the token's default index"
        switch verdict.outcome {
        case .delivered, .deliveredPrefix:
            return .good(
                "\(endpoint.name) accepted the test event for \(place); without indexer acknowledgement that is all it says"
            )
        case .accepted(let receipt):
            let (outcome, elapsed) = await proof(receipt)
            guard outcome == .delivered else {
                return .doubtful(
                    "\(endpoint.name) accepted the test event for \(place), but has not acknowledged it within \(HECText.rounded(elapsed)); look for it there"
                )
            }
            return .good(
                "\(endpoint.name) took the test event into \(place) and acknowledged it as indexed after \(HECText.rounded(elapsed))"
            )
        case .retry(_, let reason), .hold(let reason), .tooLarge(let reason), .rejected(_, let reason),
            .rejectedUnproven(_, let reason):
            return .failed(reason.text)
        }
    }

    private func proof(_ receipt: Receipt) async -> (SendOutcome, Duration) {
        let start = clock.elapsed()
        let (clock, acknowledgements) = (self.clock, self.acknowledgements)
        let outcome = await withTaskGroup(of: SendOutcome?.self) { group in
            group.addTask { await acknowledgements.outcome(of: receipt) }
            group.addTask {
                await clock.sleep(SplunkHECSink.trialProofMax)
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
        return (outcome ?? .accepted(receipt), clock.elapsed() - start)
    }
}

extension HECText {
    /// For people.
    static func rounded(_ duration: Duration) -> String {
        let seconds = duration / .seconds(1)
        return seconds < 10 ? "\((seconds * 10).rounded() / 10) s" : "\(Int(seconds.rounded())) s"
    }
}
