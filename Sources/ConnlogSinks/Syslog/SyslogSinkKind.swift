public import ConnlogConfig
import ConnlogCore
public import ConnlogPipeline
import ConnlogSystem

/// `type = syslog`: RFC 5424 over UDP (RFC 5426), TCP (RFC 6587), TLS (RFC 5425), RELP and local sockets.
///
/// What a commit proves: with RELP, that the receiver has said of each message that it has taken it. With TCP and TLS,
/// that the receiver's process must have read it, by the window that its kernel offers, and had time for it. With a
/// local socket, that the receiver's process has read them. With UDP nothing: it is best effort.
public enum SyslogSinkKind: SinkKind {
    /// The keys of its section.
    public static let schema = SectionSchema(
        kind: "sink", type: "syslog", isNamed: true, example: "siem",
        summary: "Sends events as syslog messages (RFC 5424).",
        keys: connectionKeys + RetryKeys.all + tlsKeys + messageKeys)

    /// Fits into every IPv6 path and into an IPv4 packet that need not be cut (RFC 5426 §3.2).
    static let datagramBytesDefault = 1180
    /// The most that UDP over IPv4 can carry.
    static let datagramBytesMax = 65_507
    /// What log daemons take over their own socket.
    static let localBytesDefault = 8192
    /// What syslog-ng takes by default; rsyslog must be told (its maxMessageSize is 8 KiB).
    static let streamBytesDefault = 65_536

    private static let connectionKeys = [
        Key(
            "transport", .choice(["udp", "tcp", "tls", "relp", "relp_tls", "unix"]),
            default: "tcp",
            help: "relp: committed when the receiver has answered for each message; tcp, tls: when its process must "
                + "have read the bytes; unix: when its process has read them; udp: best effort, nothing is proven."),
        Key(
            "address", .addressesOrPath, required: true, example: "siem.example.com:6514",
            help: "The receiver, or several."),
        Key(
            "distribute", .choice(["failover", "spread"]), default: "failover",
            help: "Of several receivers, each connection goes to: failover: the first that can be reached; spread: any."
        ),
        Key(
            "framing", .choice(["octet_counting", "lf"]), default: "octet_counting",
            help: "tcp and tls; octet_counting: the length before each message; lf: a line feed after it."),
        Key(
            "timeout", .duration(.milliseconds(100)...(.seconds(3600))), default: "30s",
            help: "How long a receiver may acknowledge nothing before the connection is given up."),
        Key(
            "connect_timeout", .duration(.milliseconds(100)...(.seconds(3600))), default: "10s",
            help: "How long one address may take to accept a connection, and then to set TLS up."),
        Key(
            "max_connection_age", .duration(.zero ... .seconds(366 * 86_400)), default: "0s",
            help: "Connect anew this often, give or take a tenth, for receivers behind a load balancer; 0s: never."),
        Key(
            "window", .integer(1...100_000), default: "1000",
            help: "relp: how many messages may be unanswered (and 4MiB of them)."),
        Key(
            "resend_tail", .sizeOrAuto(0...(64 << 20)), default: "auto",
            help: "tcp and tls: what is sent again after a break, with the same eid; auto: what the receiver may not "
                + "have read and dealt with, by the window it offers, at most 8MiB; a size: at least so many bytes, for "
                + "receivers with a queue of their own; 0B: only what its kernel had not acknowledged, which loses "
                + "events when a receiver dies."),
    ]

    private static let tlsKeys = [
        Key(
            "tls_ca", .path, example: "/etc/connlog/ca.pem",
            help: "PEM file with the authorities to trust; without it, the system's."),
        Key(
            "tls_cert", .path, example: "/etc/connlog/client.pem",
            help: "PEM file with our certificate, for receivers that want one; read again for every connection."),
        Key("tls_key", .path, example: "/etc/connlog/client.key", help: "PEM file with the key of tls_cert."),
        Key("tls_verify", .boolean, default: "true", help: "Whether the receiver's certificate is checked."),
        Key(
            "tls_fingerprint", .list,
            example: "sha-256:" + (0..<32).map { _ in "AB" }.joined(separator: ":"),
            help: "The receiver's certificate must be one of these, whoever signed it; sha-1: or sha-256: goes before."),
    ]

    private static let messageKeys = [
        Key(
            "format", .choice(["rfc5424", "rfc3164"]), default: "rfc5424",
            help:
                "rfc3164 is for receivers that know no better: no structured data, no year, 1024 bytes; it is what unix "
                + "takes unless this is set."),
        Key(
            "time_zone", .choice(["local", "utc"]), default: "local",
            help: "rfc3164 only: whose time of day the timestamp shows, which the format cannot say."),
        Key("facility", .string, default: "local0", help: "kern ... local7, or its number from 0 to 23."),
        Key("app_name", .string, default: "coder", help: "APP-NAME: printable ASCII, at most 48 characters."),
        Key("hostname", .string, example: "coder-1", help: "HOSTNAME; without it, hostname of [connlog]."),
        Key(
            "message", .choice(["sentence", "json", "none", "cef", "leef", "ecs", "ocsf"]), default: "sentence",
            help:
                "The free text; sentence: one line for people; json: the line as received; none: nothing; cef, leef, ecs, "
                + "ocsf: the event in that format, instead of structured data."),
        Key(
            "sd_id", .string, default: "connlog@32473",
            help: "SD-ID of the structured data; 32473 is the documentation number: replace it with your own."),
        Key("sd_origin", .boolean, default: "false", help: "Adds an origin element with connlog's name and version."),
        Key("sd_meta", .boolean, default: "false", help: "Adds meta sequenceId, so that a receiver can see gaps."),
        Key(
            "names", .boolean, default: "false",
            help:
                "Adds user_name, owner_name and org_name, the names that a [directory] knows for the ids when the event is "
                + "sent; cef, leef, ecs and ocsf have keys of their own for them."),
        Key(
            "bom", .choice(["auto", "always", "never"]), default: "auto",
            help: "A byte order mark before the free text; auto: only if it is not ASCII."),
        Key(
            "max_size", .size(RFC5424Options.bytesMin...(16 << 20)), example: "8KiB",
            help:
                "Longest message; longer ones are cut and marked trunc=\"1\"; without it, 1180 bytes for udp, 8KiB for unix, 1KiB "
                + "for rfc3164, else 64KiB."
        ),
    ]

    /// Formats of SIEMs have no place for who asked.
    public static func refusalOfAudit(_ section: Section) -> String? {
        guard let format = section.optionalString("message"), SIEMFormat(rawValue: format) != nil else { return nil }
        return "have no form in message = \(format) yet; a second sink can write them"
    }

    /// Reads a section; throws what is wrong with it, at its place.
    public static func maker(_ section: Section, _ context: SinkContext) throws(Diagnostic) -> SinkMaker {
        let options = try options(section, context)
        var maker = SinkMaker {
            switch options.transport {
            case .udp: SyslogUDPSink(options, log: context.log)
            case .relp, .relpTLS: SyslogRELPSink(options, log: context.log)
            case .tcp, .tls: SyslogTCPSink(options, log: context.log)
            case .unix: SyslogUnixSink(options, log: context.log)
            }
        }
        maker.retry = try RetryKeys.backoff(section)
        return maker
    }

    static func options(_ section: Section, _ context: SinkContext) throws(Diagnostic) -> SyslogOptions {
        _ = try RetryKeys.backoff(section)
        let transport = SyslogOptions.Transport(rawValue: section.string("transport")) ?? .tcp
        var options = SyslogOptions(try receivers(section, transport))
        options.transport = transport
        options.distribution = .init(rawValue: section.string("distribute")) ?? .failover
        options.framing = .init(rawValue: section.string("framing")) ?? .octetCounting
        options.timeout = section.duration("timeout")
        options.connectTimeout = section.duration("connect_timeout")
        let age = section.duration("max_connection_age")
        options.maxConnectionAge = age > .zero ? age : nil
        options.window = section.integer("window")
        options.resendTailBytes = section.optionalSize("resend_tail")
        options.tls = try tls(section, transport, context)
        options.path = section.list("address").first ?? ""
        options.legacy = legacy(section, transport)
        options.messages = try messages(section, context)
        if section.boolean("names") {
            guard options.legacy == nil || options.messages.message.format != nil else {
                throw section.error("names", "needs structured data, which rfc3164 has not; set format = rfc5424")
            }
            options.names = context.names
        }
        options.messages.bytesMax = try bytesMax(section, options)
        warnOfCuts(section, options, context)
        return options
    }

    /// A log daemon's own socket takes RFC 3164 without a host name; RFC 5424 only on request.
    private static func legacy(_ section: Section, _ transport: SyslogOptions.Transport) -> RFC3164Options? {
        let isLocal = transport == .unix && !section.isSet("format")
        guard isLocal || section.string("format") == "rfc3164" else { return nil }
        var legacy = RFC3164Options()
        legacy.zone = .init(rawValue: section.string("time_zone")) ?? .local
        legacy.hasHostname = transport != .unix
        return legacy
    }

    private static func receivers(
        _ section: Section, _ transport: SyslogOptions.Transport
    ) throws(Diagnostic) -> [SyslogOptions.Receiver] {
        let isPath = section.list("address").first?.hasPrefix("/") ?? false
        guard isPath == (transport == .unix) else {
            throw section.error(
                "address",
                isPath
                    ? "a path needs transport = unix; for \(transport.rawValue) write host:port"
                    : "transport = unix needs the path of a socket, such as /dev/log")
        }
        if isPath { return [] }
        let addresses = section.addresses("address")
        if addresses.isEmpty { throw section.error("address", "is empty; write host:port") }
        return addresses.map { .init(host: $0.host, port: $0.port) }
    }

    private static func tls(
        _ section: Section, _ transport: SyslogOptions.Transport, _ context: SinkContext
    ) throws(Diagnostic) -> TLSSettings {
        var tls = TLSSettings()
        tls.authorityFile = section.optionalString("tls_ca")
        tls.certificateFile = section.optionalString("tls_cert")
        tls.keyFile = section.optionalString("tls_key")
        tls.verifies = section.boolean("tls_verify")
        if tls.keyFile != nil && tls.certificateFile == nil {
            throw section.error("tls_key", "is of no use without tls_cert; set both, or none")
        }
        for text in section.optionalList("tls_fingerprint") {
            guard let fingerprint = CertificateFingerprint(text) else {
                throw section.error(
                    "tls_fingerprint",
                    "'\(text)' is no fingerprint; write sha-256: or sha-1: and the hexadecimal digits, as "
                        + "openssl x509 -noout -fingerprint -sha256 prints them")
            }
            tls.fingerprints.append(fingerprint)
        }
        if !transport.usesTLS, let key = tlsKeys.first(where: { section.isSet($0.name) }) {
            context.log(.warning, "\(key.name) has no effect: transport = \(transport.rawValue) is not encrypted")
        }
        if transport.usesTLS, !tls.verifies {
            context.log(.warning, "tls_verify = false: anybody on the way can read and change what is sent")
        }
        return tls
    }

    private static func messages(_ section: Section, _ context: SinkContext) throws(Diagnostic) -> RFC5424Options {
        var messages = RFC5424Options()
        messages.facility = try facility(section)
        messages.hostname = try headerField(
            "hostname", section.optionalString("hostname") ?? context.hostname, 255, section)
        messages.appName = try headerField("app_name", section.string("app_name"), 48, section)
        messages.pid = context.pid
        messages.structuredDataID = try structuredDataID(section, context)
        messages.message = .init(rawValue: section.string("message")) ?? .sentence
        messages.byteOrderMark = .init(rawValue: section.string("bom")) ?? .auto
        messages.originVersion = section.boolean("sd_origin") ? context.version : nil
        messages.addsSequence = section.boolean("sd_meta")
        return messages
    }

    private static func facility(_ section: Section) throws(Diagnostic) -> Facility {
        let text = section.string("facility")
        guard let facility = Facility(text) else {
            let names = Facility.allCases.map(\.name).joined(separator: ", ")
            throw section.error("facility", "'\(text)' is no facility; write a number from 0 to 23 or one of \(names)")
        }
        return facility
    }

    /// A machine's own name is made to fit; what somebody wrote must.
    private static func headerField(
        _ key: String, _ text: String, _ lengthMax: Int, _ section: Section
    ) throws(Diagnostic) -> String {
        guard section.has(key) else { return text }
        guard !text.isEmpty, text.utf8.count <= lengthMax, text.utf8.allSatisfy({ 33...126 ~= $0 }) else {
            throw section.error(
                key,
                "'\(text)' cannot stand in a syslog header; write 1 to \(lengthMax) printable ASCII characters, no blanks"
            )
        }
        return text
    }

    private static func structuredDataID(_ section: Section, _ context: SinkContext) throws(Diagnostic) -> String {
        let text = section.string("sd_id")
        guard RFC5424Options.isStructuredDataID(text) else {
            throw section.error(
                "sd_id",
                "'\(text)' is not name@number; write a name and your private enterprise number, such as connlog@32473")
        }
        // With a format of its own the message has no element of ours.
        let isUsed = RFC5424Options.Message(rawValue: section.string("message"))?.format == nil
        if isUsed, text.hasSuffix("@32473") {
            context.log(
                .warning,
                "sd_id: 32473 is the enterprise number for documentation; set sd_id to one with your own"
            )
        }
        return text
    }

    /// JSON that was cut cannot be read at all, and these two are always longer than what a datagram holds by default.
    private static func warnOfCuts(_ section: Section, _ options: SyslogOptions, _ context: SinkContext) {
        guard let format = options.messages.message.format, format == .ecs || format == .ocsf,
            options.messages.bytesMax < 2048
        else { return }
        context.log(
            .warning,
            "message = \(format.rawValue): an event has 1,200 bytes and more, and JSON that is cut to "
                + "\(options.messages.bytesMax) bytes cannot be read; use tcp, tls or relp with format = rfc5424, or set "
                + "max_size to what the receiver and the way to it can take")
    }

    private static func bytesMax(_ section: Section, _ options: SyslogOptions) throws(Diagnostic) -> Int {
        guard let size = section.optionalSize("max_size") else {
            if options.legacy != nil { return RFC3164Encoder.bytesMax }
            return switch options.transport {
            case .udp: datagramBytesDefault
            case .unix: localBytesDefault
            default: streamBytesDefault
            }
        }
        guard options.transport != .udp || size <= datagramBytesMax else {
            throw section.error(
                "max_size", "a UDP datagram holds at most \(datagramBytesMax) bytes; lower it or use tcp")
        }
        return size
    }
}
