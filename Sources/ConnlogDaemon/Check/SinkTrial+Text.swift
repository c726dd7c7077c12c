public import ConnlogCore

extension SinkTrial {
    /// For people: a line for each part, and below it one for each finding.
    public static func text(_ outcomes: [Outcome]) -> String {
        return outcomes.map { outcome in
            let event = outcome.eventID.map { ": test event \($0)" } ?? ""
            let heading =
                outcome.part == "data_dir" ? "data_dir" : "\(outcome.part) \"\(outcome.name)\" (\(outcome.type))"
            return "\(heading)\(event)\n"
                + outcome.findings.map { "  \(word($0.verdict))\($0.text)\n" }.joined()
        }.joined()
    }

    /// For programs: an array with an object for each part.
    public static func json(_ outcomes: [Outcome]) -> JSONValue {
        .array(
            outcomes.map { outcome in
                [
                    "part": .string(outcome.part), "name": .string(outcome.name), "type": .string(outcome.type),
                    "failed": .boolean(outcome.hasFailed),
                    "event_id": JSONValue(outcome.eventID),
                    "findings": .array(
                        outcome.findings.map { ["verdict": .string("\($0.verdict)"), "text": .string($0.text)] }),
                ]
            })
    }

    /// How it went in one line.
    public static func summary(_ outcomes: [Outcome], sent: Bool) -> String {
        let failed = outcomes.filter(\.hasFailed).map(title)
        if !failed.isEmpty { return "failed: \(failed.joined(separator: ", "))" }
        let doubts = outcomes.filter { $0.findings.contains { $0.verdict == .doubtful } }.map(title)
        if !doubts.isEmpty { return "nothing failed; there are doubts about \(doubts.joined(separator: ", "))" }
        return sent ? "all is well, and every sink got a test event" : "all is well"
    }

    private static func title(_ outcome: Outcome) -> String {
        outcome.part == "data_dir" ? "data_dir" : "\(outcome.part) \(outcome.name)"
    }

    private static func word(_ verdict: TrialFinding.Verdict) -> String {
        switch verdict {
        case .good: "ok      "
        case .doubtful: "doubt   "
        case .failed: "FAILED  "
        }
    }
}
