package import ConnlogCore

extension SinkTrial {
    /// For people: a line for each part, and below it one for each finding.
    package static func text(_ outcomes: [Outcome]) -> String {
        return outcomes.map { outcome in
            let event = outcome.eventID.map { outcome.wasSent ? ": test event \($0)" : ": no test event" } ?? ""
            let heading =
                outcome.part == "data_dir" ? "data_dir" : "\(outcome.part) \"\(outcome.name)\" (\(outcome.type))"
            return "\(heading)\(event)\n"
                + outcome.findings.map { "  \(word($0.verdict))  \($0.text)\n" }.joined()
        }.joined()
    }

    /// For programs: an array with an object for each part.
    package static func json(_ outcomes: [Outcome]) -> JSONValue {
        .array(
            outcomes.map { outcome in
                [
                    "part": .string(outcome.part), "name": .string(outcome.name), "type": .string(outcome.type),
                    "failed": .boolean(outcome.hasFailed),
                    "event_id": JSONValue(outcome.eventID), "sent": .boolean(outcome.wasSent),
                    "findings": .array(
                        outcome.findings.map { ["verdict": .string($0.verdict.rawValue), "text": .string($0.text)] }),
                ]
            })
    }

    /// How it went in one line.
    package static func summary(_ outcomes: [Outcome], sent: Bool) -> String {
        let failed = outcomes.filter(\.hasFailed).map(title)
        let events = sent ? done(outcomes.filter { $0.part == "sink" }) : ""
        if !failed.isEmpty { return "failed: \(failed.joined(separator: ", "))\(events)" }
        let doubts = outcomes.filter { $0.findings.contains { $0.verdict == .doubtful } }.map(title)
        if !doubts.isEmpty {
            return "nothing failed; there are doubts about \(doubts.joined(separator: ", "))\(events)"
        }
        return "all is well\(events)"
    }

    /// Who got a test event, and who on purpose did not.
    private static func done(_ sinks: [Outcome]) -> String {
        let sent = sinks.filter(\.wasSent).map(\.name)
        let left = sinks.filter { !$0.wasSent && !$0.hasFailed }.map(\.name)
        return
            (sent.isEmpty
            ? "; no sink was sent a test event" : "; a test event was sent to \(sent.joined(separator: ", "))")
            + (left.isEmpty || sent.isEmpty ? "" : ", none to \(left.joined(separator: ", "))")
    }

    private static func title(_ outcome: Outcome) -> String {
        outcome.part == "data_dir" ? "data_dir" : "\(outcome.part) \(outcome.name)"
    }

    /// As wide as the longest one.
    private static func word(_ verdict: TrialFinding.Verdict) -> String {
        let width = TrialFinding.Verdict.allCases.map(\.rawValue.count).max() ?? 0
        return verdict.rawValue + String(repeating: " ", count: width - verdict.rawValue.count)
    }
}
