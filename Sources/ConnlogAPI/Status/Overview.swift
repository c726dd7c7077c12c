#if Server
package import ConnlogCore
package import ConnlogSystem

/// How connlog is: what the status, the metrics and the page show. A snapshot.
package struct Overview: Sendable, Codable {
    package var version = ""
    /// By the wall clock as it was then.
    package var started: Nanoseconds = 0
    /// For how many seconds it has run, by a clock that nobody sets.
    package var uptimeSeconds: Int64 = 0
    package var queue = QueuePart()
    package var sources: [SourcePart] = []
    package var sinks: [SinkPart] = []
    /// `nil` without a `[server]`.
    package var server: ServerPart?
    /// The figures were left out.
    var isLimited = false
    /// What does not get on, a sentence each: sinks, sources, the queue, spinning threads.
    package var stuck: [String] = []
    /// Threads that keep a processor busy and get nothing done.
    package var spinningThreads = 0

    package struct QueuePart: Sendable, Codable {
        /// `ok`, or why sources wait, as a word.
        package var state = "ok"
        /// The same as a sentence.
        package var words = ""
        package var figures: [Figure] = []
        package init() {}
    }

    package struct SourcePart: Sendable, Codable {
        package var name = ""
        package var type = ""
        package var figures: [Figure] = []
        /// It does not get on: for how long, and what it waits for.
        package var stuck: String?
        package init() {}
    }

    package struct SinkPart: Sendable, Codable {
        package var name = ""
        package var type = ""
        /// `starting`, `working`, `retrying`, `holding`, `stopped`.
        package var state = ""
        /// Of its delivery.
        package var figures: [Figure] = []
        /// What the sink counts itself.
        package var ownFigures: [Figure] = []
        package var lastError: String?
        package var lastErrorTime: Nanoseconds?
        /// It does not get on: for how long, and what it waits for.
        package var stuck: String?
        package init() {}
    }

    /// The process that answers questions.
    package struct ServerPart: Sendable, Codable {
        /// `starting`, `listening`, `down`.
        package var state = "starting"
        /// Where it listens, or why it does not.
        package var words = ""
        /// How often it has ended by itself and was started again.
        package var restarts = 0
        /// Questions of which it was kept who asked, and those of which it could not be.
        package var audited = 0
        package var auditsLost = 0
        package init() {}

        var figures: [Figure] {
            [
                Figure("listening", "1 while the server takes connections.", isTrue: state == "listening"),
                Figure(
                    .counter, "restarts", "How often the server's process has ended and was started again.", restarts),
                Figure(.counter, "audit_events", "Answers of which it was kept who asked.", audited),
                Figure(
                    .counter, "audit_events_lost", "Answers of which it could not be kept who asked: see the log.",
                    auditsLost),
            ]
        }
    }

    package init() {}

    /// Those of no part.
    var figures: [Figure] {
        [
            Figure(.gauge, "info", "1, with the version.", by: [.init("version", version)], 1),
            Figure(
                .gauge, "start_time_seconds", unit: .time, "When it started, in seconds since 1970.",
                Double(started) / 1e9),
            Figure(.gauge, "uptime_seconds", "For how long it has run.", Duration.seconds(uptimeSeconds)),
            Figure(
                .gauge, "thread_spinning", key: "spinning_threads",
                "Threads that keep a processor busy and get nothing done.", spinningThreads),
            Figure(
                .gauge, "newest_event_age_seconds", unit: .seconds,
                "For how long no event has come from any source; from the start, while there was none.",
                sources.compactMap { $0.figures.value("last_event_age_seconds") }.min()),
            Figure(.gauge, "stuck_parts", "Parts of connlog that do not get on; the status names them.", stuck.count),
        ]
    }
}

extension [Figure] {
    /// The sum of what one key has; 0 where there is none.
    func sum(_ key: String) -> Int { reduce(0) { $1.key == key ? $0 + Int(clamping: $1.value ?? 0) : $0 } }

    func value(_ key: String) -> Double? { first { $0.key == key }?.value }
}

extension Int {
    /// The nearest one there is.
    fileprivate init(clamping value: Double) { self = Int(exactly: value.rounded()) ?? (value < 0 ? .min : .max) }
}

extension Overview {
    /// What parts there are and how they do, for whoever may not know how much goes through them, and where to.
    var withoutFigures: Overview {
        var left = Overview()
        (left.version, left.started, left.uptimeSeconds) = (version, started, uptimeSeconds)
        left.isLimited = true
        left.queue.state = queue.state
        left.sources = sources.map { source in
            var part = SourcePart()
            (part.name, part.type) = (source.name, source.type)
            return part
        }
        left.sinks = sinks.map { sink in
            var part = SinkPart()
            (part.name, part.type, part.state) = (sink.name, sink.type, sink.state)
            return part
        }
        return left
    }
}
#endif
