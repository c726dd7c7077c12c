public import ConnlogConfig
public import ConnlogCore

/// One kind of source, as `type = ` names it: one folder with the source itself, and one line in a `Registry`.
public protocol SourceKind: SendableMetatype {
    /// Its keys.
    static var schema: SectionSchema { get }

    /// Makes the source of one section, whose values have been checked against `schema`. Opens nothing: that is
    /// `Source.run`'s.
    /// - Throws: what a schema cannot express, with the key's place.
    static func make(_ section: Section, _ context: SourceContext) throws(Diagnostic) -> any Source

    /// The files that a section names, as it has them, with wildcards; none for kinds that read no files. Asked also of
    /// a section with mistakes.
    static func paths(_ section: Section) -> [String]

    /// What is right by the rules and still may not be what was meant, a sentence each with the way out.
    static func doubts(_ section: Section) -> [String]

    /// `connlog check --connect`: whether the source of a section could read, and what. Changes nothing.
    static func trial(_ section: Section) -> [TrialFinding]
}

extension SourceKind {
    /// None.
    public static func paths(_ section: Section) -> [String] { [] }
    /// None.
    public static func doubts(_ section: Section) -> [String] { [] }

    /// Says that there is nothing to try.
    public static func trial(_ section: Section) -> [TrialFinding] {
        [.good("there is nothing to try beforehand about a source of type \(section.type ?? "")")]
    }
}

/// What a source is told beside its section.
public struct SourceContext: Sendable {
    /// Read the inputs to the end that they have now, then return (`run --once`).
    public let once: Bool
    /// Its section's name, and connlog's version, for whoever names them to others.
    package let name: String
    package let version: String
    /// Where the source counts.
    public let status: SourceStatus
    /// Says something to connlog's own log. One sentence with the place and the next step, never a secret.
    public let log: LogFunction
    /// Files that sinks write, which are not to be read.
    package let written: WrittenFiles

    /// A context whose source reads every file that its section names.
    public init(once: Bool, status: SourceStatus = SourceStatus(), log: @escaping LogFunction) {
        self.init(once: once, status: status, written: WrittenFiles(), log: log)
    }

    /// A context whose source leaves out what sinks write.
    package init(
        once: Bool, status: SourceStatus = SourceStatus(), written: WrittenFiles, log: @escaping LogFunction
    ) {
        self.init(once: once, name: "", version: "", status: status, written: written, log: log)
    }

    package init(
        once: Bool, name: String, version: String, status: SourceStatus = SourceStatus(),
        written: WrittenFiles = WrittenFiles(), log: @escaping LogFunction
    ) {
        self.once = once
        self.name = name
        self.version = version
        self.status = status
        self.written = written
        self.log = log
    }
}
