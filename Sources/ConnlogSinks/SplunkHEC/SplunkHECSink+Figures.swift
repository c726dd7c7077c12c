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
    public var figures: [SinkFigure] {
        let now = clock.elapsed()
        let acknowledgements = acknowledgements.status
        return state.withLock { state in
            var figures: [SinkFigure] = []
            for (index, endpoint) in state.endpoints.all.enumerated() {
                let label = SinkFigure.Label("endpoint", endpoint.name)
                figures += state.tallies[index].figures(label)
                figures += SplunkHECSink.figures(of: endpoint, label, now: now)
            }
            figures += [
                SinkFigure(.gauge, "requests_at_once", [], inFlightNow(state)),
                SinkFigure(.gauge, "acknowledgements_pending", [], acknowledgements.waiting),
                SinkFigure(.gauge, "acknowledgements_oldest_seconds", [], acknowledgements.oldest),
                SinkFigure(.counter, "acknowledgements_proven", [], acknowledgements.proven),
                SinkFigure(.counter, "acknowledgements_lost", [], acknowledgements.lost),
            ]
            if let token = state.token {
                figures.append(SinkFigure(.gauge, "token_age_seconds", [], now - token.since))
            }
            return figures
        }
    }

    private static func figures(
        of endpoint: HECEndpoint, _ label: SinkFigure.Label, now: Duration
    ) -> [SinkFigure] {
        [
            SinkFigure(.gauge, "failures_in_a_row", [label], endpoint.failures),
            SinkFigure(.gauge, "is_resting", [label], endpoint.isResting(now: now) ? 1 : 0),
            SinkFigure(.gauge, "pace_seconds", [label], endpoint.pace),
        ]
    }

    public var inFlightNow: Int { state.withLock { inFlightNow($0) } }

    private func inFlightNow(_ state: State) -> Int { state.concurrency?.limit ?? limits.inFlight }
}
