package import ConnlogCoder
package import ConnlogConfig
package import ConnlogCore
package import ConnlogPipeline
import ConnlogSinks
package import ConnlogSystem

/// What connlog stands on beside its sinks, for `connlog check --connect`: the data directory, and the sources' files.
package struct GroundTrial: Sendable {
    private let registry: Registry
    private let directory: String
    private let queueBytesMax: Int
    private let sources: [Section]
    private let directories: [NameDirectory.Source]
    private let coders: [CoderTrial]
    private let signIns: [SignIn]

    /// Somebody who vouches for people: an `[access]` section.
    package struct SignIn: Sendable {
        let name: String
        let type: String
        let run: @Sendable () async -> [TrialFinding]

        package init(name: String, type: String, run: @escaping @Sendable () async -> [TrialFinding]) {
            self.name = name
            self.type = type
            self.run = run
        }
    }
    private let servers: [Section]
    private let accesses: [Section]

    /// - Parameters:
    ///   - registry: knows what to try about each kind of source.
    ///   - directories: the configuration's files of names.
    ///   - coders: those that ask Coder.
    ///   - signIns: who vouches for people.
    package init(
        _ configuration: Configuration, _ registry: Registry, directories: [NameDirectory.Source],
        coders: [CoderTrial] = [], signIns: [SignIn] = []
    ) {
        self.signIns = signIns
        self.coders = coders
        self.registry = registry
        self.directories = directories
        directory = configuration.connlog.string("data_dir")
        queueBytesMax = configuration.connlog.size("queue_size")
        sources = configuration.sections(ofKind: "source")
        servers = configuration.sections(ofKind: "server")
        accesses = configuration.sections(ofKind: "access")
    }

    /// Tries all of it: the data directory, the sources, the files of names, the server.
    package func run() async -> [SinkTrial.Outcome] {
        var asked: [SinkTrial.Outcome] = []
        for coder in coders {
            var outcome = SinkTrial.Outcome(part: coder.purpose.rawValue, name: coder.name, type: "coder_api")
            outcome.findings = await coder.run()
            asked.append(outcome)
        }
        for signIn in signIns {
            var outcome = SinkTrial.Outcome(part: "access", name: signIn.name, type: signIn.type)
            outcome.findings = await signIn.run()
            asked.append(outcome)
        }
        var outcome = SinkTrial.Outcome(part: "data_dir", name: directory, type: "directory")
        outcome.findings = dataDirectory()
        return [outcome]
            + sources.filter { section in !coders.contains { $0.purpose == .rows && $0.name == section.name } }.map {
                section in
                var outcome = SinkTrial.Outcome(part: "source", name: section.name ?? "", type: section.type ?? "")
                outcome.findings = registry.source(section.type)?.trial(section) ?? []
                return outcome
            } + directories.filter { !$0.isOwn }.map(names) + asked + servers.map(server) + unknownOrganizations()
    }

    /// Whether [server] can listen where it should.
    private func server(_ section: Section) -> SinkTrial.Outcome {
        let (host, port) = section.address("listen")
        let name = "\(host.contains(":") ? "[\(host)]" : host):\(port)"
        var outcome = SinkTrial.Outcome(part: "server", name: name, type: "http")
        outcome.findings = [
            GroundTrial.listening(ListeningTrial.run(host: host, port: port), name, port, holder: holderID)
        ]
        if let file = section.optionalString("tls_cert"), let key = section.optionalString("tls_key") {
            let look = CertificateLook.run(certificate: file, key: key)
            outcome.findings.append(GroundTrial.certificate(look, file, now: SystemWallTime().now()))
        }
        return outcome
    }

    /// What is told of the server's certificate.
    /// - Parameter now: with less than two weeks left somebody should know.
    package static func certificate(_ look: CertificateLook, _ file: String, now: Nanoseconds) -> TrialFinding {
        let seconds = now / 1_000_000_000
        switch look {
        case .failed(let file, let reason): return .failed("\(file): \(reason); the server would not be reached")
        case .good(let from, _) where seconds < from:
            return .failed("\(file) is good from \(day(from)) on only; is the machine's clock right?")
        case .good(_, let until) where seconds >= until:
            return .failed("\(file) was good until \(day(until)); put a new one there and send connlog a SIGHUP")
        case .good(_, let until) where seconds >= until - daysMin * 86_400:
            return .doubtful("\(file) is good until \(day(until)) only; a new one is read after a SIGHUP")
        case .good(_, let until): return .good("\(file) and its key go together, and are good until \(day(until))")
        }
    }

    private static let daysMin: Int64 = 14

    private static func day(_ seconds: Int64) -> String {
        let (time, overflows) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        return overflows ? "a day beyond all calendars" : String(EventTime.text(time).prefix(10))
    }

    /// - Parameter holder: the process that runs with this configuration's data directory.
    package static func listening(_ trial: ListeningTrial, _ name: String, _ port: Int, holder: Int32?) -> TrialFinding
    {
        switch trial {
        case .free: .good("connections can be taken at \(name)")
        case .taken where holder != nil: .good("\(name) is taken, by the connlog that is running, one hopes")
        case .taken:
            .failed("\(name) is taken by another program ('ss -ltnp' shows which); end it, or give listen another port")
        case .failed(let reason) where port < 1024:
            .failed("\(name) cannot be listened at: \(reason); ports below 1024 need a right of their own")
        case .failed(let reason):
            .failed("\(name) cannot be listened at: \(reason); give listen an address of this machine")
        }
    }

    /// What a check tells that tries nothing: organizations that no directory knows, a sentence each.
    package func doubts() -> [String] {
        unknownOrganizations().flatMap { outcome in
            outcome.findings.map { "[access \"\(outcome.name)\"] organizations: \($0.text)" }
        }
    }

    /// Organizations that somebody is limited to and that no directory knows: nothing would ever be shown for them.
    private func unknownOrganizations() -> [SinkTrial.Outcome] {
        let known = NameDirectory(directories) { _, _ in }
        known.refresh()
        return accesses.compactMap { section in
            let unknown = section.optionalList("organizations").filter { name in
                UUIDText.normalized(name) == nil && known.organizationIDs(named: name).isEmpty
            }
            if unknown.isEmpty { return nil }
            var outcome = SinkTrial.Outcome(
                part: "access", name: section.name ?? "", type: section.optionalString("role") ?? "")
            outcome.findings = unknown.map {
                .doubtful(
                    "no [directory] knows an organization '\($0)', so nothing of it is shown; correct it, or write its id"
                )
            }
            return outcome
        }
    }

    /// What is found in a file of names.
    private func names(_ source: NameDirectory.Source) -> SinkTrial.Outcome {
        let directory = NameDirectory([source]) { _, _ in }
        directory.refresh()
        var outcome = SinkTrial.Outcome(part: "directory", name: source.name, type: "csv")
        outcome.findings = directory.statuses.map { status in
            if let mistake = status.mistake {
                return .failed("\(source.path): \(mistake); there would be no names from it")
            }
            let users = Quantity.count(status.users, "user")
            let organizations = Quantity.count(status.organizations, "organization")
            return .good("\(source.path) has \(status.users > 0 ? users : organizations)")
        }
        return outcome
    }

    // MARK: The data directory

    private func dataDirectory() -> [TrialFinding] {
        do throws(SystemError) {
            guard let existing = try ScratchFile.existing(directory) else {
                return [.failed("\(directory) cannot be made: something on the way to it is no directory")]
            }
            _ = try ScratchFile("data_dir", in: existing).roundTrip(ByteBuffer("connlog check\n".utf8))
            let free = try LocalFileSystem().space(of: existing).available
            return [written(existing)] + [room(free, existing)] + volatility(existing) + holder()
                + GroundTrial.descriptors(Machine.descriptorLimitMax)
        } catch {
            return [.failed("\(error); \(Advice.writing(error)), or give it another data_dir")]
        }
    }

    private func written(_ existing: String) -> TrialFinding {
        existing == directory
            ? .good("\(directory) can be written")
            : .good("\(directory) will be made under \(existing), which can be written")
    }

    private func room(_ free: Int, _ existing: String) -> TrialFinding {
        let text = "\(Quantity.bytes(free)) free on the disk of \(existing)"
        let most = Quantity.bytes(queueBytesMax)
        guard free < queueBytesMax else { return .good("\(text), and the queue takes at most \(most) (queue_size)") }
        return .doubtful(
            "\(text), and the queue may take \(most): the disk may be full first; lower queue_size or make room")
    }

    private func volatility(_ existing: String) -> [TrialFinding] {
        VolatileDirectory.warning(of: existing, directory).map { [.doubtful($0)] } ?? []
    }

    /// Below this number of descriptors files, receivers and callers get in one another's way.
    private static let descriptorsMin = 1024

    static func descriptors(_ limit: Int) -> [TrialFinding] {
        guard limit < descriptorsMin else { return [] }
        return [
            .doubtful(
                "only \(limit) files and connections may be open at once (ulimit -Hn), so files of sources are closed and "
                    + "opened again and callers of the server wait; raise it to \(descriptorsMin) or more (LimitNOFILE)"
            )
        ]
    }

    private var holderID: Int32? { QueueLocation(dataDirectory: directory).holder }

    private func holder() -> [TrialFinding] {
        guard let process = holderID else { return [] }
        return [.good("process \(process) is running with it")]
    }
}
