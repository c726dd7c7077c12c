package import ConnlogCoder
package import ConnlogConfig
package import ConnlogCore
package import ConnlogPipeline
import ConnlogSystem

/// What a configuration asks for, planned but not started, and what is wrong with it beyond what the keys' tables can
/// tell.
package struct Plan: Sendable {
    let settings: Settings
    /// The sources and the sinks, the store's among them.
    package private(set) var pipeline: PipelinePlan
    package let directories: [NameDirectory.Source]
    let directorySections: [Section]
    /// What is tried of the directories and sources that ask Coder.
    package private(set) var coderTrials: [CoderTrial] = []
    /// Whether somebody answers who vouches for people: an `[access]` section.
    package struct SignInTrial: Sendable {
        package let name: String
        package let type: String
        package let run: @Sendable () async -> [TrialFinding]
    }

    /// What is tried of the `[access]` sections.
    package var signInTrials: [SignInTrial] { server.signInTrials }
    /// What the sinks write, for sources to leave it out.
    private(set) var writtenFiles: [WrittenFiles.Series] = []
    private(set) var mistakes: [Diagnostic] = []
    private(set) var server = ServerPlan()
    private let registry = Registry.connlog
    private let options: Daemon.Options
    private let names: any Names
    private let written: WrittenFiles
    private let log: LogFunction

    /// - Parameters:
    ///   - names: what the sinks are given; the caller fills it from `directories`.
    ///   - written: what the sources are given; the caller fills it from `writtenFiles`.
    init(
        _ configuration: Configuration, _ options: Daemon.Options, names: any Names = NoNames(),
        written: WrittenFiles = WrittenFiles(), log: @escaping LogFunction
    ) {
        settings = Settings(configuration.connlog)
        pipeline = PipelinePlan(shutdownTimeout: settings.shutdownTimeout)
        directorySections = configuration.sections(ofKind: "directory")
        let dataDirectory = settings.dataDirectory
        directories = directorySections.flatMap { DirectorySection.sources($0, in: dataDirectory) }
        self.names = names
        self.written = written
        self.options = options
        self.log = log
        for section in configuration.sections(ofKind: "source") { add(source: section) }
        for section in configuration.sections(ofKind: "sink") { add(sink: section) }
        for section in directorySections { add(directory: section) }
        server = ServerPlan(configuration, pipeline.sources)
        mistakes += server.mistakes
        addStore(configuration)
        let files = FilePlan(configuration, registry)
        mistakes += files.mistakes
        writtenFiles = files.written
        for doubt in Doubts.of(configuration, registry) { log(.warning, doubt) }
    }

    /// The plan of a configuration in which `checked` found nothing wrong, for a command that uses parts of it.
    /// - Parameter log: gets what sinks say at work, and not what they say of their sections: `checked` told that.
    package init(_ configuration: Configuration, version: String, log: @escaping LogFunction) {
        let late = LateLog(log)
        self.init(configuration, Daemon.Options(once: true, version: version), log: late.write)
        late.open()
    }

    /// The same, with the mistakes that only sources and sinks themselves can see.
    /// - Parameter log: gets what they say about values that are right but doubtful.
    package static func checked(
        _ loaded: LoadedConfiguration, log: @escaping LogFunction = { _, _ in }
    ) -> LoadedConfiguration {
        guard let configuration = loaded.tentative else { return loaded }
        let plan = Plan(configuration, Daemon.Options(once: true, version: ""), log: log)
        return loaded.adding(plan.mistakes)
    }

    private mutating func add(source section: Section) {
        guard let name = section.name, let kind = registry.source(section.type) else { return }
        let log = log
        let context = SourceContext(
            once: options.once, name: name, version: options.version, written: written,
            log: { log($0, "source \(name): \($1)") })
        let source = section.made(telling: &mistakes) { (section) throws(Diagnostic) in try kind.make(section, context)
        }
        guard let source else { return }
        pipeline.sources.append(PlannedSource(source, section))
        if let table = source as? CoderTableSource { coderTrials.append(table.trial) }
    }

    private mutating func add(directory section: Section) {
        let version = options.version
        let api = section.made(telling: &mistakes) { (section) throws(Diagnostic) in
            try DirectorySection.api(section, version: version)
        }
        guard let api = api ?? nil, let name = section.name else { return }
        coderTrials.append(CoderTrial(.names, name: name, api: api))
    }

    private mutating func add(sink section: Section) {
        guard let name = section.name, let kind = registry.sink(section.type) else { return }
        let log = log
        let context = SinkContext(
            hostname: settings.hostname, version: options.version, pid: Machine.processID,
            dataDirectory: settings.dataDirectory, names: names, log: { log($0, "sink \(name): \($1)") })
        let filter = filter(section)
        let maker = section.made(telling: &mistakes) { (section) throws(Diagnostic) in try kind.maker(section, context)
        }
        let includesAudit = includesAudit(section, kind)
        guard let maker else { return }
        pipeline.sinks.append(
            PlannedSink(
                maker, section, filter: filter, includesAudit: includesAudit, file: kind.file(section),
                hostname: settings.hostname))
    }

    private mutating func includesAudit(_ section: Section, _ kind: any SinkKind.Type) -> Bool {
        guard section.has("include") else { return false }
        if let why = kind.refusalOfAudit(section) { mistakes.append(section.error("include", "audit events \(why)")) }
        return true
    }

    private mutating func addStore(_ configuration: Configuration) {
        let log = log
        guard let (name, section, maker) = server.storeSink(settings, log: log) else { return }
        let isTaken = pipeline.sinks.contains { $0.name == name }
        for taken in configuration.sections(ofKind: "sink") where isTaken && taken.name == name {
            let words = "'\(name)' is what [store] is called among the sinks; give this one another name"
            mistakes.append(taken.error("type", words))
        }
        pipeline.sinks.append(
            PlannedSink(
                maker, section, named: name, filter: filter(section), includesAudit: true, hostname: settings.hostname))
    }

    private mutating func filter(_ section: Section) -> (any EventFilter)? {
        guard let text = section.optionalString("filter"), !text.isEmpty else { return nil }
        do throws(FilterErrors) {
            let query = try FilterQuery(text, dialect: .connlog, now: SystemWallTime().now())
            for (term, why) in QueryFilter.undecidable(query) {
                let part = String(decoding: Array(text.utf8)[term.range], as: UTF8.self)
                mistakes.append(
                    section.error("filter", "'\(part)' \(why)", after: Plan.characters(of: text, before: term.range)))
            }
            return QueryFilter(query)
        } catch {
            mistakes += error.all.map {
                section.error("filter", $0.detail, after: Plan.characters(of: text, before: $0.range))
            }
            return nil
        }
    }

    /// - Parameter range: in bytes.
    private static func characters(of text: String, before range: Range<Int>) -> Int {
        String(decoding: text.utf8.prefix(range.lowerBound), as: UTF8.self).count
    }
}
