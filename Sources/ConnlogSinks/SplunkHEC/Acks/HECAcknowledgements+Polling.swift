internal import ConnlogCore
internal import ConnlogSystem
private import Synchronization

/// Asking for acknowledgements, and what comes of the answers.
extension HECAcknowledgements {
    func poll(_ number: UInt64) async {
        var interval = HECAcknowledgements.pollMin
        while !Task.isCancelled {
            await clock.sleep(interval)
            guard let hasProgress = await pollOnce(number) else { return }
            interval =
                hasProgress ? HECAcknowledgements.pollMin : min(interval * 2, HECAcknowledgements.pollMax)
        }
    }

    /// Asks once. Returns whether something was told, or nothing when there is nothing to wait for any more.
    private func pollOnce(_ number: UInt64) async -> Bool? {
        let question: Question? = state.withLock { state in
            guard let entry = state.channels[number], entry.channel.waiting > 0 else {
                state.channels[number]?.poller = nil
                return nil
            }
            let numbers = entry.isAsking ? [] : state.channels[number]?.channel.ask() ?? []
            if !numbers.isEmpty { state.channels[number]?.isAsking = true }
            return Question(
                endpoint: entry.endpoint, channel: entry.channel.name, cookies: entry.channel.cookieHeader,
                numbers: numbers)
        }
        guard let question else { return nil }
        guard !question.numbers.isEmpty else { return take(nil, question, number, cookies: []) }
        let result = await ask(question)
        let cookies = (try? result.get())?.cookies ?? []
        return take(HECAckReply(result, endpoint: names[question.endpoint]), question, number, cookies: cookies)
    }

    private func take(_ reply: HECAckReply?, _ question: Question, _ number: UInt64, cookies: [String]) -> Bool {
        let now = clock.elapsed()
        let (hasProgress, resumptions): (Bool, [Resumption]) = state.withLock { state in
            guard var channel = state.channels[number]?.channel else { return (false, []) }
            var settled: [HECChannel.Settled] = []
            switch reply {
            case .told(let states)?:
                settled = channel.answered(question.numbers, states)
                // Several in a row on one channel: it is one indexer that answers.
                if settled.count > 1 { state.recounts[question.endpoint] = nil }
            case .disabled?: settled = channel.giveUp(.disabled)
            case .failed(_, let isInDoubt, let isGone)?:
                channel.unanswered(question.numbers, isInDoubt: isInDoubt || isGone, now: now)
            case nil: break
            }
            let hasProgress = !settled.isEmpty
            if reply != nil { state.channels[number]?.isAsking = false }
            channel.keep(cookies, now: now)
            settled += channel.expire(now: now)
            store(channel, number, &state)
            return (hasProgress, settle(settled, question.endpoint, &state))
        }
        say(reply, question.endpoint)
        for resumption in resumptions { resumption.run() }
        return hasProgress
    }

    /// Each trouble once, and its end.
    private func say(_ reply: HECAckReply?, _ endpoint: Int) {
        guard let reply else { return }
        let reason: Reason? =
            switch reply {
            case .told: nil
            case .disabled(let reason), .failed(let reason, _, _): reason
            }
        let isNews = state.withLock { state in
            guard state.toldTrouble[endpoint] != reason?.label else { return false }
            state.toldTrouble[endpoint] = reason?.label
            return true
        }
        guard isNews else { return }
        if let reason {
            log(.warning, "\(reason.text); what waits for an acknowledgement is kept until it comes, or sent again")
        } else {
            log(.info, "\(names[endpoint]) tells acknowledgements again")
        }
    }

    /// Splunk's own memory for acknowledgements runs short: asks for everything at once.
    func hurry(_ endpoint: Int) {
        let numbers = state.withLock { state in
            state.channels.filter { $0.value.endpoint == endpoint && $0.value.channel.waiting > 0 }.map(\.key)
        }
        for number in numbers { Task { [weak self] in _ = await self?.pollOnce(number) } }
    }
}

extension HECLoss {
    func reason(_ endpoint: String, _ timeout: Duration) -> Reason {
        switch self {
        case .timeout:
            Reason(
                "ack_timeout",
                "\(endpoint) accepted events and did not acknowledge them in time (\(HECText.rounded(timeout)), see `ack_timeout`)",
                mayRepeat: true)
        case .recounted:
            Reason(
                "ack_recounted",
                "\(endpoint) began to count acknowledgements anew: it was restarted, or another indexer answers",
                mayRepeat: true)
        case .disabled:
            Reason(
                "ack_disabled", "\(endpoint) accepted events and gives no acknowledgements for this token any more",
                mayRepeat: true)
        }
    }
}
