import ConnlogCore

extension SinkTrial {
    /// For people: a line for each sink, and below it one for each finding.
    public static func text(_ outcomes: [Outcome]) -> String {
        if outcomes.isEmpty { return "the configuration has no sink to try\n" }
        return outcomes.map { outcome in
            let event = outcome.eventID.map { ": test event \($0)" } ?? ""
            return "sink \"\(outcome.name)\" (\(outcome.type))\(event)\n"
                + outcome.findings.map { "  \(word($0.verdict))\($0.text)\n" }.joined()
        }.joined()
    }

    /// For programs: an array with an object for each sink.
    public static func json(_ outcomes: [Outcome]) -> JSONValue {
        .array(
            outcomes.map { outcome in
                [
                    "sink": .string(outcome.name), "type": .string(outcome.type), "failed": .boolean(outcome.hasFailed),
                    "event_id": JSONValue(outcome.eventID),
                    "findings": .array(
                        outcome.findings.map { ["verdict": .string("\($0.verdict)"), "text": .string($0.text)] }),
                ]
            })
    }

    /// How it went in one line.
    public static func summary(_ outcomes: [Outcome], sent: Bool) -> String {
        let failed = outcomes.filter(\.hasFailed).map(\.name)
        guard failed.isEmpty else {
            return
                "\(Quantity.count(failed.count, "sink")) of \(outcomes.count) failed: \(failed.joined(separator: ", "))"
        }
        let doubts = outcomes.filter { $0.findings.contains { $0.verdict == .doubtful } }.map(\.name)
        let what = sent ? "got a test event" : "could be reached"
        if doubts.isEmpty { return "every sink \(what)" }
        return "no sink failed, and there are doubts about \(doubts.joined(separator: ", "))"
    }

    private static func word(_ verdict: TrialFinding.Verdict) -> String {
        switch verdict {
        case .good: "ok      "
        case .doubtful: "doubt   "
        case .failed: "FAILED  "
        }
    }
}
