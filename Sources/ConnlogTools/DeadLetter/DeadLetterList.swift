package import ConnlogCore

/// `connlog dead-letter list`, `show` and `drop`.
package struct DeadLetterList: Sendable {
    private let location: QueueLocation
    private let sinks: [String]

    /// - Parameter sink: `nil` for all that have dead letters.
    package init(sink: String?, at location: QueueLocation) throws(ToolError) {
        self.location = location
        let known = try DeadLetterBox.sinks(at: location)
        if let sink, !known.contains(sink) { throw .usage(DeadLetterList.unknown(sink, known)) }
        sinks = sink.map { [$0] } ?? known
    }

    private static func unknown(_ sink: String, _ known: [String]) -> String {
        let others = known.isEmpty ? "no sink has any" : "those that have some: \(known.joined(separator: ", "))"
        return "sink '\(sink)' has no dead letters; \(others)"
    }

    /// Hands over what was selected, sink by sink and day by day.
    /// - Returns: lines that cannot be read, with their places.
    package func forEach(
        _ selection: DeadLetterSelection, _ body: (DeadLetter) throws(ToolError) -> Void
    ) throws(ToolError) -> [String] {
        var unreadable: [String] = []
        for sink in sinks {
            let box = DeadLetterBox(sink: sink, at: location)
            for day in try box.days() where selection.day == nil || selection.day == day {
                let bad = try box.read(day) { (letter) throws(ToolError) in
                    if selection.contains(letter) { try body(letter) }
                    return true
                }
                unreadable += bad.map { "\(box.path(day)) at byte \($0): not a dead letter that can be read" }
            }
        }
        return unreadable
    }

    /// Takes them out for good.
    /// - Returns: how many.
    package func drop(_ selection: DeadLetterSelection) async throws(ToolError) -> Int {
        var dropped = 0
        for sink in sinks {
            let box = DeadLetterBox(sink: sink, at: location)
            let claim = try box.claim()
            defer { withExtendedLifetime(claim) {} }
            for day in try box.days() where selection.day == nil || selection.day == day {
                var positions: Set<Int> = []
                try box.read(day) { (letter) throws(ToolError) in
                    if selection.contains(letter) { positions.insert(letter.position) }
                    return true
                }
                try await box.remove(positions, of: day)
                dropped += positions.count
            }
        }
        return dropped
    }
}

extension DeadLetter {
    /// The ids of a command line, by sink: `siem/4711`.
    package static func parse(_ id: String) -> (sink: String, offset: UInt64)? {
        guard let slash = id.lastIndex(of: "/"), let offset = UInt64(id[id.index(after: slash)...]) else { return nil }
        let sink = String(id[..<slash])
        return sink.isEmpty ? nil : (sink, offset)
    }

    /// A row for each; the newest at the end.
    package static func table(_ letters: [DeadLetter]) -> String {
        var table = Table(("ID", .left), ("REFUSED", .left), ("REASON", .left), ("EVENT", .left))
        for letter in letters {
            table.add(letter.id, letter.shortTime, letter.reason, TerminalText.line(letter.subject))
        }
        return table.text
    }

    /// To the second.
    private var shortTime: String {
        EventTime.parse(time).map { EventTime.text($0, .digits(0)) } ?? time
    }

    /// Everything about it, for people: what others have written stays in its line.
    package var details: String {
        """
        id        \(id)
        refused   \(TerminalText.line(time)) by \(endpoint.map(TerminalText.line) ?? "connlog, before it was sent")
        reason    \(TerminalText.line(reason))\(code.map { " (\(TerminalText.line($0)))" } ?? "")
        answer    \(TerminalText.line(text))
        event     \(TerminalText.line(subject))
        record    \(TerminalText.line(record))

        """
    }

    /// One object, its record as it was received.
    package var json: JSONValue {
        [
            "id": .string(id), "sink": .string(sink), "offset": JSONValue(offset), "time": .string(time),
            "reason": .string(reason), "text": .string(text), "code": JSONValue(code), "endpoint": JSONValue(endpoint),
            "record": .raw(record),
        ]
    }
}
