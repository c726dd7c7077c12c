internal import ConnlogSystem

/// A connection event of slog's Stackdriver sink, turned into the line that the JSON sink would have written.
///
/// What the sink adds around the event goes back to its place; every other member is one of the event's fields and is
/// copied byte for byte.
struct StackdriverEntry {
    private var seconds: Int?
    private var nanoseconds = 0
    private var severity: FieldRange?
    private var location: FieldRange?
    private var operation: FieldRange?
    private var trace: FieldRange?
    private var span: FieldRange?

    /// Appends the JSON line.
    ///
    /// - Parameter line: what the scanner has found to be a connection event of this shape.
    static func convert(_ line: Span<UInt8>, into out: inout ByteBuffer) {
        var entry = StackdriverEntry()
        let object = entry.object(line)
        entry.readHead(line, object)
        entry.writeHead(line, into: &out)
        entry.writeFields(line, object, into: &out)
    }

    private func object(_ line: Span<UInt8>) -> Range<Int> {
        var start = 0
        var end = line.count
        while start < end, line[start] <= 0x20 { start += 1 }
        while end > start, line[end - 1] <= 0x20 { end -= 1 }
        return start..<end
    }

    private enum Role { case seconds, nanoseconds, severity, location, operation, trace, span, passedOver, field }

    private static func role(_ line: Span<UInt8>, _ key: Range<Int>) -> Role {
        if equal(line, key, "message") || equal(line, key, "logging.googleapis.com/trace_sampled") {
            return .passedOver
        }
        if equal(line, key, "timestampSeconds") { return .seconds }
        if equal(line, key, "timestampNanos") { return .nanoseconds }
        if equal(line, key, "severity") || equal(line, key, "logging.googleapis.com/severity") { return .severity }
        if equal(line, key, "logging.googleapis.com/sourceLocation") { return .location }
        if equal(line, key, "logging.googleapis.com/operation") { return .operation }
        if equal(line, key, "logging.googleapis.com/trace") { return .trace }
        return equal(line, key, "logging.googleapis.com/spanId") ? .span : .field
    }

    private mutating func readHead(_ line: Span<UInt8>, _ object: Range<Int>) {
        var members = JSONMembers(line, object)
        while let member = members.next() {
            let value = member.value
            switch StackdriverEntry.role(line, member.key) {
            case .seconds: seconds = EventValue.integer(line, value.range)
            case .nanoseconds: nanoseconds = EventValue.integer(line, value.range) ?? 0
            case .severity: severity = value
            case .location: location = value
            case .operation: operation = value
            case .trace: trace = value
            case .span: span = value
            case .passedOver, .field: break
            }
        }
    }

    private func writeHead(_ line: Span<UInt8>, into out: inout ByteBuffer) {
        out.append("{")
        if let seconds {
            let (scaled, overflows) = Int64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
            let (time, overflowsToo) = scaled.addingReportingOverflow(Int64(nanoseconds))
            if !overflows, !overflowsToo {
                out.append("\"ts\":\"")
                out.withWriter(reserving: EventTime.textMax) { EventTime.write(time, into: &$0) }
                out.append("\",")
            }
        }
        out.append("\"level\":\"")
        if let severity, !equal(line, severity.range, "WARNING") {
            out.append(line.extracting(severity.range))
        } else {
            out.append(severity == nil ? "INFO" : "WARN")
        }
        out.append("\",\"msg\":\"connection_log\"")
        writeCaller(line, into: &out)
        writeNames(line, into: &out)
        if let trace { writeText(line, "trace", lastPart(line, trace.range), into: &out) }
        if let span { writeText(line, "span", span.range, into: &out) }
    }

    /// Appends a member whose value is the inside of a JSON string.
    private func writeText(_ line: Span<UInt8>, _ key: String, _ value: Range<Int>, into out: inout ByteBuffer) {
        out.append(",\"" + key + "\":\"")
        out.append(line.extracting(value))
        out.append("\"")
    }

    private func writeCaller(_ line: Span<UInt8>, into out: inout ByteBuffer) {
        guard let location, location.kind == .object else { return }
        var file: Range<Int>?
        var number: Range<Int>?
        var function: Range<Int>?
        var members = JSONMembers(line, location.range)
        while let member = members.next() {
            let value = member.value
            guard value.kind == .string || value.kind == .escapedString || value.kind == .number else { continue }
            if equal(line, member.key, "file") { file = value.range }
            if equal(line, member.key, "line") { number = value.range }
            if equal(line, member.key, "function") { function = value.range }
        }
        if let file {
            out.append(",\"caller\":\"")
            out.append(line.extracting(file))
            if let number {
                out.append(":")
                out.append(line.extracting(number))
            }
            out.append("\"")
        }
        if let function { writeText(line, "func", function, into: &out) }
    }

    private func writeNames(_ line: Span<UInt8>, into out: inout ByteBuffer) {
        guard let operation, operation.kind == .object else { return }
        var members = JSONMembers(line, operation.range)
        while let member = members.next() {
            let value = member.value
            guard equal(line, member.key, "producer"), value.kind == .string, !value.range.isEmpty else { continue }
            out.append(",\"logger_names\":[\"")
            var start = value.range.lowerBound
            for place in value.range where line[place] == UInt8(ascii: ".") {
                out.append(line.extracting(start..<place))
                out.append("\",\"")
                start = place + 1
            }
            out.append(line.extracting(start..<value.range.upperBound))
            out.append("\"]")
            return
        }
    }

    /// `projects/<id>/traces/<trace>` without what stands before the last slash.
    private func lastPart(_ line: Span<UInt8>, _ range: Range<Int>) -> Range<Int> {
        var start = range.upperBound
        while start > range.lowerBound, line[start - 1] != UInt8(ascii: "/") { start -= 1 }
        return start..<range.upperBound
    }

    private func writeFields(_ line: Span<UInt8>, _ object: Range<Int>, into out: inout ByteBuffer) {
        out.append(",\"fields\":{")
        var isFirst = true
        var members = JSONMembers(line, object)
        while let member = members.next() {
            guard StackdriverEntry.role(line, member.key) == .field else { continue }
            if !isFirst { out.append(",") }
            isFirst = false
            out.append(line.extracting((member.key.lowerBound - 1)..<(member.key.upperBound + 1)))
            out.append(":")
            let value = member.value
            let isText = value.kind == .string || value.kind == .escapedString
            let quote = isText ? 1 : 0
            out.append(line.extracting((value.range.lowerBound - quote)..<(value.range.upperBound + quote)))
        }
        out.append("}}")
    }
}
