internal import ConnlogConfig
internal import ConnlogCore

/// The keys of every sink with a receiver elsewhere that say how long is waited after a failure.
enum RetryKeys {
    static let all = [
        Key(
            "retry_initial", .duration(.milliseconds(50) ... .seconds(600)), default: "1s",
            help: "The first wait after a failure; it doubles with each further one."),
        Key(
            "retry_max", .duration(.milliseconds(50) ... .seconds(3600)), default: "60s",
            help: "The longest wait between two tries; there is no last try."),
    ]

    /// - Throws: what is wrong with the two together.
    static func backoff(_ section: Section) throws(Diagnostic) -> Backoff {
        guard section.duration("retry_max") < section.duration("retry_initial") else {
            return Backoff(first: section.duration("retry_initial"), longest: section.duration("retry_max"))
        }
        throw section.error("retry_max", "is shorter than retry_initial; make it at least as long")
    }
}
