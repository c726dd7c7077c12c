package import ConnlogCore
import ConnlogQueue
import ConnlogSources

extension QueueSurvey {
    /// `connlog queue verify`, for people.
    package var verdict: String {
        var text = "\(snapshot.directory)\n" + facts + problems + quarantine
        if isDamaged {
            let places = Quantity.count(damage.count, "damaged place")
            text += "result      \(places), \(Quantity.count(lostEvents, "event")) lost; connlog starts all the same\n"
        } else {
            text += "result      no damage\n"
        }
        return text
    }

    /// `connlog queue inspect`, for people.
    package var overview: String {
        "\(snapshot.directory)\n" + facts + problems + quarantine + "\n" + segments + sinks + positions
    }

    // MARK: Parts

    private var facts: String {
        var text = holder.map { "in use by   process \($0)\n" } ?? ""
        let count = Quantity.count(snapshot.segments.count, "segment")
        text += "on disk     \(Quantity.bytes(snapshot.bytesOnDisk)) in \(count)\n"
        if snapshot.events == 0 {
            text += "offsets     no events; the next one is \(snapshot.end)\n"
        } else {
            text += "offsets     \(snapshot.oldest) to \(snapshot.end - 1)\n"
        }
        if isComplete { text += records }
        if snapshot.tornBytes > 0 {
            text +=
                "last write  \(Quantity.count(snapshot.tornBytes, "byte")) of a write that is unfinished, "
                + (holder == nil ? "cut off by a crash; they are passed over\n" : "under way now\n")
        }
        return text
    }

    private var records: String {
        var text = "records     \(Quantity.count(events, "event")), \(Quantity.count(checkpoints, "checkpoint")), "
        text += "\(Quantity.count(marks, "mark"))\n"
        if let oldestTime, let newestTime {
            text += "event time  \(EventTime.text(oldestTime)) to \(EventTime.text(newestTime))\n"
        }
        if unreadable > 0 { text += "            \(Quantity.count(unreadable, "record")) without a time\n" }
        if released > 0 {
            text += "released    \(Quantity.count(released, "event")) meanwhile, done with by all sinks\n"
        }
        return text
    }

    private var problems: String {
        var text = ""
        for found in damage { text += "damage      \(found.place): \(found.finding)\n" }
        if snapshot.offsetsLost {
            text += "damage      offsets: none can be read, so the next start sends every event to every sink again\n"
        }
        return text
    }

    private var quarantine: String {
        snapshot.quarantine.map { "quarantine  \($0.name), \(Quantity.bytes($0.bytes))\n" }.joined()
    }

    private var segments: String {
        var table = Table(
            ("SEGMENT", .left), ("EVENTS", .right), ("BYTES", .right), ("BEGUN", .left), ("STATE", .left))
        for segment in snapshot.segments {
            table.add(
                segment.name, "\(segment.end - segment.first)", "\(segment.bytes)",
                segment.created.map { EventTime.text($0, .digits(0)) } ?? "-", words(segment.state))
        }
        return table.text + "\n"
    }

    private func words(_ state: QueueSnapshot.Segment.State) -> String {
        switch state {
        case .good: "good"
        case .damagedHeader: "damaged header"
        case .foreign: "foreign"
        }
    }

    private var sinks: String {
        guard !snapshot.sinks.isEmpty else { return "no sink is known yet, so everything is kept\n" }
        var table = Table(
            ("SINK", .left), ("COMMITTED", .right), ("LAG", .right), ("DROPPED", .right), ("HOLDS", .right))
        for sink in snapshot.sinks {
            table.add(
                sink.name, "\(sink.committed)", "\(sink.lag)", "\(sink.dropped)", Quantity.bytes(sink.heldBytes))
        }
        return table.text
    }

    private var positions: String {
        guard !snapshot.checkpoints.isEmpty else { return "" }
        var table = Table(("SOURCE POSITION", .left), ("VALUE", .left))
        for (key, value) in snapshot.checkpoints.sorted(by: { $0.key < $1.key }) {
            table.add(TerminalText.line(key), TerminalText.line(shown(value)))
        }
        return "\n" + table.text
    }

    /// In words where it is a file's position, text where it is text, hexadecimal where it is neither.
    private func shown(_ value: [UInt8]) -> String {
        if let position = FilePosition(checkpoint: value) { return "byte \(position.offset) of \(position.path)" }
        if value.allSatisfy({ 0x20..<0x7f ~= $0 }) { return String(decoding: value, as: UTF8.self) }
        return Hex.text(value)
    }
}

// MARK: - For programs

extension QueueSurvey {
    /// What `verify --json` and `inspect --json` print.
    package var json: JSONValue {
        [
            "directory": .string(snapshot.directory), "held_by": holder.map { JSONValue(Int($0)) } ?? .null,
            "bytes_on_disk": JSONValue(snapshot.bytesOnDisk), "first_offset": JSONValue(snapshot.oldest),
            "end_offset": JSONValue(snapshot.end), "records": isComplete ? recordsJSON : .null,
            "unfinished_bytes": JSONValue(snapshot.tornBytes), "offsets_lost": .boolean(snapshot.offsetsLost),
            "damaged": .boolean(isDamaged), "lost_events": JSONValue(lostEvents),
            "damage": .array(damage.map(json)),
            "quarantine": .array(
                snapshot.quarantine.map { ["file": .string($0.name), "bytes": JSONValue($0.bytes)] }),
            "segments": .array(snapshot.segments.map(json)), "sinks": .array(snapshot.sinks.map(json)),
            "source_positions": .array(
                snapshot.checkpoints.sorted { $0.key < $1.key }.map {
                    ["key": .string($0.key), "value": .string(shown($0.value))]
                }),
        ]
    }

    private var recordsJSON: JSONValue {
        [
            "events": JSONValue(events), "checkpoints": JSONValue(checkpoints), "marks": JSONValue(marks),
            "events_without_time": JSONValue(unreadable), "released_events": JSONValue(released),
            "oldest_event_time": JSONValue(oldestTime.map { EventTime.text($0) }),
            "newest_event_time": JSONValue(newestTime.map { EventTime.text($0) }),
        ]
    }

    private func json(_ damage: Damage) -> JSONValue {
        [
            "kind": .string(damage.kind.rawValue), "file": .string(damage.file), "position": JSONValue(damage.position),
            "bytes": JSONValue(damage.bytes), "events": JSONValue(damage.events), "text": .string(damage.finding),
        ]
    }

    private func json(_ segment: QueueSnapshot.Segment) -> JSONValue {
        [
            "file": .string(segment.name), "first_offset": JSONValue(segment.first),
            "end_offset": JSONValue(segment.end),
            "bytes": JSONValue(segment.bytes), "created": JSONValue(segment.created.map { EventTime.text($0) }),
            "state": .string(segment.state.rawValue),
        ]
    }

    private func json(_ sink: QueueSnapshot.Sink) -> JSONValue {
        [
            "sink": .string(sink.name), "committed_offset": JSONValue(sink.committed), "lag": JSONValue(sink.lag),
            "dropped": JSONValue(sink.dropped), "held_bytes": JSONValue(sink.heldBytes),
        ]
    }
}
