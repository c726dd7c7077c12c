public import ConnlogConfig
public import ConnlogCore
import ConnlogSinks
import ConnlogSources
import ConnlogSystem

#if Server
import ConnlogQueue
import ConnlogStore
#endif

/// The sources and sinks that a configuration asks for, made but not started, and what is wrong with it beyond what
/// the keys' tables can tell.
public struct Plan {
    let settings: Settings
    private(set) var sources: [ConfiguredSource] = []
    private(set) var sinks: [ConfiguredSink] = []
    let directories: [NameDirectory.Source]
    /// What the sinks write, for sources to leave it out.
    private(set) var writtenFiles: [WrittenFiles.Series] = []
    private(set) var mistakes: [Diagnostic] = []
    #if Server
    private(set) var server: ServerPlan
    #endif
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
        directories = configuration.sections(ofKind: "directory").map(DirectorySection.source)
        self.names = names
        self.written = written
        self.options = options
        self.log = log
        #if Server
        server = ServerPlan()
        #endif
        for section in configuration.sections(ofKind: "source") { add(source: section) }
        for section in configuration.sections(ofKind: "sink") { add(sink: section) }
        #if Server
        server = ServerPlan(configuration, sources)
        mistakes += server.mistakes
        addStore()
        #endif
        var files = FilePlan(configuration.sections(ofKind: "sink"))
        files.hold(configuration.sections(ofKind: "source"))
        mistakes += files.mistakes
        writtenFiles = files.written
        for doubt in Doubts.of(configuration) { log(.warning, doubt) }
    }

    /// The same, with the mistakes that only sources and sinks themselves can see.
    /// - Parameter log: gets what they say about values that are right but doubtful.
    public static func checked(
        _ loaded: LoadedConfiguration, log: @escaping LogFunction = { _, _ in }
    ) -> LoadedConfiguration {
        guard let configuration = loaded.tentative else { return loaded }
        let plan = Plan(configuration, Daemon.Options(once: true, version: ""), log: log)
        return loaded.adding(plan.mistakes)
    }

    private mutating func add(source section: Section) {
        guard let name = section.name, let kind = Registry.source(section.type) else { return }
        let log = log
        let status = SourceStatus()
        let context = SourceContext(
            once: options.once, status: status, written: written, log: { log($0, "source \(name): \($1)") })
        let source = made(section) { (section) throws(Diagnostic) in try kind.make(section, context) }
        if let source {
            sources.append(ConfiguredSource(name: name, source: source, section: section, status: status))
        }
    }

    /// Makes it, or tells every mistake: what it refuses is taken away, and it looks again.
    private mutating func made<Made>(_ section: Section, _ make: (Section) throws(Diagnostic) -> Made) -> Made? {
        do throws(Diagnostic) { return try make(section) } catch {
            mistakes.append(error)
            var rest = section.without(valueAt: error.place)
            while let section = rest {
                do throws(Diagnostic) {
                    _ = try make(section)
                    return nil
                } catch {
                    if mistakes.contains(error) { return nil }
                    mistakes.append(error)
                    rest = section.without(valueAt: error.place)
                }
            }
            return nil
        }
    }

    private mutating func add(sink section: Section) {
        guard let name = section.name, let kind = Registry.sink(section.type) else { return }
        let log = log
        let context = SinkContext(
            hostname: settings.hostname, version: options.version, pid: Machine.processID,
            dataDirectory: settings.dataDirectory, names: names, log: { log($0, "sink \(name): \($1)") })
        let filter = filter(section)
        let sink = made(section) { (section) throws(Diagnostic) in try kind.make(section, context) }
        if let sink {
            sinks.append(
                ConfiguredSink(name: name, sink: sink, section: section, filter: filter, hostname: settings.hostname))
        }
    }

    #if Server
    private mutating func addStore() {
        guard let section = server.storeSection, let holder = server.store else { return }
        let (log, name) = (log, StoreSection.sinkName)
        if let taken = sinks.first(where: { $0.name == name }) {
            let words = "'\(name)' is what [store] is called among the sinks; give this one another name"
            mistakes.append(taken.section.error("type", words))
        }
        let reserve = DiskReserve(
            of: holder.path, queue: settings.dataDirectory, freeBytesMin: settings.queue.freeBytesMin)
        let sink = StoreSink(holder, reserve: reserve, log: { log($0, "\(name): \($1)") })
        sinks.append(
            ConfiguredSink(
                name: name, sink: sink, section: section, filter: filter(section), hostname: settings.hostname))
    }
    #endif

    private mutating func filter(_ section: Section) -> (any EventFilter)? {
        guard let text = section.optionalString("filter"), !text.isEmpty else { return nil }
        do throws(FilterErrors) {
            let query = try FilterQuery(text, dialect: .connlog, now: SystemWallTime().now())
            for (term, why) in QueryFilter.undecidable(query) {
                let part = String(decoding: Array(text.utf8)[term.range], as: UTF8.self)
                mistakes.append(
                    section.error("filter", "'\(part)' \(why)", behind: Plan.characters(of: text, before: term.range)))
            }
            return QueryFilter(query)
        } catch {
            mistakes += error.all.map {
                section.error("filter", $0.detail, behind: Plan.characters(of: text, before: $0.range))
            }
            return nil
        }
    }

    /// - Parameter range: in bytes.
    private static func characters(of text: String, before range: Range<Int>) -> Int {
        String(decoding: text.utf8.prefix(range.lowerBound), as: UTF8.self).count
    }
}
