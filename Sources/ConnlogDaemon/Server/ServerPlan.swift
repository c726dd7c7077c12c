#if Server
import ConnlogAPI
import ConnlogConfig
import ConnlogSources
import ConnlogStore

/// What a configuration says of the store and the server.
struct ServerPlan: Sendable {
    /// `nil` without `[store]`.
    var store: StoreHolder?
    var storeSection: Section?
    /// `nil` without `[server]`.
    var options: APIServer.Options?
    var section: Section?
    var access = AccessList()
    var intake: IngestSource?
    private(set) var mistakes: [Diagnostic] = []

    /// For a configuration that is yet to be read.
    init() {}

    init(_ configuration: Configuration, _ sources: [ConfiguredSource]) {
        for section in configuration.sections(ofKind: "store") {
            store = StoreSection.holder(section)
            storeSection = section
        }
        var entries: [AccessList.Entry] = []
        for section in configuration.sections(ofKind: "access") {
            do throws(Diagnostic) { entries.append(try AccessSection.entry(section)) } catch { mistakes.append(error) }
        }
        access = AccessList(entries)
        for section in configuration.sections(ofKind: "server") {
            self.section = section
            do throws(Diagnostic) { options = try ServerSection.options(section) } catch { mistakes.append(error) }
        }
        for source in sources {
            guard let ingest = source.source as? IngestSource else { continue }
            if section == nil {
                mistakes.append(source.section.error("type", "ingest needs a [server] that takes the events"))
            }
            if intake != nil {
                mistakes.append(source.section.error("type", "only one source can be of type ingest"))
            }
            intake = ingest
        }
    }
}
#endif
