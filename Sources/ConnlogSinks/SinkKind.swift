public import ConnlogConfig
public import ConnlogCore

/// One kind of sink, as `type = ` names it: one folder here and one line in the registry.
public protocol SinkKind {
    /// Its keys, without those that all sinks share (`filter`, `queue_size`, `on_full`).
    static var schema: SectionSchema { get }

    /// Makes the sink of one section, whose values have been checked against `schema`. Touches no network and writes
    /// no file: that is `Sink.open`'s.
    /// - Throws: what a schema cannot express, with the key's place.
    static func make(_ section: Section, _ context: SinkContext) throws(Diagnostic) -> any Sink
}

/// What the daemon tells every sink.
public struct SinkContext: Sendable {
    /// The forwarder's name, for events that bring none of their own.
    public let hostname: String
    /// connlog's version, such as `0.1.0`.
    public let version: String
    public let pid: Int32
    /// `data_dir`; a sink keeps files of its own under `sinks/<name>` there.
    public let dataDirectory: String
    /// The names that go with ids, for sinks that add them; `NoNames` without a directory.
    public let names: any Names
    /// Says something to the daemon's own log. One sentence with the place and the next step, never a secret.
    public let log: LogFunction

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
