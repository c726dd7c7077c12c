public import ConnlogConfig
public import ConnlogCore
public import ConnlogSystem

extension SplunkHECSink {
    /// Whether indexer acknowledgement is asked for.
    public enum AckMode: String, Sendable {
        /// Wait for it if the token has it.
        case auto
        /// Insist: hold all events while the token has it not.
        case on
        /// Count what is accepted as delivered.
        case off
    }

    /// What an event looks like to Splunk.
    public enum EventFormat: String, Sendable, CaseIterable {
        /// A flat object in the words of Splunk's Common Information Model.
        case fields
        /// The slog object as received.
        case line
    }

    /// What a sink is made from.
    public struct Settings: Sendable {
        /// Why there is no sink with these settings. The text goes on after the URL.
        public struct Mistake: Error, Equatable, CustomStringConvertible {
            /// One sentence: what is wrong.
            public let description: String
        }

        var endpoints: [HECEndpoint]
        /// Read again for each request, so that a new one needs no restart.
        public var token: SecretReference
        /// Fields or the line as it is.
        public var format = EventFormat.fields
        var metadata = HECEnvelope.Metadata()
        /// Adds the names that go with ids; `nil`: events carry ids only. With `fields` only.
        public var names: (any Names)?
        /// Whether Splunk is asked if it has indexed what it took.
        public var ack = AckMode.auto
        /// How long an acknowledgement is waited for before the events are sent again.
        public var ackTimeout = Duration.seconds(300)
        /// Whether requests are gzipped.
        public var compresses = true
        /// For one request; shorter than the server's own worst case makes repeats.
        public var timeout = Duration.seconds(60)
        /// The most events and bytes, before compression, of a request, and how many requests are under way at once.
        public var limits = BatchLimits(events: 5000, bytes: 900 << 10, wait: .seconds(1), inFlight: 4)
        /// How many requests may be under way, up to `limits.inFlight`, is found out by trying.
        public var adaptsConcurrency = false
        /// Certificates, proxy and the like.
        public var http: HTTPSettings

        init(endpoints: [HECEndpoint], token: SecretReference, http: HTTPSettings) {
            self.endpoints = endpoints
            self.token = token
            self.http = http
        }

        /// As connlog sends unless it is told otherwise: the machine's name as host, `connlog` as source,
        /// `coder:connection` as sourcetype, and the token's own index.
        /// - Parameters:
        ///   - urls: collectors, such as `https://splunk.example.com:8088`, with or without the path; several take turns
        ///     and stand in for each other. At least one.
        ///   - token: such as `SecretReference(file: "/run/secrets/splunk-hec")`.
        public init(urls: [String], token: SecretReference) throws(Mistake) {
            guard !urls.isEmpty else { throw Mistake(description: "there is no URL of a collector") }
            var endpoints: [HECEndpoint] = []
            for url in urls {
                do throws(HECEndpoint.Mistake) {
                    endpoints.append(try HECEndpoint(url))
                } catch {
                    throw Mistake(description: "the URL \(error.text)")
                }
            }
            self.init(endpoints: endpoints, token: token, http: HTTPSettings(userAgent: "connlog"))
            metadata = HECEnvelope.Metadata(
                host: Machine.hostname, source: "connlog", sourcetype: "coder:connection", index: nil)
        }

        /// The events' host; `nil` leaves it to Splunk.
        public var host: String? {
            get { metadata.host }
            set { metadata.host = newValue }
        }

        /// The events' source.
        public var source: String? {
            get { metadata.source }
            set { metadata.source = newValue }
        }

        /// The events' sourcetype.
        public var sourcetype: String? {
            get { metadata.sourcetype }
            set { metadata.sourcetype = newValue }
        }

        /// The index to write to; `nil`: the token's own.
        public var index: String? {
            get { metadata.index }
            set { metadata.index = newValue }
        }
    }

    /// Connects to nothing; `open` and `send` do.
    /// - Parameters:
    ///   - settings: where the collectors are, and how they are asked.
    ///   - log: gets what is to be said about the collectors; never the token.
    public convenience init(_ settings: Settings, log: Log = .standardError) {
        self.init(settings, log: log.write)
    }
}
