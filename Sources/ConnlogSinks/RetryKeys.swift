internal import ConnlogConfig

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

    static func check(_ section: Section) throws(Diagnostic) {
        guard section.duration("retry_max") < section.duration("retry_initial") else { return }
        throw section.error("retry_max", "is shorter than retry_initial; make it at least as long")
    }
}
