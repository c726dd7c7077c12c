internal import ConnlogCore
internal import ConnlogConfig
internal import ConnlogSystem
private import Synchronization

/// Indexer acknowledgement, from the sink's side.
extension SplunkHECSink {
    /// A poll is over sooner than a request with events: nothing is lost if it is not.
    private static let pollTimeoutMax = Duration.seconds(15)

    /// Gives the channel of a request back, and turns a success with a number into a receipt.
    func giveBack(
        _ channelUse: HECAcknowledgements.ChannelUse, _ index: Int, _ result: HTTPResult, _ verdict: inout HECVerdict
    ) {
        let cookies = (try? result.outcome.get())?.cookies ?? []
        let isUsable = verdict.change != .channel
        switch verdict.outcome {
        case .delivered where settings.ack == .off:
            _ = acknowledgements.end(channelUse, .accepted(number: nil), cookies: cookies)
        case .delivered:
            let outcome = acknowledgements.end(channelUse, .accepted(number: verdict.ackID), cookies: cookies)
            if let outcome { verdict.outcome = outcome }
            if settings.ack == .on { state.withLock { $0.endpoints[index].provesEvents = outcome != nil } }
            if outcome == nil, settings.ack == .on { verdict.outcome = .hold(unproven(index)) }
        case .retry(_, let reason) where reason.mayRepeat, .hold(let reason) where reason.mayRepeat:
            _ = acknowledgements.end(channelUse, .replyLost, cookies: cookies)
        default:
            _ = acknowledgements.end(channelUse, .refused, cookies: cookies, isUsable: isUsable)
        }
        if verdict.change == .slower || verdict.code == 27 { acknowledgements.hurry(index) }
    }

    private func unproven(_ index: Int) -> Reason {
        let name = settings.endpoints[index].name
        return Reason(
            "ack_missing",
            "\(name) took events without a number to ask for (`ack = on`): enable indexer acknowledgement for the token, "
                + "or set `ack = auto`", mayRepeat: true)
    }

    /// With `ack = on`, an endpoint is asked for some acknowledgement before it gets its first event, so that nothing is
    /// sent, and sent again, to one that has none. Returns what keeps it from being used.
    func checkAcknowledgement(_ target: Target) async -> HECVerdict? {
        let (index, endpoint) = (target.index, target.endpoint)
        guard settings.ack == .on, endpoint.provesEvents != true else { return nil }
        var generator = SystemRandomNumberGenerator()
        let question = HECAcknowledgements.Question(
            endpoint: index, channel: HECChannelName.make(using: &generator), cookies: nil, numbers: [0])
        let result = await ask(question, target.token)
        if case .told = HECAckReply(result, endpoint: endpoint.name) {
            state.withLock { $0.endpoints[index].provesEvents = true }
            return nil
        }
        var verdict = HECVerdict(result, HECSent(endpoint: endpoint.name, events: 0, bodyBytes: 0, hasChannel: true))
        switch verdict.outcome {
        case .retry, .hold: break
        default: verdict.outcome = .hold(unproven(index))
        }
        note(verdict, target)
        return verdict
    }

    /// For `HECAcknowledgements`.
    func poll(_ question: HECAcknowledgements.Question) async -> Result<HTTPResponse, HTTPFailure> {
        do throws(SecretError) {
            return await ask(question, try settings.token.read())
        } catch {
            return .failure(HTTPFailure(kind: .request, text: "token: \(error)"))
        }
    }

    func ask(
        _ question: HECAcknowledgements.Question, _ token: String
    ) async -> Result<HTTPResponse, HTTPFailure> {
        let numbers = question.numbers.map(String.init).joined(separator: ",")
        let url = settings.endpoints[question.endpoint].ackURL + "?channel=\(question.channel)"
        let request = HTTPRequest(
            .post, url, headers: SplunkHECSink.headers(token, channel: question.channel, cookies: question.cookies),
            body: ByteBuffer("{\"acks\":[\(numbers)]}".utf8),
            timeout: min(settings.timeout, SplunkHECSink.pollTimeoutMax))
        let outcome = await perform(request, question.endpoint).outcome
        let code = HECVerdict(outcome, HECSent(endpoint: "", events: 0, bodyBytes: 0)).code
        state.withLock { $0.tallies[question.endpoint].notePoll(outcome, code) }
        return outcome
    }
}
