/// One thing that a sink has found out about its receiver in `connlog check --connect` or `--send`.
public struct TrialFinding: Sendable, Equatable {
    /// How a step of the trial ended. The raw value is its word, for people and in JSON.
    public enum Verdict: String, Sendable, CaseIterable {
        case good = "ok"
        /// Works, or may work, but somebody should know.
        case doubtful = "doubt"
        /// Events would not get through.
        case failed
    }

    /// How it ended.
    public var verdict: Verdict
    /// One sentence: what was tried, what the receiver said, what to do next. Never a secret.
    public var text: String
    /// `false`: on purpose no test event went to where real ones go.
    public var isSent = true

    /// A finding in one sentence.
    public init(_ verdict: Verdict, _ text: String) {
        self.verdict = verdict
        self.text = text
    }

    /// It works.
    public static func good(_ text: String) -> TrialFinding { TrialFinding(.good, text) }
    /// It works, and on purpose no test event went to where real ones go.
    public static func notSent(_ text: String) -> TrialFinding {
        var finding = TrialFinding(.good, text)
        finding.isSent = false
        return finding
    }
    /// It works, or may, but somebody should know.
    public static func doubtful(_ text: String) -> TrialFinding { TrialFinding(.doubtful, text) }
    /// Events would not get through.
    public static func failed(_ text: String) -> TrialFinding { TrialFinding(.failed, text) }
}
