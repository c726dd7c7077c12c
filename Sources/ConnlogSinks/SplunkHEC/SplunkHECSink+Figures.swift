public import ConnlogCore
internal import ConnlogSystem
private import Synchronization

/// What the sink counts and measures itself.
///
///     per endpoint    see HECTally, and how it is: failures_in_a_row, is_resting (passed over for a while),
///                     pace_seconds (the pause before each request while Splunk nears its limits)
///     in all          requests_at_once (how many may be under way now); acknowledgements_pending with the oldest's
///                     age, _proven and _lost, in requests; token_age_seconds since this token was first read
extension SplunkHECSink {
    /// What is counted here: see `Sink.figures`.
    public var figures: [Figure] {
        let now = clock.elapsed()
        let acknowledgements = acknowledgements.status
        return state.withLock { state in
            var figures: [Figure] = []
            for (index, endpoint) in state.endpoints.all.enumerated() {
                let label = Figure.Label("endpoint", endpoint.name)
                figures += state.tallies[index].figures(label)
                figures += SplunkHECSink.figures(of: endpoint, label, now: now)
            }
            figures += [
                Figure(.gauge, "requests_at_once", "How many may be under way now.", inFlightNow(state)),
                Figure(
                    .gauge, "acknowledgements_pending", "Requests whose acknowledgement is awaited.",
                    acknowledgements.waiting),
                Figure(
                    .gauge, "acknowledgements_oldest_seconds", "For how long the oldest is awaited.",
                    acknowledgements.oldest),
                Figure(.counter, "acknowledgements_proven", "Requests acknowledged.", acknowledgements.proven),
                Figure(
                    .counter, "acknowledgements_lost", "Requests whose acknowledgement did not come.",
                    acknowledgements.lost),
            ]
            if let token = state.token {
                figures.append(
                    Figure(
                        .gauge, "token_age_seconds", "For how long this token has been used.", now - token.since))
            }
            return figures
        }
    }

    private static func figures(
        of endpoint: HECEndpoint, _ label: Figure.Label, now: Duration
    ) -> [Figure] {
        [
            Figure(.gauge, "failures_in_a_row", "Since the last success.", by: [label], endpoint.failures),
            Figure(
                .gauge, "is_resting", unit: .flag, "1 while the endpoint is passed over.", by: [label],
                endpoint.isResting(now: now) ? 1 : 0),
            Figure(
                .gauge, "pace_seconds", "The pause before each request while Splunk nears its limits.", by: [label],
                endpoint.pace),
        ]
    }

    /// How many batches may be under way now: see `Sink.inFlightNow`.
    public var inFlightNow: Int { state.withLock { inFlightNow($0) } }

    private func inFlightNow(_ state: State) -> Int { state.concurrency?.limit ?? limits.inFlight }
}
