#if Server
import ConnlogAPI
import ConnlogConfig
import ConnlogCore
import ConnlogQueue
import ConnlogSystem
import Synchronization

/// The server while the daemon works.
final class ServerRun: Sendable {
    private let plan: ServerPlan
    private let state: APIState
    private let log: LogFunction
    private let task = Mutex<Task<Void, Never>?>(nil)
    private let current: Mutex<ServerPlan>
    private let stopper = Stopper()
    private let certificate = Mutex<ServerCertificate?>(nil)

    init(_ plan: ServerPlan, names: any Names, overview: @escaping @Sendable () -> Overview, log: @escaping LogFunction)
    {
        self.plan = plan
        self.log = log
        current = Mutex(plan)
        state = APIState(
            APIParts(access: plan.access, store: plan.store, names: names, intake: plan.intake, overview: overview))
    }

    /// Takes connections, unless there is no `[server]`.
    /// - Returns: `false` if the address cannot be used.
    func start() async -> Bool {
        guard var options = plan.options else { return true }
        do {
            options.certificate = try readCertificate()
        } catch {
            log(.error, "server: its certificate cannot be used: \(error)")
            return false
        }
        let (outcomes, outcome) = AsyncStream.makeStream(of: Bool.self)
        let (state, log, access, stopper) = (state, log, plan.access, stopper)
        let words = "\(options.certificate == nil ? "http" : "https")://\(ServerRun.shown(options.host))"
        let running = Task { [options] in
            do {
                try await APIServer(options, state, log: log).run {
                    await stopper.wait()
                } ready: { port in
                    log(.info, "server: listening at \(words):\(port)")
                    if access.isOpen {
                        log(.warning, "server: there is no [access] section, so only this machine is served")
                    }
                    outcome.yield(true)
                }
            } catch {
                if !stopper.isAsked {
                    log(.error, "server: \(words):\(options.port) cannot be used: \(error); name another 'listen'")
                }
            }
            outcome.yield(false)
            outcome.finish()
        }
        task.withLock { $0 = running }
        for await isUp in outcomes { return isUp }
        return false
    }

    private func readCertificate() throws -> ServerCertificate? {
        guard let section = plan.section, let file = section.optionalString("tls_cert"),
            let key = section.optionalString("tls_key")
        else { return nil }
        let read = try ServerCertificate(certificate: file, key: key)
        certificate.withLock { $0 = read }
        return read
    }

    private static func shown(_ host: String) -> String { host.contains(":") ? "[\(host)]" : host }

    /// Whether there is something to serve until somebody asks to stop.
    var isWanted: Bool { plan.options != nil }

    func stop() async {
        stopper.ask()
        await task.withLock { $0 }?.value
    }

    /// What a reload changes; the address is not among it.
    func apply(_ new: ServerPlan) {
        let old = current.withLock { current in
            defer { current = new }
            return current
        }
        // A store that is the same goes on, and so does whoever has it open.
        let isSameStore =
            switch (old.storeSection, new.storeSection) {
            case (nil, nil): true
            case (let old?, let new?): new.changes(from: old).isSubset(of: ConfiguredSink.keysOfQueue)
            default: false
            }
        if isSameStore { current.withLock { $0.store = old.store } }
        let store = isSameStore ? old.store : new.store
        state.update { parts in
            parts.access = new.access
            parts.store = store
            parts.intake = new.intake
        }
        reloadCertificate(new)
        guard let section = new.section, let started = plan.section else {
            if new.section != nil { log(.warning, "server: a [server] that is new is started by a restart only") }
            return
        }
        for key in section.changes(from: started).subtracting(["tls_cert", "tls_key"]).sorted() {
            log(.warning, "\(section.place(of: key).text): \(key) is changed by a restart only")
        }
    }

    private func reloadCertificate(_ new: ServerPlan) {
        guard let section = new.section, let running = certificate.withLock({ $0 }) else { return }
        guard let certificate = section.optionalString("tls_cert"), let key = section.optionalString("tls_key") else {
            return
        }
        do {
            try running.replace(certificate: certificate, key: key)
        } catch {
            log(.error, "server: \(certificate) cannot be used, so the certificate stays as it was: \(error)")
        }
    }
}
#endif
