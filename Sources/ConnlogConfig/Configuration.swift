/// A configuration that is right: every section read, checked and filled up with defaults.
///
///     let loaded = Configuration.load(path, schemas: schemas)
///     print(loaded.report(color: false))        // to stderr
///     guard let configuration = loaded.configuration else { exit(2) }
public struct Configuration: Sendable {
    /// The main file.
    public let path: String
    /// `[connlog]`, with its defaults when it stands in no file.
    public let connlog: Section
    /// All sections in the order of the files.
    public let sections: [Section]
    let schemas: [SectionSchema]

    /// The sections of one kind, such as `sink`, in the order of the file.
    public func sections(ofKind kind: String) -> [Section] { sections.filter { $0.kind == kind } }

    /// Reads the file and those it includes, and says everything that is wrong with them at once.
    /// - Parameters:
    ///   - path: the main file, as its name shall stand in messages.
    ///   - schemas: of all sources and sinks; `[connlog]` is added when it is missing.
    ///   - planned: what shall be called not there yet, rather than unknown.
    ///   - environment: where `${env:...}` comes from.
    ///   - kinds: the kinds of sections whose `${...}` must be there, for who uses only their values; `nil` for all. A
    ///     credential that only the service has is then no obstacle.
    package static func load(
        _ path: String, schemas: [SectionSchema], planned: Planned = Planned(), environment: Environment = .process,
        valuesOf kinds: Set<String>? = nil
    ) -> LoadedConfiguration {
        var loader = Loader(schemas: schemas, planned: planned, environment: environment, needed: kinds)
        return loader.load(path)
    }
}

/// What became of a configuration file.
public struct LoadedConfiguration: Sendable {
    /// `nil` when there is an error among `diagnostics`.
    public let configuration: Configuration?
    /// Also when there is an error: what is right of it, and something in the place of what is not. Good for nothing but
    /// finding further mistakes.
    package let tentative: Configuration?
    /// Errors and warnings in the order of their places.
    public let diagnostics: [Diagnostic]
    let sources: SourceLines

    init(configuration: Configuration?, diagnostics: [Diagnostic], sources: SourceLines) {
        self.diagnostics = sources.sorted(diagnostics)
        self.sources = sources
        tentative = configuration
        self.configuration = diagnostics.contains { $0.severity == .error } ? nil : configuration
    }

    /// Whether anything said is an error, and not a warning alone.
    public var hasErrors: Bool { diagnostics.contains { $0.severity == .error } }

    /// With what further checks have found, such as those of a source or a sink on its section. Where an error stands
    /// already, or a credential that was not read, they have seen something in its place, and what they say of that is
    /// left out.
    package func adding(_ more: [Diagnostic]) -> LoadedConfiguration {
        var wrong = Set(diagnostics.filter { $0.severity == .error }.map { LoadedConfiguration.line(of: $0.place) })
        for section in tentative?.sections ?? [] {
            wrong.formUnion(section.standIns.compactMap { section.places[$0] }.map(LoadedConfiguration.line))
        }
        let news = more.filter { !wrong.contains(LoadedConfiguration.line(of: $0.place)) }
        return LoadedConfiguration(configuration: tentative, diagnostics: diagnostics + news, sources: sources)
    }

    private static func line(of place: Place) -> Place { Place(file: place.file, line: place.line, column: 0) }

    /// All diagnostics as a person reads them: place and message, the line, a caret below it. Secrets are masked.
    /// - Parameter color: with the colours of a terminal.
    public func report(color: Bool) -> String {
        diagnostics.map { DiagnosticPrinter(sources: sources, color: color).text($0) }.joined()
    }

    /// `2 errors, 1 warning`; empty when there are none.
    public var summary: String {
        [("error", Diagnostic.Severity.error), ("warning", .warning)].compactMap { word, severity in
            let count = diagnostics.count { $0.severity == severity }
            return count == 0 ? nil : "\(count) \(word)\(count == 1 ? "" : "s")"
        }.joined(separator: ", ")
    }
}
