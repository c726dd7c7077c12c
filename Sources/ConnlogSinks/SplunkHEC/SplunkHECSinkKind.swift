public import ConnlogConfig
internal import ConnlogCore
public import ConnlogPipeline
internal import ConnlogSystem

/// `type = splunk_hec`
public enum SplunkHECSinkKind: SinkKind {
    /// The keys of its section.
    public static let schema = SectionSchema(
        kind: "sink", type: "splunk_hec", isNamed: true, example: "splunk",
        summary: "Sends events to Splunk's HTTP Event Collector.",
        keys: whereKeys + whatKeys + batchKeys + RetryKeys.all + HTTPKeys.all)

    private static let whereKeys = [
        Key(
            "url", .urls, required: true, example: "https://splunk.example.com:8088",
            help: "The collector, with or without /services/collector; several take turns and stand in for each other."),
        Key(
            "token", .secret, required: true, example: "${file:/run/secrets/splunk-hec}",
            help: "The collector's token; a file is read again for each request, so a new token needs no restart."),
        Key(
            "ack", .choice(["auto", "on", "off"]), default: "auto",
            help:
                "Indexer acknowledgement: auto waits for it if the token has it, on insists, off counts what is accepted."
        ),
        Key(
            "ack_timeout", .duration(.seconds(1) ... .seconds(3600)), default: "5m",
            help: "How long an acknowledgement is waited for before the events are sent again, maybe twice then."),
    ]

    private static let whatKeys = [
        Key("index", .string, help: "The index to write to; without it, the token's own."),
        Key("host", .string, help: "The events' host; without it, this machine's name."),
        Key("source", .string, default: "connlog", help: "The events' source."),
        Key("sourcetype", .string, default: "coder:connection", help: "The events' sourcetype."),
        Key(
            "event_format", .choice(["fields", "line"]), default: "fields",
            help: "fields: a flat object in the words of Splunk's CIM; line: the slog object as received."),
        Key(
            "names", .boolean, default: "false",
            help:
                "With event_format = fields: adds user, workspace_owner and organization, the names that a [directory] "
                + "knows for the ids when the event is sent."),
    ]

    private static let batchKeys = [
        Key("compression", .choice(["gzip", "none"]), default: "gzip", help: "How requests are compressed."),
        Key(
            "batch_bytes", .size(1024...(256 << 20)), default: "900KiB",
            help: "Most bytes of a request before compression; Splunk Cloud documents 1 MB."),
        Key("batch_events", .integer(1...1_000_000), default: "5000", help: "Most events of a request."),
        Key(
            "batch_wait", .duration(.zero ... .seconds(60)), default: "1s",
            help: "How long a batch waits for more events while others are under way."),
        Key(
            "max_in_flight", .integer(1...64), default: "4",
            help: "Requests under way at once; 1 keeps the order of events strictly."),
        Key(
            "concurrency", .choice(["fixed", "adaptive"]), default: "fixed",
            help:
                "adaptive: begins with 2 requests at once, more while all goes well, half as many when Splunk is busy."
        ),
        Key(
            "timeout", .duration(.seconds(1) ... .seconds(600)), default: "60s",
            help: "For one request; shorter than the server's own worst case makes repeats."),
    ]

    /// Reads a section; throws what is wrong with it, at its place.
    public static func maker(_ section: Section, _ context: SinkContext) throws(Diagnostic) -> SinkMaker {
        let settings = try settings(section, context)
        var maker = SinkMaker { SplunkHECSink(settings, log: context.log) }
        maker.retry = try RetryKeys.backoff(section)
        return maker
    }

    /// Audit events have a sourcetype of their own.
    public static func refusalOfAudit(_ section: Section) -> String? { nil }

    static func settings(_ section: Section, _ context: SinkContext) throws(Diagnostic) -> SplunkHECSink.Settings {
        guard let token = section.secretReference("token") else { throw section.error("token", "is missing") }
        _ = try RetryKeys.backoff(section)
        var settings = SplunkHECSink.Settings(
            endpoints: try endpoints(section), token: token,
            http: try HTTPKeys.settings(section, version: context.version))
        settings.format = section.string("event_format") == "line" ? .line : .fields
        if section.boolean("names") {
            guard settings.format == .fields else {
                throw section.error("names", "a line is sent as it was received; use event_format = fields for names")
            }
            settings.names = context.names
        }
        settings.metadata = HECEnvelope.Metadata(
            host: section.optionalString("host") ?? context.hostname, source: section.optionalString("source"),
            sourcetype: section.optionalString("sourcetype"), index: section.optionalString("index"))
        settings.compresses = section.string("compression") == "gzip"
        settings.ack = SplunkHECSink.AckMode(rawValue: section.string("ack")) ?? .auto
        settings.ackTimeout = section.duration("ack_timeout")
        settings.timeout = section.duration("timeout")
        settings.limits = BatchLimits(
            events: section.integer("batch_events"), bytes: section.size("batch_bytes"),
            wait: section.duration("batch_wait"), inFlight: section.integer("max_in_flight"))
        settings.adaptsConcurrency = section.string("concurrency") == "adaptive"
        return settings
    }

    private static func endpoints(_ section: Section) throws(Diagnostic) -> [HECEndpoint] {
        var endpoints: [HECEndpoint] = []
        for url in section.list("url") {
            do throws(HECEndpoint.Mistake) {
                let endpoint = try HECEndpoint(url)
                if !endpoints.contains(endpoint) { endpoints.append(endpoint) }
            } catch {
                throw section.error("url", error.text)
            }
        }
        if endpoints.isEmpty {
            throw section.error("url", "is empty; write one such as https://splunk.example.com:8088")
        }
        return endpoints
    }
}
