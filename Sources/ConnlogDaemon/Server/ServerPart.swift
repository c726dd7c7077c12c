#if Server
import ConnlogConfig
import ConnlogCore
import ConnlogPipeline
import ConnlogSources
import ConnlogSystem

/// The store's and the server's part in a daemon: what they add to a configuration, and the server's process beside the
/// pipeline. A build without the trait `Server` has an empty one (`ServerPart+None.swift`).
struct ServerPart: Sendable {
    static let schemas = [StoreSection.schema, ServerSection.schema] + AccessSection.schemas
    static let sources: [any SourceKind.Type] = [IngestSource.self]
    /// What the architecture names and this build cannot do.
    static let planned = Planned.connlog

    private let run: ServerRun
    private let reconcile: ReconcileWatch
    private let planned: ReconcilePlan?
    private let once: Bool

    /// Starts nothing yet.
    init(
        _ plan: ServerPlan, _ pipeline: Pipeline, _ section: Section, _ options: Daemon.Options,
        log: @escaping LogFunction
    ) {
        let reconcile = ReconcileWatch(version: options.version, log: log)
        self.reconcile = reconcile
        planned = plan.reconcile
        let overviews = OverviewMaker(
            pipeline: pipeline, version: options.version, started: SystemWallTime().now(),
            startedUptime: SystemWallTime().uptime(), bytesMax: section.size("queue_size"),
            storeFigures: { reconcile.figures })
        let audit = AuditDoor(
            record: { (events) throws(AppendError) in try await pipeline.record(events) }, log: log)
        run = ServerRun(
            plan, section, version: options.version, overview: { overviews.overview }, audit: audit, log: log)
        once = options.once
        overviews.server.set(run)
    }

    /// Starts the server's process, if one is wanted.
    func start() {
        guard !once else { return }
        run.start()
        reconcile.use(planned)
    }

    /// Whether there is something to serve until somebody asks to stop.
    var isWanted: Bool { !once && run.isWanted }

    /// Returns when who has asked so far is with the queue, so that sinks that come to their end have it too.
    func settle() async { await run.settleAudit() }

    /// Returns when the process has ended.
    func stop() async {
        reconcile.stop()
        await run.stop()
    }

    /// What a reload changes.
    /// - Parameter intake: what takes events that are handed in, now.
    func apply(_ plan: ServerPlan, _ section: Section, intake: (any EventIntake)?) {
        var wanted = plan
        wanted.intake = intake
        run.apply(wanted, section)
        if !once { reconcile.use(plan.reconcile) }
    }
}
#endif
