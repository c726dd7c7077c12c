public import ConnlogConfig
public import ConnlogCore

/// One kind of source, as `type = ` names it: one folder here and one line in the registry.
public protocol SourceKind {
    /// Its keys.
    static var schema: SectionSchema { get }

    /// Makes the source of one section, whose values have been checked against `schema`. Opens nothing: that is
    /// `Source.run`'s.
    /// - Throws: what a schema cannot express, with the key's place.
    static func make(_ section: Section, _ context: SourceContext) throws(Diagnostic) -> any Source
}

/// What the daemon tells every source.
public struct SourceContext: Sendable {
    /// Read the inputs to the end that they have now, then return (`run --once`).
    public let once: Bool
    /// Where the source counts; the daemon shows it.
    public let status: SourceStatus
    /// Says something to the daemon's own log. One sentence with the place and the next step, never a secret.
    public let log: LogFunction
    /// Files that sinks write, which are not to be read.
    public let written: WrittenFiles

    public init(
        once: Bool, status: SourceStatus = SourceStatus(), written: WrittenFiles = WrittenFiles(),
        log: @escaping LogFunction
    ) {
        self.once = once
        self.status = status
        self.written = written
        self.log = log
    }
}
