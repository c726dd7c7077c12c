import ConnlogCore
import ConnlogSystem

/// An event that a receiver refused for good, as it stands in `queue/dead-letter/<sink>/<day>.jsonl`.
package struct DeadLetter: Sendable, Equatable {
    package let sink: String
    /// The day it was refused, in UTC, which names its file.
    package let day: String
    /// Its number in the queue.
    package let offset: UInt64
    package let time: String
    /// The counter's label.
    package let reason: String
    /// The receiver's words.
    package let text: String
    /// The receiver's own number, such as `400/6`, if it gave one.
    package let code: String?
    /// Who refused it; `nil` if that was found before it was sent.
    package let endpoint: String?
    /// As it was received.
    package let record: String
    /// Where its line begins in the file.
    let position: Int

    /// How people name it: `siem/4711`.
    package var id: String { "\(sink)/\(offset)" }

    /// Reads one line; `nil` if it is none of ours.
    init?(_ line: Span<UInt8>, sink: String, day: String, position: Int) {
        guard line.count > 2, line[0] == UInt8(ascii: "{"), line[line.count - 1] == UInt8(ascii: "}") else {
            return nil
        }
        var members = JSONMembers(line, 0..<line.count)
        var found: [String: String] = [:]
        var recordEnd = 0
        while let member = members.next() {
            let key = JSONText.string(line, member.key)
            if member.value.kind == .null { continue }
            let isText = member.value.kind == .string || member.value.kind == .escapedString
            found[key] = isText ? JSONText.string(line, member.value.range) : DeadLetter.text(line, member.value.range)
            if key == "record", member.value.kind == .object { recordEnd = member.value.range.upperBound }
        }
        // The record is the last member, so that a line which was cut is not taken for a whole one.
        guard recordEnd == line.count - 1, let offset = found["offset"].flatMap({ UInt64($0) }),
            let record = found["record"], let time = found["time"], let reason = found["reason"]
        else { return nil }
        self.sink = sink
        self.day = day
        self.position = position
        self.offset = offset
        self.time = time
        self.reason = reason
        self.record = record
        text = found["text"] ?? ""
        code = found["code"]
        endpoint = found["endpoint"]
    }

    private static func text(_ line: Span<UInt8>, _ range: Range<Int>) -> String {
        var bytes = ByteBuffer()
        bytes.append(line.extracting(range))
        return bytes.text
    }

    /// What it is about, in a few words.
    var subject: String {
        guard let event = ConnectionEvent(line: record) else { return "-" }
        let place = [event.workspaceName, event.agentName].compactMap { $0 }.joined(separator: "/")
        return [event.type.rawValue, event.status.map { "\($0)" }, place].compactMap { $0 }.joined(separator: " ")
    }
}

/// Which dead letters are meant.
package struct DeadLetterSelection: Sendable, Equatable {
    /// Offsets; empty for all.
    package var offsets: Set<UInt64> = []
    /// As in `2026-03-03`; `nil` for all.
    package var day: String?
    /// A reason's label; `nil` for all.
    package var reason: String?

    package init() {}

    func contains(_ letter: DeadLetter) -> Bool {
        (offsets.isEmpty || offsets.contains(letter.offset)) && (reason == nil || reason == letter.reason)
    }
}
