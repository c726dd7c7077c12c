internal import ConnlogCore
internal import ConnlogConfig
internal import ConnlogSystem
private import Synchronization

/// What the sink learns from replies.
extension SplunkHECSink {
    /// Draws what is to be done otherwise from a reply, and says what is new about its endpoint.
    func note(_ verdict: HECVerdict, _ target: Target) {
        let index = target.index
        let now = clock.elapsed()
        let trouble = verdict.trouble
        let sentence: String? = state.withLock { state in
            if let cuts = target.cuts, verdict.isOverload {
                state.concurrency?.overloaded(begunAfter: cuts)
            } else if verdict.isTaken {
                state.concurrency?.succeeded()
            }
            switch verdict.change {
            case .channel where !target.endpoint.wantsChannel: state.endpoints[index].wantsChannel = true
            case .compression: state.compresses = false
            default: break
            }
            if verdict.blamesEndpoint {
                state.endpoints[index].failed(now: now)
            } else {
                state.endpoints[index].succeeded(isSlow: verdict.change == .slower)
            }
            guard state.toldTrouble[index] != trouble?.label else { return nil }
            state.toldTrouble[index] = trouble?.label
            return trouble?.text
        }
        guard !target.isTrial else { return }
        // With one endpoint the delivery says the same, and what comes of it.
        if let sentence, settings.endpoints.count > 1 || verdict.change == .slower { log(.warning, "\(sentence)") }
        if verdict.isTaken { noteProof(verdict, index) }
    }

    /// Says once for each endpoint, and when it changes, what it means there that an event is delivered.
    private func noteProof(_ verdict: HECVerdict, _ index: Int) {
        guard settings.ack == .auto else { return }
        let proves = if case .accepted = verdict.outcome { true } else { false }
        let before = state.withLock { state in
            defer { state.endpoints[index].provesEvents = proves }
            return state.endpoints[index].provesEvents
        }
        guard before != proves else { return }
        let name = settings.endpoints[index].name
        if proves {
            log(.info, "\(name) acknowledges events once they are indexed; until then they stay in the queue")
        } else {
            let level = before == nil ? LogLevel.info : .warning
            log(
                level, "\(name) has no indexer acknowledgement for the token, so events count when it has accepted them"
            )
        }
    }

    func tokenHasChanged(from token: String) -> Bool {
        guard let new = try? settings.token.read() else { return false }
        return new != token
    }

    /// While held: looks every second whether the token, or a certificate, is another one.
    public func mended() async -> Bool {
        while !Task.isCancelled, let refused = state.withLock({ $0.heldWith }) {
            if credentials != refused {
                // Connections that were made with the old ones are not used again.
                state.withLock { state in
                    state.session = nil
                    state.endpoints.forgetTroubles()
                }
                return true
            }
            await clock.sleep(.seconds(1))
        }
        return false
    }

    /// What the receiver may have refused us for, as far as it lies in files.
    var credentials: HECCredentials {
        let files = [
            settings.http.certificateAuthorityFile, settings.http.clientCertificateFile, settings.http.clientKeyFile,
        ]
        return HECCredentials(
            token: try? settings.token.read(),
            files: files.map { path in path.flatMap { try? FileStatus(of: $0) } })
    }
}

/// Compared, never shown.
struct HECCredentials: Equatable, Sendable {
    let token: String?
    let files: [FileStatus?]
}

extension HECVerdict {
    /// The events are there, indexed or not.
    fileprivate var isTaken: Bool {
        switch outcome {
        case .delivered, .accepted: true
        default: false
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
