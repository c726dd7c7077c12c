public import ConnlogCore
internal import ConnlogSystem

/// How an event becomes a line of a file.
///
/// The same record must give the same bytes in the next run too, or what a crash left in the file is not known again.
public enum LineFormat: Sendable {
    /// The record as it was received.
    case json
    /// As slog writes it for people.
    case human(HumanEncoder)
    /// A syslog message a line.
    case rfc5424(RFC5424Encoder)
    /// CEF, LEEF, ECS or OCSF.
    case siem(SIEMEncoder)

    /// RFC 5424 with what is the same in each run: the process id is left out.
    public static func rfc5424(hostname: String) -> LineFormat {
        var options = RFC5424Options()
        options.hostname = hostname
        options.pid = 0
        return .rfc5424(RFC5424Encoder(options))
    }

    /// What is no connection: an audit event for people, anything else as it is.
    private func appendOther(_ record: Span<UInt8>, to lines: inout ByteBuffer) {
        if case .human = self, let text = AuditText(record) { return lines.append(contentsOf: text.human) }
        lines.append(record)
    }

    /// Appends the line of the record at `index`, with its line feed; a record that cannot be encoded as it is.
    mutating func append(_ batch: borrowing EventBatch, _ index: Int, to lines: inout ByteBuffer) {
        let start = lines.count
        var isEncoded = false
        switch self {
        case .json: break
        // An encoder that is held twice would copy its scratch memory with every line.
        case .human(var encoder):
            self = .json
            isEncoded = encoder.append(batch, index, to: &lines)
            self = .human(encoder)
        case .rfc5424(var encoder):
            self = .json
            isEncoded = encoder.append(batch, index, to: &lines)
            self = .rfc5424(encoder)
        case .siem(var encoder):
            self = .json
            isEncoded = encoder.append(batch, index, to: &lines)
            self = .siem(encoder)
        }
        if !isEncoded {
            lines.truncate(to: start)
            appendOther(batch.record(index), to: &lines)
        }
        if lines.count == start || lines[lines.count - 1] != UInt8(ascii: "\n") { lines.append(UInt8(ascii: "\n")) }
    }
}
