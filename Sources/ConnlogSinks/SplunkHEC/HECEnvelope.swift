internal import ConnlogCore
internal import ConnlogSystem

/// Writes events as the HTTP Event Collector takes them: one envelope for each, a line feed between.
///
/// Splunk answers 200 and silently loses what is wrong with an envelope (an unknown key in the middle of a batch,
/// `fields` without `event`), so this writer can produce nothing but these seven keys, in this order:
///
///     time        decimal seconds from integers: 6 digits of fraction, 9 if there are nanoseconds. The event's own
///                 time, else when coderd wrote the line; left out if neither can be read
///     host, source, sourcetype, index    only if configured
///     event       an object, see below; never empty
///     fields      connection_type and connection_status: the only indexed fields, a handful of values each
///
/// A slog line is never the envelope itself; it would be lost. With `event_format = line` it stands under `event`, byte
/// for byte. With `event_format = fields` the event is a flat object in the words of Splunk's Common Information Model,
/// its values copied from the line (still escaped), what the line does not say left out:
///
///     key                  from                      note
///     time                 Time                      RFC 3339, all digits
///     event_id             ID, else derived          repeats are removed with `dedup event_id`
///     action               type, status, code        see `HECAction`
///     signature            type and status           such as "ssh connected"
///     signature_id         type                      as coderd writes it, in newer builds the method
///     app                  the client's app          such as cursor; the type where no app is known
///     session_id           ConnectionID              joins connect and disconnect
///     client_session_id    ClientSessionID
///     src, src_ip          Ip, IP                    the client
///     dest                 workspace.agent           the workspace is the destination
///     workspace_name       WorkspaceName
///     agent_name           AgentName
///     app_slug, dest_port  SlugOrPort                an app's slug, or the forwarded port
///     status               Code of web and tunnel    the HTTP status
///     exit_code            Code of the others        the process's exit status
///     reason               DisconnectReason
///     http_user_agent      UserAgent
///     user_id              UserID                    who connected; the owner of the workspace is not that
///     user, workspace_owner, organization            names of those ids, with `names = on`: see `HECNames`
///     workspace_owner_id   WorkspaceOwnerID
///     workspace_id         WorkspaceID
///     vendor_account       OrganizationID
///     vendor_product       "Coder"
///     request_id           request_id                finds coderd's other lines about it
///
/// Keys that this version does not know are in the line only: `event_format = line` forwards them.
struct HECEnvelope: Sendable {
    typealias Format = SplunkHECSink.EventFormat

    /// What is the same in every envelope, as it stands in the configuration.
    struct Metadata: Sendable, Equatable {
        var host: String?
        var source: String?
        var sourcetype: String?
        var index: String?
    }

    let format: Format
    /// `"host":"...",...` with a comma after each.
    private let metadata: ByteBuffer
    private let auditMetadata: ByteBuffer
    /// `nil`: ids only.
    private var names: HECNames?
    private var scanner = EventScanner()

    /// What the other parts of an envelope may take at most, beside what is copied from the record.
    private static let ownBytesMax = 1024

    init(_ format: Format, _ metadata: Metadata, names: (any Names)? = nil) {
        self.format = format
        self.names = names.map(HECNames.init)
        self.metadata = HECEnvelope.members(metadata, sourcetype: metadata.sourcetype)
        auditMetadata = HECEnvelope.members(metadata, sourcetype: HECEnvelope.auditSourcetype)
    }

    /// Of audit events.
    static let auditSourcetype = "connlog:audit"

    private static func members(_ metadata: Metadata, sourcetype: String?) -> ByteBuffer {
        var text = ByteBuffer()
        let pairs = [
            ("host", metadata.host), ("source", metadata.source), ("sourcetype", sourcetype), ("index", metadata.index),
        ]
        for (key, value) in pairs {
            guard let value, !value.isEmpty else { continue }
            text.append("\"\(key)\":\"")
            JSONText.escape(value, into: &text)
            text.append("\",")
        }
        return text
    }

    /// What an envelope adds to a record, about.
    var bytesPerEvent: Int { metadata.count + 130 }

    /// Appends the envelopes of a batch to `body`.
    mutating func append(_ batch: borrowing EventBatch, to body: inout ByteBuffer) {
        for index in 0..<batch.count { append(batch, index, to: &body) }
    }

    private mutating func append(_ batch: borrowing EventBatch, _ index: Int, to body: inout ByteBuffer) {
        guard batch.hasNote(index) else { return append(batch.record(index), to: &body) }
        append(batch.record(index), EventIndex(batch.note(index)), to: &body)
    }

    /// Appends the envelope of one record, which is one slog JSON line, to `body`.
    mutating func append(_ record: Span<UInt8>, to body: inout ByteBuffer) {
        var fields = EventFields()
        guard case .connectionLog = scanner.scan(record, into: &fields) else {
            return AuditEvent.begins(record) ? appendAudit(record, to: &body) : appendText(record, to: &body)
        }
        append(record, fields.index, to: &body)
    }

    private mutating func append(_ record: Span<UInt8>, _ index: EventIndex, to body: inout ByteBuffer) {
        let names = names?.members(of: record, index)
        // Of each value at most three copies are made.
        let limit = metadata.count + 3 * record.count + HECEnvelope.ownBytesMax + (names?.count ?? 0)
        let format = format
        let metadata = metadata
        body.withWriter(reserving: limit) { writer in
            let event = HECEvent(index, record)
            writer.append("{")
            HECEnvelope.writeTime(event.time ?? index.entryTime(in: record), &writer)
            writer.append(metadata.span)
            writer.append("\"event\":")
            switch format {
            case .line: writer.append(record)
            case .fields: event.write(record, names, &writer)
            }
            HECEnvelope.writeIndexed(event.type, event.status, &writer)
            writer.append("}\n")
        }
    }

    /// Who asked what, as an object of its own sourcetype, so that searches for connections never meet it.
    private func appendAudit(_ record: Span<UInt8>, to body: inout ByteBuffer) {
        guard let text = AuditText(record) else { return appendText(record, to: &body) }
        let time = text.event.time
        let object = JSONValue.object(
            [.init(key: "vendor_product", value: "connlog")]
                + text.pairs.map { .init(key: $0.key == "id" ? "event_id" : $0.key, value: .string($0.value)) })
        let event = Array(object.line.utf8)
        let metadata = auditMetadata
        body.withWriter(reserving: metadata.count + event.count + HECEnvelope.ownBytesMax) { writer in
            writer.append("{")
            HECEnvelope.writeTime(time, &writer)
            writer.append(metadata.span)
            writer.append("\"event\":")
            writer.append(event.span)
            writer.append("}\n")
        }
    }

    /// The queue holds events only; should it ever hold something else, that is forwarded as text rather than lost.
    private func appendText(_ record: Span<UInt8>, to body: inout ByteBuffer) {
        let metadata = metadata
        let limit = metadata.count + JSONText.growthMax * record.count + HECEnvelope.ownBytesMax
        body.withWriter(reserving: limit) { writer in
            writer.append("{")
            writer.append(metadata.span)
            writer.append("\"event\":\"unreadable record: ")
            JSONText.escape(record, 0..<record.count, into: &writer)
            writer.append("\"}\n")
        }
    }

    private static func writeTime(_ time: Nanoseconds?, _ writer: inout ByteWriter) {
        guard let time else { return }
        writer.append("\"time\":")
        HECTime.write(time, &writer)
        writer.append(",")
    }

    /// Names of their own: a `status` here beside the one in the event would make two values of it.
    private static func writeIndexed(
        _ type: ConnectionType, _ status: ConnectionStatus?, _ writer: inout ByteWriter
    ) {
        writer.append(",\"fields\":{\"connection_type\":\"")
        writer.append(type.word)
        if let status {
            writer.append("\",\"connection_status\":\"")
            writer.append(status.word)
        }
        writer.append("\"}")
    }
}

/// The envelope's time.
enum HECTime {
    /// Exact decimal seconds since 1970, at most 21 bytes.
    static func write(_ time: Nanoseconds, _ writer: inout ByteWriter) {
        if time < 0 { writer.append("-") }
        let (seconds, nanoseconds) = time.magnitude.quotientAndRemainder(dividingBy: 1_000_000_000)
        writer.appendDecimal(seconds)
        writer.append(".")
        if nanoseconds % 1000 == 0 {
            writer.appendDecimal(nanoseconds / 1000, digits: 6)
        } else {
            writer.appendDecimal(nanoseconds, digits: 9)
        }
    }
}
