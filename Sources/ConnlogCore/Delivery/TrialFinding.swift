/// One thing that a sink has found out about its receiver in `connlog check --connect` or `--send`.
public struct TrialFinding: Sendable, Equatable {
    public enum Verdict: Sendable {
        case good
        /// Works, or may work, but somebody should know.
        case doubtful
        /// Events would not get through.
        case failed
    }

    public var verdict: Verdict
    /// One sentence: what was tried, what the receiver said, what to do next. Never a secret.
    public var text: String
    /// `false`: on purpose no test event went to where real ones go.
    public var isSent = true

    public init(_ verdict: Verdict, _ text: String) {
        self.verdict = verdict
        self.text = text
    }

    public static func good(_ text: String) -> TrialFinding { TrialFinding(.good, text) }
    public static func notSent(_ text: String) -> TrialFinding {
        var finding = TrialFinding(.good, text)
        finding.isSent = false
        return finding
    }
    public static func doubtful(_ text: String) -> TrialFinding { TrialFinding(.doubtful, text) }
    public static func failed(_ text: String) -> TrialFinding { TrialFinding(.failed, text) }
}
