import ConnlogSystem

/// An audit event as text for people and for syslog. Few of them come, so it may allocate.
package struct AuditText {
    package let event: AuditEvent

    package init(_ event: AuditEvent) { self.event = event }

    /// - Returns: `nil` for a record that is no audit event. Ask it only of what `EventScanner` does not take.
    package init?(_ record: Span<UInt8>) {
        guard AuditEvent.begins(record) else { return nil }
        var line = ByteBuffer()
        line.append(record)
        guard let event = AuditEvent(line: line.array) else { return nil }
        self.event = event
    }

    /// Keys and values in the order in which they are shown.
    package var pairs: [(key: String, value: String)] {
        let all: [(String, String?)] = [
            ("id", event.id), ("who", event.who), ("role", event.role), ("action", event.action.rawValue),
            ("format", event.format), ("filter", event.filter), ("from", event.from.map { EventTime.text($0) }),
            ("to", event.to.map { EventTime.text($0) }), ("zone", event.zone), ("rows", event.rows.map { String($0) }),
            ("complete", event.isComplete ? "true" : "false"), ("address", event.address),
            ("user_agent", event.userAgent),
        ]
        return all.compactMap { key, value in value.map { (key, $0) } }
    }

    /// What happened, in one sentence without a full stop.
    package var sentence: String {
        let rows = event.rows.map { " (\(Quantity.count($0, event.action == .watch ? "event" : "row")))" } ?? ""
        let filter = event.filter.isEmpty ? "" : ": \(event.filter)"
        let zone = event.zone == "UTC" ? "" : ", by the clocks of \(event.zone)"
        return "\(event.who) \(verb)\(rows)\(range)\(zone)\(event.isComplete ? "" : ", not to its end")\(filter)"
    }

    private var range: String {
        let from = event.from.map { " from \(EventTime.text($0))" } ?? ""
        return from + (event.to.map { " to \(EventTime.text($0))" } ?? "")
    }

    private var verb: String {
        switch event.action {
        case .list: "looked at connections"
        case .export: "exported connections as \(event.format ?? "text")"
        case .package: "took an evidence package"
        case .stats: "counted connections"
        case .people: "looked at what people did"
        case .watch: "followed events"
        case .details: "looked at a connection and its events"
        case .names: "looked at names"
        case .audit: "looked at who asked"
        }
    }

    /// A line as slog writes it for people: see `HumanEncoder`.
    package var human: [UInt8] {
        var line = ByteBuffer()
        let pairs = pairs
        let room = 128 + pairs.reduce(0) { $0 + $1.key.utf8.count + 8 + $1.value.utf8.count * GoText.growthMax }
        line.withWriter(reserving: room) { writer in
            EventTime.writeHuman(event.time, into: &writer)
            writer.append(" [info]  connlog.audit: ")
            writer.append(Array(AuditEvent.message.utf8).span)
            for (key, value) in pairs {
                writer.append("  ")
                writer.append(Array(key.utf8).span)
                writer.append("=")
                let bytes = Array(value.utf8)
                GoText.write(bytes.span, 0..<bytes.count, into: &writer)
            }
        }
        return line.array
    }
}
