import ConnlogTestSupport
import Testing

@testable import ConnlogCore

/// Somebody's text, in each place of each wrapper.
@Suite struct WrappedForgeryTests {
    private static let human = WrappedRecordTests.human
    private static let json = TestEvents.line(1)
    /// What somebody may write who would like to write events.
    private static let texts: [String] = {
        let entries = [human, json, "[pod/coder-0/coder] \(human)", "coder-1  | \(json)", "x"]
        let breaks = ["", "\n", "\r\n", "\0", "\u{1e}", "\"}\n", "\\\"}\n", "\u{2028}"]
        return entries.flatMap { entry in breaks.map { $0 + entry } + ["x\n\(entry)\n", "{\"log\":\(entry)}"] }
            + WrappedShape.texts.map { $0.wrap(json) }
    }()

    /// Where the strings of a record stand, keys too, with their quotes.
    private func strings(_ record: String) -> [Range<String.Index>] {
        var found: [Range<String.Index>] = []
        var start: String.Index?
        var isEscaped = false
        for place in record.indices {
            let byte = record[place]
            if let begun = start {
                if isEscaped {
                    isEscaped = false
                } else if byte == "\\" {
                    isEscaped = true
                } else if byte == "\"" {
                    found.append(begun..<record.index(after: place))
                    start = nil
                }
            } else if byte == "\"" {
                start = place
            }
        }
        return found
    }

    private func expectNone(_ record: String, _ format: InputFormat, _ place: SourceLocation = #_sourceLocation) {
        for format in [.auto, format] {
            let run = DecodeRun(record + "\n", format: format)
            #expect(run.counts.events == 0, "\(format): \(record)", sourceLocation: place)
        }
    }

    @Test(arguments: WrappedShape.texts) func `text in another field, or as its name, is no event`(shape: WrappedShape)
    {
        let record = shape.wrap("nothing")
        // The line itself, and that of the array's first element.
        let lines = ["\"nothing\"", "\"nothing\\n\"", "\"text\""]
        for place in strings(record) where !lines.contains(String(record[place])) {
            for text in Self.texts {
                expectNone(record.replacingCharacters(place, WrappedShape.quoted(text)), shape.format)
            }
        }
        // And in a field that is none of the wrapper's.
        guard record.hasPrefix("{") else { return }
        for text in Self.texts {
            for key in ["note", "Message", "msg ", "log.message", "@message", "line", "body"]
            where !record.contains("\"\(key)\"") {
                expectNone("{\"\(key)\":\(WrappedShape.quoted(text))," + record.dropFirst(), shape.format)
                expectNone("{\"\(key)\":\(Self.json)," + record.dropFirst(), shape.format)
            }
        }
    }

    /// W7 for each: a value is one entry with its block.
    @Test(arguments: WrappedShape.texts) func `text behind a line feed of a value is no event`(shape: WrappedShape) {
        for text in ["foreign\n", "2025-07-03 06:57:16.157 [info]  coderd: other ...\n    x= y\n", " ", "    "] {
            for entry in [Self.human, Self.json] { expectNone(shape.wrap(text + entry), shape.format) }
        }
    }

    /// W4 for each.
    @Test(arguments: WrappedShape.texts) func `an entry of coderd's with a wrapper's fields is that entry`(
        shape: WrappedShape
    ) {
        let record = shape.wrap(Self.json)
        guard record.hasPrefix("{") else { return }
        for head in [
            "{\"ts\":\"2025-07-03T05:09:41Z\",\"level\":\"INFO\",\"msg\":\"said\",",
            "{\"severity\":\"INFO\",\"timestampSeconds\":1751519381,\"message\":\(WrappedShape.quoted(Self.human)),",
        ] where !record.contains("\"message\"") || head.contains("msg") {
            let run = DecodeRun(head + record.dropFirst() + "\n", format: shape.format)
            #expect(run.counts.events == 0 && run.counts.malformed.isEmpty, "\(run.counts) \(record)")
        }
    }

    /// N1: the neighbours' streams, in each wrapper.
    @Test(arguments: WrappedShape.texts) func `what neighbours log is skipped, whatever their users wrote`(
        shape: WrappedShape
    ) {
        for (message, key) in [
            ("boundary_request", "http_url"), ("interception log", "prompt"), ("interception log", "input"),
            ("interception log", "content"), ("recorded prompt usage", "prompt"),
            ("failed to record prompt", "payload"),
        ] {
            for text in Self.texts.prefix(50) {
                let quoted = WrappedShape.quoted(text)
                for fields in [
                    "{\"record_type\":\"prompt_usage\",\"\(key)\":\(quoted)}", "{\(quoted):1}",
                    "{\"\(key)\":\(Self.json)}",
                ] {
                    let line =
                        "{\"ts\":\"2025-07-03T05:09:41Z\",\"level\":\"INFO\",\"msg\":\"\(message)\",\"caller\":\"a:1\","
                        + "\"func\":\"F\",\"logger_names\":[\"coderd\"],\"fields\":\(fields)}"
                    let run = DecodeRun(shape.wrap(line) + "\n", format: shape.format)
                    #expect(run.counts.events == 0 && run.counts.malformed.isEmpty, "\(shape.name): \(line)")
                }
                let block = text.split(separator: "\n", omittingEmptySubsequences: false).joined(
                    separator: "\n            ")
                let human = "2025-07-03 06:57:16.157 [info]  coderd: \(message)  \(key)= ...\n    \(key)= \(block)"
                #expect(
                    DecodeRun(shape.wrap(human) + "\n", format: shape.format).counts.events == 0,
                    "\(shape.name): \(human)")
            }
        }
    }
}

extension String {
    fileprivate func replacingCharacters(_ range: Range<String.Index>, _ text: String) -> String {
        self[..<range.lowerBound] + text + self[range.upperBound...]
    }
}
