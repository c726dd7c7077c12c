public import ConnlogConfig
public import ConnlogCore

/// `type = syslog`: RFC 5424 over UDP (RFC 5426) and TCP (RFC 6587).
///
/// What a commit proves: with TCP, that the receiver's kernel has acknowledged the bytes; what its process has not read
/// when it dies is lost. With UDP nothing: it is best effort.
public enum SyslogSinkKind: SinkKind {
    public static let schema = SectionSchema(
        kind: "sink", type: "syslog", isNamed: true,
        summary: "Sends events as syslog messages (RFC 5424).", keys: connectionKeys + messageKeys)

    /// Fits into every IPv6 path and into an IPv4 packet that need not be cut (RFC 5426 §3.2).
    static let datagramBytesDefault = 1180
    /// The most that UDP over IPv4 can carry.
    static let datagramBytesMax = 65_507
    /// What syslog-ng takes by default; rsyslog must be told (its maxMessageSize is 8 KiB).
    static let streamBytesDefault = 65_536

    private static let connectionKeys = [
        Key(
            "transport", .choiceWithPlanned(["tcp", "udp"], planned: ["tls", "relp", "relp_tls", "unix"]),
            default: "tcp",
            help: "tcp: committed when the receiver's kernel has acknowledged it; udp: best effort, nothing is proven"),
        Key(
            "address", .addresses, required: true, example: "siem.example.com:601",
            help: "the receiver; of several the first is used while it works, then the next"),
        Key(
            "framing", .choice(["octet_counting", "lf"]), default: "octet_counting",
            help: "tcp only; octet_counting: the length before each message; lf: a line feed behind it"),
        Key(
            "timeout", .duration(.milliseconds(100)...(.seconds(3600))), default: "30s",
            help: "how long a receiver may acknowledge nothing before the connection is given up"),
        Key(
            "connect_timeout", .duration(.milliseconds(100)...(.seconds(3600))), default: "10s",
            help: "how long one address may take to accept a connection"),
        Key(
            "max_connection_age", .duration(.zero ... .seconds(366 * 86_400)), default: "0s",
            help: "tcp: connect anew this often, give or take a tenth, for receivers behind a load balancer; 0s: never"),
    ]

    private static let messageKeys = [
        Key(
            "format", .choiceWithPlanned(["rfc5424"], planned: ["rfc3164"]), default: "rfc5424",
            help: "the message format"),
        Key("facility", .string, default: "local0", help: "kern ... local7, or its number from 0 to 23"),
        Key("app_name", .string, default: "coder", help: "APP-NAME: printable ASCII, at most 48 characters"),
        Key("hostname", .string, example: "coder-1", help: "HOSTNAME; default: [connlog] hostname"),
        Key(
            "message", .choice(["sentence", "json", "none"]), default: "sentence",
            help: "the free text; sentence: one line for people; json: the line as received; none"),
        Key(
            "sd_id", .string, default: "connlog@32473",
            help: "SD-ID of the structured data; 32473 is the documentation number: replace it with your own"),
        Key("sd_origin", .boolean, default: "false", help: "add an origin element with connlog's name and version"),
        Key("sd_meta", .boolean, default: "false", help: "add meta sequenceId, so that a receiver can see gaps"),
        Key(
            "bom", .choice(["auto", "always", "never"]), default: "auto",
            help: "a byte order mark before the free text; auto: only if it is not ASCII"),
        Key(
            "max_size", .size(RFC5424Options.bytesMin...(16 << 20)), example: "8KiB",
            help:
                "longest message; longer ones are cut and marked trunc=\"1\"; default: 1180 bytes for udp, 64KiB for tcp"
        ),
    ]

    public static func make(_ section: Section, _ context: SinkContext) throws(Diagnostic) -> any Sink {
        let options = try options(section, context)
        switch options.transport {
        case .tcp: return SyslogTCPSink(options, log: context.log)
        case .udp: return SyslogUDPSink(options, log: context.log)
        }
    }

    static func options(_ section: Section, _ context: SinkContext) throws(Diagnostic) -> SyslogOptions {
        var options = SyslogOptions(section.addresses("address").map { .init(host: $0.host, port: $0.port) })
        options.transport = .init(rawValue: section.string("transport")) ?? .tcp
        options.framing = .init(rawValue: section.string("framing")) ?? .octetCounting
        options.timeout = section.duration("timeout")
        options.connectTimeout = section.duration("connect_timeout")
        let age = section.duration("max_connection_age")
        options.maxConnectionAge = age > .zero ? age : nil
        options.messages = try messages(section, context)
        options.messages.bytesMax = try bytesMax(section, options.transport)
        return options
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
        if text.hasSuffix("@32473") {
            context.log(
                .warning,
                "sd_id: 32473 is the enterprise number for documentation; set sd_id to one with your own"
            )
        }
        return text
    }

    private static func bytesMax(_ section: Section, _ transport: SyslogOptions.Transport) throws(Diagnostic) -> Int {
        guard let size = section.optionalSize("max_size") else {
            return transport == .udp ? datagramBytesDefault : streamBytesDefault
        }
        guard transport != .udp || size <= datagramBytesMax else {
            throw section.error(
                "max_size", "a UDP datagram holds at most \(datagramBytesMax) bytes; lower it or use tcp")
        }
        return size
    }
}
