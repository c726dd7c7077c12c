#if Server
import ConnlogAPI
import ConnlogConfig
import ConnlogCore
import ConnlogPipeline
import ConnlogStore
import ConnlogSystem
import Synchronization

/// What the server process serves: on its local socket, and at `listen` when somebody may come there.
final class QuestionService: Sendable {
    let forwarder: RemoteForwarder
    private let link: ServerLink
    private let stopper: Stopper
    private let log: LogFunction
    private let names: NameDirectory
    private let accesses: AccessMaker
    private let state: APIState
    private let configuration: ServerConfiguration
    private let store = Mutex<(section: Section, holder: StoreHolder)?>(nil)
    private let certificate = Mutex<ServerCertificate?>(nil)
    private let thread = ThreadExecutor("names")
    /// A disk that hangs keeps no names from being read.
    private let lookout = ThreadExecutor("store look")

    init(_ configuration: ServerConfiguration, link: ServerLink, stopper: Stopper, log: @escaping LogFunction) {
        self.configuration = configuration
        self.link = link
        self.stopper = stopper
        self.log = log
        let forwarder = RemoteForwarder(link)
        self.forwarder = forwarder
        names = NameDirectory([], log: { _, _ in })
        accesses = AccessMaker(version: configuration.version, log: log)
        state = APIState(
            APIParts(
                names: names, audit: { forwarder.record($0) },
                views: ViewFiles(configuration.connlog.string("data_dir") + "/views"),
                overview: { try await forwarder.overview() }))
        use(configuration)
    }

    /// Takes over what a reload has changed.
    func use(_ new: ServerConfiguration) {
        let dataDirectory = new.connlog.string("data_dir")
        names.use(new.sections(ofKind: "directory").flatMap { DirectorySection.sources($0, in: dataDirectory) })
        let holder = holder(new.sections(ofKind: "store").first)
        let access = accesses.list(new.sections(ofKind: "access"), new.sections(ofKind: "server").first) { _ in }
        state.update { parts in
            parts.access = access
            parts.store = holder
            parts.intake = new.hasIntake ? forwarder : nil
        }
        reloadCertificate(new)
    }

    /// Who has asked, and whose answers go on, is told as it is now.
    func tellOpenAudits() { state.tellOpenAudits() }

    /// The store has something new.
    func noteChange() { store.withLock { $0 }?.holder.store?.noteChange() }

    /// One that is the same goes on, and so does whoever has it open.
    private func holder(_ section: Section?) -> StoreHolder? {
        store.withLock { store in
            guard let section else {
                store = nil
                return nil
            }
            if let old = store, section.changes(from: old.section).isEmpty { return old.holder }
            let holder = StoreSection.readingHolder(section)
            holder.expectLooks()
            store = (section, holder)
            return holder
        }
    }

    // MARK: - Serving

    /// Serves until `stopper` is asked.
    func run() async {
        guard let section = configuration.sections(ofKind: "server").first,
            var options = try? ServerSection.options(section)
        else { return }
        let refreshing = Task(executorPreference: thread) { await self.refresh() }
        let looking = Task(executorPreference: lookout) { await self.look() }
        defer { looking.cancel() }
        options.certificate = await readCertificate(section)
        guard !stopper.isAsked else { return refreshing.cancel() }
        let server = APIServer(options, state, log: log)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.serveLocally(server) }
            if !self.state.parts.access.isClosed {
                group.addTask { [options] in await self.serve(server, options) }
            } else {
                self.tell(
                    ServerState(isListening: true, words: "\(self.socketPath) only: there is no [access] section"),
                    .warning,
                    "server: there is no [access] section, so nobody is served at \(options.host):\(options.port), only "
                        + "this machine's administrator by way of \(self.socketPath); 'connlog token create' makes one")
            }
        }
        refreshing.cancel()
    }

    private static let pause = Duration.seconds(1)

    /// Takes connections at `listen`; where that cannot be, tries it again each second.
    private func serve(_ server: APIServer, _ options: APIServer.Options) async {
        let words =
            "\(options.certificate == nil ? "http" : "https")://\(options.host.contains(":") ? "[\(options.host)]" : options.host)"
        var last = ""
        while !stopper.isAsked {
            let stopper = stopper
            do {
                try await server.run {
                    await stopper.wait()
                } ready: { port in
                    let place = "\(words):\(port)"
                    self.tell(ServerState(isListening: true, words: place), .info, "server: listening at \(place)")
                    if self.state.parts.access.isOpen {
                        self.log(.warning, "server: open = true: whoever is on this machine may ask and hand in events")
                    }
                }
            } catch {
                let trouble = "\(words):\(options.port) cannot be used: \(ServerTrouble.words(error))"
                if !stopper.isAsked, trouble != last {
                    tell(
                        ServerState(isListening: false, words: trouble), .error,
                        "server: \(trouble); events go on, and it is tried again each second")
                }
                last = trouble
            }
            _ = await stopper.wait(atMost: QuestionService.pause)
        }
    }

    private var socketPath: String { configuration.connlog.string("data_dir") + "/" + ServerAddress.socketName }

    /// For commands of whoever may enter `data_dir`.
    private func serveLocally(_ server: APIServer) async {
        let path = ShortPath(socketPath)
        var isTold = false
        while !stopper.isAsked {
            let stopper = stopper
            // Only one connlog uses this directory: the queue's lock sees to that.
            try? LocalFileSystem().remove(path.text)
            do {
                try await server.run(at: path.text) { await stopper.wait() }
            } catch {
                if !isTold {
                    log(.warning, "server: \(socketPath) cannot be used: \(ServerTrouble.words(error))")
                }
                isTold = true
            }
            _ = await stopper.wait(atMost: QuestionService.pause)
        }
        try? LocalFileSystem().remove(path.text)
    }

    private func tell(_ state: ServerState, _ level: LogLevel, _ text: String) {
        log(level, text)
        if let frame = try? Frame(.state, of: state) { link.send(frame) }
    }

    /// Names are looked for each second.
    private func refresh() async {
        while !Task.isCancelled {
            names.refresh()
            try? await Task.sleep(for: QuestionService.pause)
        }
    }

    /// Whether the store's file is there is looked at each second, so that it is known before somebody asks.
    private func look() async {
        let start = ContinuousClock.now
        var pace = TroublePace()
        while !Task.isCancelled {
            if let holder = store.withLock({ $0 })?.holder {
                do throws(StoreProblem) { try holder.look() } catch {}
                for line in holder.store?.takeNotices() ?? [] { log(.warning, "server: \(line)") }
                // What is not made yet comes by itself, and a file that is opened anew says so itself.
                let trouble = holder.trouble.flatMap { [.absent, .replaced].contains($0.kind) ? nil : $0.description }
                if let words = pace.words(trouble, now: start.duration(to: .now)) { log(.error, "server: \(words)") }
            }
            try? await Task.sleep(for: QuestionService.pause)
        }
    }

    // MARK: - The certificate

    /// Waits until it can be used, or somebody asks to stop.
    private func readCertificate(_ section: Section) async -> ServerCertificate? {
        guard let file = section.optionalString("tls_cert"), let key = section.optionalString("tls_key") else {
            return nil
        }
        var last = ""
        while !stopper.isAsked {
            do {
                let read = try ServerCertificate(certificate: file, key: key)
                certificate.withLock { $0 = read }
                return read
            } catch {
                let trouble = "its certificate cannot be used: \(error)"
                if trouble != last {
                    tell(
                        ServerState(isListening: false, words: trouble), .error,
                        "server: \(trouble); events go on, and it is tried again each second")
                }
                last = trouble
            }
            _ = await stopper.wait(atMost: QuestionService.pause)
        }
        return nil
    }

    private func reloadCertificate(_ new: ServerConfiguration) {
        guard let section = new.sections(ofKind: "server").first, let running = certificate.withLock({ $0 }),
            let certificate = section.optionalString("tls_cert"), let key = section.optionalString("tls_key")
        else { return }
        do {
            try running.replace(certificate: certificate, key: key)
        } catch {
            log(.error, "server: \(certificate) cannot be used, so the certificate stays as it was: \(error)")
        }
    }
}
#endif
