public import ConnlogConfig
public import ConnlogCore

/// One kind of sink, as `type = ` names it: one folder with the sink itself, and one line in a `Registry`.
public protocol SinkKind: SendableMetatype {
    /// Its keys, without those that all sinks share (`filter`, `queue_size`, `on_full`).
    static var schema: SectionSchema { get }

    /// Reads one section, whose values have been checked against `schema`, and says how its sink is made. Touches no
    /// network and no file, and makes no sink yet: on a reload most sections are what they were, and their sinks go on.
    /// - Throws: what a schema cannot express, with the key's place.
    static func maker(_ section: Section, _ context: SinkContext) throws(Diagnostic) -> SinkMaker

    /// The file that the sink of a section writes; `nil` for kinds that write none. Asked also of a section with mistakes.
    static func file(_ section: Section) -> SinkFile?

    /// Why the sink of a section cannot have `include = audit`; `nil`: it can, so its encoder writes audit events.
    static func refusalOfAudit(_ section: Section) -> String?
}

extension SinkKind {
    /// No file.
    public static func file(_ section: Section) -> SinkFile? { nil }

    /// Sinks of others know connections only.
    public static func refusalOfAudit(_ section: Section) -> String? {
        "cannot be written by a sink of this type; a file, syslog or splunk_hec sink can"
    }
}

/// How a sink is made, and what whoever runs it has to know of its section.
public struct SinkMaker: Sendable {
    /// Makes it. Called at most once for each time that the sink is started.
    public let make: @Sendable () -> any Sink
    /// How long to wait after failures.
    public var retry = Backoff()

    /// - Parameter make: called once for each run of the sink.
    public init(_ make: @escaping @Sendable () -> any Sink) { self.make = make }
}

/// The file that a sink writes, for those who must not write or read the same one meanwhile.
public struct SinkFile: Sendable {
    /// The file as the section names it.
    public let path: String
    /// It stands for no file of its own, such as `/dev/stdout`: others may write there too.
    public let isDevice: Bool
    /// Events stand in it as they were received, so they can be read from it again.
    public let holdsRecords: Bool
    /// Whether the sink gives files in the same directory such a name: the file's own, and those of rotated ones.
    public let hasName: @Sendable (String) -> Bool

    /// A file that is written, with the names that it and its rotated ones have.
    public init(
        path: String, isDevice: Bool, holdsRecords: Bool, hasName: @escaping @Sendable (String) -> Bool
    ) {
        self.path = path
        self.isDevice = isDevice
        self.holdsRecords = holdsRecords
        self.hasName = hasName
    }
}

/// What a sink is told beside its section.
public struct SinkContext: Sendable {
    /// The forwarder's name, for events that bring none of their own.
    public let hostname: String
    /// connlog's version, such as `0.1.0`.
    public let version: String
    /// This process.
    public let pid: Int32
    /// `data_dir`; a sink keeps files of its own under `sinks/<name>` there.
    public let dataDirectory: String
    /// The names that go with ids, for sinks that add them; `NoNames` without a directory.
    public let names: any Names
    /// Says something to connlog's own log. One sentence with the place and the next step, never a secret.
    public let log: LogFunction

    /// What one program tells all its sinks.
    public init(
        hostname: String, version: String, pid: Int32, dataDirectory: String, names: any Names = NoNames(),
        log: @escaping LogFunction
    ) {
        self.hostname = hostname
        self.version = version
        self.pid = pid
        self.dataDirectory = dataDirectory
        self.names = names
        self.log = log
    }
}
