#if !Server
import ConnlogConfig
import ConnlogCore
import ConnlogPipeline

/// What a build without the trait `Server` has in the place of the store and the server: nothing.
struct ServerPart: Sendable {
    static let schemas: [SectionSchema] = []
    static let sources: [any SourceKind.Type] = []
    static let planned = Planned.forwarder

    init(
        _ plan: ServerPlan, _ pipeline: Pipeline, _ section: Section, _ options: Daemon.Options,
        log: @escaping LogFunction
    ) {}

    let isWanted = false
    func start() {}
    func settle() async {}
    func stop() async {}
    func apply(_ plan: ServerPlan, _ section: Section, intake: (any EventIntake)?) {}
}

/// What a configuration says of the store and the server: nothing that this build knows.
struct ServerPlan: Sendable {
    let mistakes: [Diagnostic] = []
    let signInTrials: [Plan.SignInTrial] = []

    init() {}
    init(_ configuration: Configuration, _ sources: [PlannedSource]) {}

    func storeSink(
        _ settings: Settings, log: @escaping LogFunction
    ) -> (name: String, section: Section, maker: SinkMaker)? { nil }
}
#endif
