#if Server
import ConnlogAPI
import ConnlogConfig
import ConnlogCore
import ConnlogPipeline
import ConnlogQueue
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
    /// What takes events that are handed in.
    var intake: (any EventIntake)?
    /// What is compared with the store; `nil`: nothing.
    var reconcile: ReconcilePlan?
    /// What the server process is given.
    private(set) var sections: [Section] = []
    private(set) var mistakes: [Diagnostic] = []

    /// For a configuration that is yet to be read.
    init() {}

    init(_ configuration: Configuration, _ sources: [PlannedSource]) {
        sections = ["store", "server", "access", "directory"].flatMap { configuration.sections(ofKind: $0) }
        for section in configuration.sections(ofKind: "store") {
            store = StoreSection.holder(section)
            storeSection = section
        }
        for section in configuration.sections(ofKind: "server") {
            self.section = section
            options = section.made(telling: &mistakes) { (section) throws(Diagnostic) in
                try ServerSection.options(section)
            }
        }
        if let section = storeSection {
            reconcile = section.made(telling: &mistakes) { (section) throws(Diagnostic) in
                try ReconcilePlan(section, configuration)
            }.flatMap { $0 }
        }
        let maker = AccessMaker(version: "", log: { _, _ in })
        access = maker.list(configuration.sections(ofKind: "access"), section) { mistakes.append($0) }
        for section in configuration.sections(ofKind: "source") {
            guard let taking = sources.first(where: { $0.name == section.name })?.intake else { continue }
            if self.section == nil {
                mistakes.append(section.error("type", "ingest needs a [server] that takes the events"))
            }
            if intake != nil { mistakes.append(section.error("type", "only one source can be of type ingest")) }
            intake = taking
        }
    }

    /// What is tried of those who vouch for people.
    var signInTrials: [Plan.SignInTrial] {
        access.coders.map { coder in Plan.SignInTrial(name: coder.name, type: "coder") { await coder.trial() } }
            + access.issuers.map { way in Plan.SignInTrial(name: way.name, type: "oidc") { await way.trial() } }
    }

    /// The sink that fills the store, with the name that it has among the sinks; `nil` without `[store]`.
    func storeSink(
        _ settings: Settings, log: @escaping LogFunction
    ) -> (name: String, section: Section, maker: SinkMaker)? {
        guard let section = storeSection, let store else { return nil }
        let name = StoreSection.sinkName
        let reserve = DiskReserve(
            of: store.path, queue: settings.dataDirectory, freeBytesMin: settings.queue.freeBytesMin)
        return (name, section, SinkMaker { StoreSink(store, reserve: reserve, log: { log($0, "\(name): \($1)") }) })
    }

    /// Keys of `[server]` that the server process takes over while it works; with another one changed it begins anew.
    private static let keysWhileWorking: Set<String> = ["tls_cert", "tls_key"]

    /// Whether the server process can go on, with the new configuration.
    func canGoOn(as new: ServerPlan) -> Bool {
        guard let section, let newSection = new.section else { return false }
        let isSameTLS = section.has("tls_cert") == newSection.has("tls_cert")
        return isSameTLS && access.isOpen == new.access.isOpen && access.isClosed == new.access.isClosed
            && newSection.changes(from: section).isSubset(of: ServerPlan.keysWhileWorking)
    }
}
#endif
