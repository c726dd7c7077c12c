public import ConnlogConfig
import ConnlogSinks
import ConnlogSources

/// Every kind of source and sink that connlog has. A new one is a folder and a line here.
public enum Registry {
    static var sources: [any SourceKind.Type] {
        [
            FileSource.self,
            StdinSource.self,
        ] + serverSources
    }

    static var sinks: [any SinkKind.Type] {
        [
            FileSinkKind.self,
            SyslogSinkKind.self,
            SplunkHECSinkKind.self,
        ]
    }

    /// The keys of every section that may stand in a configuration.
    public static let schemas: [SectionSchema] =
        [.connlog] + sources.map { $0.schema } + sinks.map { $0.schema.appending(CommonSinkKeys.all) }
        + [DirectorySection.schema] + server

    #if Server
    private static let server = [StoreSection.schema, ServerSection.schema, AccessSection.schema]
    private static var serverSources: [any SourceKind.Type] { [IngestSource.self] }
    /// What the architecture names and this build cannot do.
    public static let planned = Planned.connlog
    #else
    private static let server: [SectionSchema] = []
    private static var serverSources: [any SourceKind.Type] { [] }
    /// What the architecture names and this build cannot do.
    public static let planned = Planned.forwarder
    #endif

    static func source(_ type: String?) -> (any SourceKind.Type)? { sources.first { $0.schema.type == type } }
    static func sink(_ type: String?) -> (any SinkKind.Type)? { sinks.first { $0.schema.type == type } }
}

extension SectionSchema {
    func appending(_ more: [Key]) -> SectionSchema {
        SectionSchema(kind: kind, type: type, isNamed: isNamed, summary: summary, keys: keys + more)
    }
}

extension Registry {
    /// The sections of `config/connlog.ini`, in its order.
    public static var reference: [ReferenceText.Item] {
        [ReferenceText.Item(.connlog, isActive: true)]
            + schemas.filter { $0.kind != "connlog" }.map { schema in
                ReferenceText.Item(
                    schema, name: exampleNames["\(schema.kind) \(schema.type ?? "")"], isActive: schema.type == "file")
            }
    }

    private static let exampleNames = [
        "source file": "coderd", "source stdin": "pipe", "sink file": "local", "sink syslog": "siem",
        "sink splunk_hec": "splunk", "directory csv": "people",
        "source ingest": "programs", "access ": "jane",
    ]
}
