public import ConnlogConfig

/// The kinds of source and sink that a program has, and every other section that its configuration may hold.
///
/// A value: a program of one's own has its own, with kinds of its own beside connlog's.
public struct Registry: Sendable {
    /// In the order in which they are documented.
    public var sources: [any SourceKind.Type]
    /// In the order in which they are documented.
    public var sinks: [any SinkKind.Type]
    /// Sections that are neither, beside `[connlog]`.
    public var others: [SectionSchema]
    /// What a configuration may ask for and this program cannot do.
    package var planned = Planned()

    /// Kinds of sources and sinks, each with a `type` of its own.
    public init(sources: [any SourceKind.Type], sinks: [any SinkKind.Type], others: [SectionSchema] = []) {
        self.sources = sources
        self.sinks = sinks
        self.others = others
    }

    /// The same, with what this program knows of and cannot do.
    package init(
        sources: [any SourceKind.Type], sinks: [any SinkKind.Type], others: [SectionSchema], planned: Planned
    ) {
        self.init(sources: sources, sinks: sinks, others: others)
        self.planned = planned
    }

    /// The keys of every section that may stand in a configuration, in the order of `config/connlog.ini`.
    public var schemas: [SectionSchema] {
        [.connlog] + sources.map { $0.schema } + sinks.map { $0.schema.appending(CommonSinkKeys.all) } + others
    }

    /// The sections of `config/connlog.ini`.
    package var reference: [ReferenceText.Item] {
        schemas.map { schema in
            ReferenceText.Item(
                schema, name: schema.exampleName, isActive: schema.isActiveExample || schema.kind == "connlog")
        }
    }

    /// The kind of source that `type = ` names.
    public func source(_ type: String?) -> (any SourceKind.Type)? { sources.first { $0.schema.type == type } }

    /// The kind of sink that `type = ` names.
    public func sink(_ type: String?) -> (any SinkKind.Type)? { sinks.first { $0.schema.type == type } }

    /// Reads a configuration file and checks it against the schemas.
    /// - Parameters:
    ///   - path: the file.
    ///   - environment: what `${...}` in values stands for.
    ///   - kinds: the kinds of sections whose values are wanted; `nil` for all.
    public func load(
        _ path: String, environment: Environment = .process, valuesOf kinds: Set<String>? = nil
    ) -> LoadedConfiguration {
        Configuration.load(path, schemas: schemas, planned: planned, environment: environment, valuesOf: kinds)
    }
}
