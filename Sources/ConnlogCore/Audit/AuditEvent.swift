package import ConnlogSystem

/// Somebody asked for connections, or took them out: an event of connlog's own, of a class beside connections.
///
/// It goes through the queue as they do, to the store and to the sinks that have `include = audit`. All text in it but
/// `filter` and `userAgent` is the server's; these two are whatever somebody sent, escaped and cut.
package struct AuditEvent: Sendable, Equatable {
    /// What the line's `msg` is.
    package static let message = "connlog_audit"

    /// Which question it was.
    package enum Action: String, Sendable, CaseIterable {
        /// A page of rows.
        case list
        /// All rows, as CSV or JSON.
        case export
        /// An evidence package.
        case package
        case stats, people
        /// Events as they come in.
        case watch
        /// One row with its events as they were received.
        case details
        /// The names that filters offer.
        case names
        /// These events.
        case audit
    }

    /// A UUID.
    package var id: String
    /// When the answer was over.
    package var time: Nanoseconds
    /// `way:name`, such as `token:jane`.
    package var who: String
    /// `auditor` or `admin`.
    package var role: String
    package var action: Action
    /// Of an export: `csv`, `jsonl`, `text`.
    package var format: String?
    /// As it was asked, cut at `filterBytesMax`.
    package var filter: String
    /// The range of time that was asked about, where there is one.
    package var from: Nanoseconds?
    package var to: Nanoseconds?
    /// By whose clocks days and times of day in the filter are meant.
    package var zone: String
    /// How many rows, or events, were given; `nil` where none are counted.
    package var rows: Int?
    /// Whether all of the answer went out.
    package var isComplete: Bool
    /// The address that asked, or `socket`.
    package var address: String
    package var userAgent: String?

    /// A filter that is longer is cut, and says so.
    package static let filterBytesMax = 4096
    /// The same of a user agent.
    package static let userAgentBytesMax = 512
    /// No line is longer: of what is escaped, a byte becomes at most six.
    package static let lineBytesMax = 64 << 10

    /// A new one, with an id of its own.
    package init(
        _ action: Action, by who: String, role: String, filter: String = "", zone: String = "UTC", address: String,
        userAgent: String? = nil, at time: Nanoseconds
    ) {
        id = UUIDText.random()
        self.time = time
        self.who = who
        self.role = role
        self.action = action
        self.filter = AuditEvent.cut(filter: filter)
        self.zone = zone
        isComplete = true
        self.address = address
        self.userAgent = userAgent.map { TerminalText.cut($0, bytesMax: AuditEvent.userAgentBytesMax) }
    }
}

extension AuditEvent {
    /// A filter as it is told.
    package static func cut(filter: String) -> String { TerminalText.cut(filter, bytesMax: filterBytesMax) }
}

// MARK: - As a line

extension AuditEvent {
    private static let beginning = Array("{\"msg\":\"\(message)\",".utf8)

    /// Whether a record begins as their lines do. One that a source has read may begin so too, with a second `msg` that
    /// makes it a connection's: so ask this only of what `EventScanner` does not take.
    @inline(__always)
    package static func begins(_ record: Span<UInt8>) -> Bool {
        guard record.count > beginning.count, record[2] == UInt8(ascii: "m") else { return false }
        for (place, byte) in beginning.enumerated() where record[place] != byte { return false }
        return true
    }

    /// Whether the record at `index` is one. Sources put nothing into the queue but what the scanner takes, so nobody who
    /// writes a log can make one.
    @inline(__always)
    package static func isOne(_ batch: borrowing EventBatch, _ index: Int, _ scanner: inout EventScanner) -> Bool {
        guard !batch.hasNote(index), begins(batch.record(index)) else { return false }
        var fields = EventFields()
        return !scanner.takes(batch.record(index), into: &fields)
    }

    /// As slog would write it, without a line feed.
    package var line: String {
        var fields: [JSONValue.Member] = []
        func add(_ key: String, _ value: JSONValue?) {
            if let value { fields.append(.init(key: key, value: value)) }
        }
        add("ID", .string(id))
        add("who", .string(who))
        add("role", .string(role))
        add("action", .string(action.rawValue))
        add("format", format.map { .string($0) })
        add("filter", .string(filter))
        add("from", from.map { .string(EventTime.text($0)) })
        add("to", to.map { .string(EventTime.text($0)) })
        add("zone", .string(zone))
        add("rows", rows.map { JSONValue($0) })
        add("complete", .boolean(isComplete))
        add("address", .string(address))
        add("user_agent", userAgent.map { .string($0) })
        let value: JSONValue = [
            "msg": .string(AuditEvent.message), "ts": .string(EventTime.text(time)), "level": "INFO",
            "logger_names": .array(["connlog", "audit"]), "fields": .object(fields),
        ]
        return value.line
    }

    /// Reads a line back.
    /// - Returns: `nil` if it is none that `line` writes.
    package init?(line: [UInt8]) {
        guard line.count <= AuditEvent.lineBytesMax, AuditEvent.begins(line.span),
            let value = try? JSONValue(reading: line), let fields = value["fields"],
            let time = value["ts"]?.string.flatMap(EventTime.parse), let id = fields["ID"]?.string,
            let who = fields["who"]?.string, let role = fields["role"]?.string,
            let action = fields["action"]?.string.flatMap(Action.init), let filter = fields["filter"]?.string,
            let zone = fields["zone"]?.string, let address = fields["address"]?.string,
            case .boolean(let isComplete)? = fields["complete"]
        else { return nil }
        self.init(
            action, by: who, role: role, zone: zone, address: address, at: time)
        self.filter = filter
        userAgent = fields["user_agent"]?.string
        self.id = id
        self.isComplete = isComplete
        format = fields["format"]?.string
        from = fields["from"]?.string.flatMap(EventTime.parse)
        to = fields["to"]?.string.flatMap(EventTime.parse)
        rows = fields["rows"]?.integer.map { Int($0) }
    }
}
