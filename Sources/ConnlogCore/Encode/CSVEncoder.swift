public import ConnlogSystem

/// Writes events as rows of comma-separated values, as `CSVText` has them (CR LF after each row, no formulas).
///
/// The columns never change their order; new ones come after. What an event does not have is an empty cell. Times are
/// RFC 3339 in UTC.
public struct CSVEncoder: EventEncoder, Sendable {
    /// The names of the columns, in order.
    public static let columns = [
        "time", "status", "type", "method", "app", "workspace", "agent", "owner_id", "user_id", "organization_id",
        "workspace_id", "connection_id", "ip", "code", "reason", "slug_or_port", "user_agent", "event_id", "request_id",
    ]

    /// What stands at the head of a file of its own.
    public static var fileHeader: [UInt8] { Array(columns.joined(separator: ",").utf8) + lineEnd }
    /// What follows each event in a file.
    public static var lineEnd: [UInt8] { Array(CSVText.rowEnd.utf8) }

    private var scanner = EventScanner()
    private var scratch = ByteBuffer()

    /// An encoder; it keeps its memory from event to event.
    public init() {}

    /// Appends the record, encoded, without a line end: see `EventEncoder`.
    /// - Returns: `false`, and nothing is appended, for a record that is no connection event.
    public mutating func append(_ record: Span<UInt8>, to output: inout ByteBuffer) -> Bool {
        var fields = EventFields()
        guard scanner.takes(record, into: &fields) else { return false }
        return append(record, fields.index, to: &output)
    }

    /// The same for a record whose fields are known already.
    public mutating func append(_ record: Span<UInt8>, _ index: EventIndex, to output: inout ByteBuffer) -> Bool {
        // Each byte at most doubled, in one cell or, like the type, in two.
        output.withWriter(reserving: 512 + record.count * 4) { writer in
            if let time = index.time(in: record) ?? index.entryTime(in: record) {
                quote(&writer)
                EventTime.write(time, into: &writer)
                quote(&writer)
            }
            cell(index.value(.connectionStatus, in: record), record, &writer)
            type(index, record, &writer)
            writer.append(UInt8(ascii: ","))
            let method = index.connectionMethod(in: record)
            if method != .other { word(method.rawValue, &writer) }
            cell(index.app(in: record), record, &writer)
            cell(index.value(.workspaceName, in: record), record, &writer)
            cell(index.value(.agentName, in: record), record, &writer)
            cell(index.value(.workspaceOwnerID, in: record), record, &writer)
            cell(index.value(.userID, in: record), record, &writer)
            cell(index.value(.organizationID, in: record), record, &writer)
            cell(index.value(.workspaceID, in: record), record, &writer)
            cell(index.value(.connectionID, in: record), record, &writer)
            cell(index.value(.ip, in: record), record, &writer)
            cell(index.value(.code, in: record), record, &writer)
            cell(index.value(.disconnectReason, in: record), record, &writer)
            cell(index.slugOrPort(in: record), record, &writer)
            cell(index.value(.userAgent, in: record), record, &writer)
            eventID(index, record, &writer)
            cell(index.value(.requestID, in: record), record, &writer)
        }
        return true
    }

    /// The type as the event has it, or as Coder derives it from method and app.
    private mutating func type(_ index: EventIndex, _ record: Span<UInt8>, _ writer: inout ByteWriter) {
        let derived = index.connectionType(in: record)
        if index.value(.type, in: record) != nil || derived == .other {
            return cell(index.typeText(in: record), record, &writer)
        }
        writer.append(UInt8(ascii: ","))
        word(derived.rawValue, &writer)
    }

    private mutating func eventID(_ index: EventIndex, _ record: Span<UInt8>, _ writer: inout ByteWriter) {
        if let id = index.value(.id, in: record) { return cell(id, record, &writer) }
        writer.append(UInt8(ascii: ","))
        quote(&writer)
        DerivedEventID.write(record, into: &writer)
        quote(&writer)
    }

    /// A word of ours.
    private func word(_ text: String, _ writer: inout ByteWriter) {
        quote(&writer)
        for byte in text.utf8 { writer.append(byte) }
        quote(&writer)
    }

    private func quote(_ writer: inout ByteWriter) { writer.append(UInt8(ascii: "\"")) }

    /// A comma and a value.
    private mutating func cell(_ text: TextRange?, _ record: Span<UInt8>, _ writer: inout ByteWriter) {
        writer.append(UInt8(ascii: ","))
        guard let text else { return }
        if text.hasEscapes {
            scratch.removeAll()
            JSONText.unescape(record, text.range, into: &scratch)
            CSVText.write(scratch.span, 0..<scratch.count, into: &writer)
        } else {
            CSVText.write(record, text.range, into: &writer)
        }
    }
}
