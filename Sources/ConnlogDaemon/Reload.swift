import ConnlogConfig
import ConnlogCore
import ConnlogPipeline

/// SIGHUP: reads the configuration again and lets sources and sinks become what it says.
///
/// - With a mistake in it, nothing changes, and the log says where it is.
/// - What is the same goes on undisturbed. What is changed ends at its commit point or checkpoint and begins anew from
///   there; what is new begins; what is gone ends, and a sink's place in the queue is kept.
/// - A changed `data_dir` is refused; other keys that only a start can change are named.
/// - In every case sinks open their files anew, read their credentials again, and probe at once.
struct Reload: Sendable {
    /// Keys of `[connlog]` that the queue is opened with.
    static let keysOfStart: Set<String> = ["durability", "sync_interval", "queue_size", "min_free", "segment_size"]

    let options: Daemon.Options
    /// `[connlog]` as the daemon was started with.
    let started: Section
    let pipeline: Pipeline
    let server: ServerPart
    let names: NameDirectory
    let coder: CoderQuestions
    let written: WrittenFiles
    let log: LogFunction

    /// - Returns: what was read is in force.
    func run() async -> Bool {
        var isInForce = true
        if let path = options.configuration, !options.once {
            log(.info, "SIGHUP: the configuration is read again, and sinks open files and read credentials anew")
            isInForce = await apply(Plan.checked(Registry.connlog.load(path)))
        } else {
            log(.info, "SIGHUP: sinks open their files anew and read their credentials again")
        }
        await pipeline.reopen()
        return isInForce
    }

    private func apply(_ loaded: LoadedConfiguration) async -> Bool {
        for diagnostic in loaded.diagnostics {
            let level: LogLevel = diagnostic.severity == .error ? .error : .warning
            log(level, "\(diagnostic.place.text): \(diagnostic.severity.rawValue): \(diagnostic.message)")
        }
        guard let configuration = loaded.configuration else {
            log(
                .error,
                "\(loaded.summary) in the configuration, so all of it stays as it was; mend it, then send SIGHUP again")
            return false
        }
        let changed = configuration.connlog.changes(from: started)
        guard !changed.contains("data_dir") else {
            let place = configuration.connlog.place(of: "data_dir").text
            log(
                .error,
                "\(place): data_dir cannot change while connlog runs, so all of the configuration stays as it was; "
                    + "restart connlog for it")
            return false
        }
        let late = Reload.keysOfStart.intersection(changed).sorted()
        for key in late {
            log(.warning, "\(configuration.connlog.place(of: key).text): \(key) is changed by a restart only")
        }
        options.adopt?(configuration.connlog)
        let plan = Plan(configuration, options, names: names, written: written, log: log)
        // The names' keeper reads them.
        names.use(plan.directories)
        coder.use(plan.directorySections)
        written.use(plan.writtenFiles)
        await pipeline.apply(plan.pipeline)
        // A source that has not changed goes on, and the new plan's own is never started.
        server.apply(plan.server, configuration.connlog, intake: await pipeline.sources.intake)
        log(
            .info,
            "the configuration is in force"
                + (late.isEmpty ? "" : ", but for \(late.joined(separator: ", ")), which a restart changes"))
        return true
    }
}
