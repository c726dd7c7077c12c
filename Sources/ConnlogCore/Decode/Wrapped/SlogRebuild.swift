internal import ConnlogSystem

/// An entry of coderd's whose fields were parsed on the way, turned into the line that the JSON sink would have written.
///
/// Shippers sort keys, write whole numbers with a fraction, and move what they know to the record around: its time, its
/// level, where it was written. What can be found goes back to its place, the event's fields keep their order; whatever
/// coderd always writes and is nowhere is named in a last field, `"lost":["caller","func"]`.
///
/// Three forms are known: an object of the JSON sink (`msg`, `fields`), one of the Stackdriver sink (`message`, the fields
/// beside it), and Datadog's, which keeps the message to itself (`attributes.fields`).
struct SlogRebuild {
    private let object: Range<Int>
    private var head: [Head: FieldRange] = [:]
    private var location: FieldRange?
    private var operation: FieldRange?
    private var message: FieldRange?
    private var fields: FieldRange?
    private(set) var lost: [String] = []

    private enum Head: Int, CaseIterable {
        case ts, seconds, nanoseconds, level, severity, caller, function, names, trace, span
    }

    /// What stands in the record around, and is the entry's where that does not say it itself.
    private static let around: [(name: String, head: Head)] = [
        ("timestamp", .ts), ("date", .ts), ("severity", .severity), ("status", .severity), ("trace", .trace),
        ("spanId", .span),
    ]
    private static let entry: [(name: String, head: Head)] = [
        ("ts", .ts), ("timestampSeconds", .seconds), ("timestampNanos", .nanoseconds), ("level", .level),
        ("severity", .severity), ("logging.googleapis.com/severity", .severity), ("caller", .caller),
        ("func", .function), ("logger_names", .names), ("trace", .trace), ("span", .span),
        ("logging.googleapis.com/trace", .trace), ("logging.googleapis.com/spanId", .span),
    ]
    private static let known = [
        "ID", "OrganizationID", "WorkspaceOwnerID", "WorkspaceID", "WorkspaceName", "AgentName", "Code", "UserAgent",
        "UserID", "ConnectionID", "DisconnectReason", "Time", "ConnectionStatus",
    ]

    /// - Parameters:
    ///   - object: the parsed entry.
    ///   - record: the object around it, if what stands there counts.
    /// - Returns: `nil` if it has no message of coderd's that is looked for.
    init?(_ bytes: Span<UInt8>, _ object: Range<Int>, around record: Range<Int>?) {
        self.object = object
        if let record {
            var members = JSONMembers(bytes, record)
            while let member = members.next() {
                let name = JSONText.string(bytes, member.key)
                if name == "sourceLocation" { location = member.value }
                if name == "operation" { operation = member.value }
                if name == "message" { message = member.value }
                if let known = SlogRebuild.around.first(where: { $0.name == name }) { head[known.head] = member.value }
            }
        }
        var members = JSONMembers(bytes, object)
        while let member = members.next() {
            let name = JSONText.string(bytes, member.key)
            switch name {
            case "msg", "message": message = member.value
            case "fields" where member.value.kind == .object: fields = member.value
            case "logging.googleapis.com/sourceLocation": location = member.value
            case "logging.googleapis.com/operation": operation = member.value
            default:
                if let known = SlogRebuild.entry.first(where: { $0.name == name }) { head[known.head] = member.value }
            }
        }
        guard let message, message.isString else { return nil }
        let text = JSONText.string(bytes, message.range)
        guard text == "connection_log" || text == "audit_log" else { return nil }
        self.message = message
    }

    /// Appends the line.
    mutating func write(_ bytes: Span<UInt8>, into out: inout ByteBuffer) {
        out.append("{")
        writeTime(bytes, into: &out)
        writeLevel(bytes, into: &out)
        out.append("\"msg\":")
        if let message { out.append(bytes.extracting(message.whole)) }
        writeCaller(bytes, into: &out)
        writeNames(bytes, into: &out)
        if let trace = head[.trace], trace.isString {
            writeText("trace", bytes.extracting(lastPart(bytes, trace.range)), into: &out)
        }
        if let span = head[.span], span.isString { writeText("span", bytes.extracting(span.range), into: &out) }
        writeFields(bytes, into: &out)
    }

    // MARK: The entry

    private mutating func writeTime(_ bytes: Span<UInt8>, into out: inout ByteBuffer) {
        var time: Nanoseconds?
        if let seconds = head[.seconds], let whole = EventValue.integer(bytes, seconds.range) {
            let part = head[.nanoseconds].flatMap { EventValue.integer(bytes, $0.range) } ?? 0
            let (scaled, overflows) = Int64(whole).multipliedReportingOverflow(by: 1_000_000_000)
            let (sum, overflowsToo) = scaled.addingReportingOverflow(Int64(part))
            if !overflows, !overflowsToo { time = sum }
        } else if let ts = head[.ts] {
            time = ts.isString ? EventTime.parse(bytes, ts.range) : milliseconds(bytes, ts)
        }
        guard let time else { return lost.append("ts") }
        out.append("\"ts\":\"")
        out.withWriter(reserving: EventTime.textMax) { EventTime.write(time, into: &$0) }
        out.append("\",")
    }

    private func milliseconds(_ bytes: Span<UInt8>, _ value: FieldRange) -> Nanoseconds? {
        guard value.kind == .number, let number = EventValue.integer(bytes, value.range) else { return nil }
        let (scaled, overflows) = Int64(number).multipliedReportingOverflow(by: 1_000_000)
        return overflows ? nil : scaled
    }

    private mutating func writeLevel(_ bytes: Span<UInt8>, into out: inout ByteBuffer) {
        guard let level = head[.level] ?? head[.severity], level.isString else { return lost.append("level") }
        let text = JSONText.string(bytes, level.range).uppercased()
        out.append("\"level\":")
        out.append(JSONText.quoted(text == "WARNING" ? "WARN" : text))
        out.append(",")
    }

    private mutating func writeCaller(_ bytes: Span<UInt8>, into out: inout ByteBuffer) {
        if let caller = head[.caller], caller.isString {
            writeText("caller", bytes.extracting(caller.range), into: &out)
        } else if let location, let file = JSONMembers.find(bytes, location, ["file"]), file.isString {
            out.append(",\"caller\":\"")
            out.append(bytes.extracting(file.range))
            // A number, or text where 64 bits are text.
            if let line = JSONMembers.find(bytes, location, ["line"]),
                let number = EventValue.integer(bytes, line.range)
            {
                out.append(":\(number)")
            }
            out.append("\"")
        } else {
            lost.append("caller")
        }
        let function = head[.function] ?? location.flatMap { JSONMembers.find(bytes, $0, ["function"]) }
        guard let function, function.isString else { return lost.append("func") }
        writeText("func", bytes.extracting(function.range), into: &out)
    }

    private mutating func writeNames(_ bytes: Span<UInt8>, into out: inout ByteBuffer) {
        if let names = head[.names], names.kind == .array {
            out.append(",\"logger_names\":")
            out.append(bytes.extracting(names.range))
            return
        }
        guard let operation, let producer = JSONMembers.find(bytes, operation, ["producer"]), producer.kind == .string
        else { return lost.append("logger_names") }
        out.append(",\"logger_names\":[\"")
        var start = producer.range.lowerBound
        for place in producer.range where bytes[place] == UInt8(ascii: ".") {
            out.append(bytes.extracting(start..<place))
            out.append("\",\"")
            start = place + 1
        }
        out.append(bytes.extracting(start..<producer.range.upperBound))
        out.append("\"]")
    }

    private func writeText(_ key: String, _ text: Span<UInt8>, into out: inout ByteBuffer) {
        out.append(",\"\(key)\":\"")
        out.append(text)
        out.append("\"")
    }

    /// `projects/<id>/traces/<trace>` without what stands before the last slash.
    private func lastPart(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Range<Int> {
        var start = range.upperBound
        while start > range.lowerBound, bytes[start - 1] != UInt8(ascii: "/") { start -= 1 }
        return start..<range.upperBound
    }

    // MARK: The event

    private mutating func writeFields(_ bytes: Span<UInt8>, into out: inout ByteBuffer) {
        out.append(",\"fields\":{")
        var missing = SlogRebuild.known
        var isFirst = true
        var members = JSONMembers(bytes, fields?.range ?? object)
        while let member = members.next() {
            let name = JSONText.string(bytes, member.key)
            if fields == nil, SlogRebuild.isOfEntry(name) { continue }
            missing.removeAll { $0 == name }
            if !isFirst { out.append(",") }
            isFirst = false
            out.append(bytes.extracting(member.key.lowerBound - 1..<member.key.upperBound + 1))
            out.append(":")
            out.append(bytes.extracting(SlogRebuild.withoutFraction(bytes, member.value)))
        }
        lost += missing
        if !lost.isEmpty {
            out.append((isFirst ? "" : ",") + "\"lost\":[" + lost.map { "\"\($0)\"" }.joined(separator: ",") + "]")
        }
        out.append("}}")
    }

    private static func isOfEntry(_ name: String) -> Bool {
        name == "msg" || name == "message" || name.hasPrefix("logging.googleapis.com/")
            || entry.contains { $0.name == name }
    }

    /// `200.0` is 200 again.
    private static func withoutFraction(_ bytes: Span<UInt8>, _ value: FieldRange) -> Range<Int> {
        guard value.kind == .number, EventValue.integer(bytes, value.range) != nil else { return value.whole }
        var end = value.range.lowerBound
        while end < value.range.upperBound, bytes[end] != UInt8(ascii: ".") { end += 1 }
        return value.range.lowerBound..<end
    }
}
