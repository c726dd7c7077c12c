import ConnlogTestSupport
import Testing

@testable import ConnlogCore

/// Envelopes that list lines.
@Suite struct EnvelopeTests {
    private func lines(_ text: String, _ place: SourceLocation = #_sourceLocation) -> [String] {
        let document = Array(text.utf8)
        guard case .list(var records) = Envelope(document.span) else {
            Issue.record("no list: \(text)", sourceLocation: place)
            return []
        }
        var lines: [UInt8] = []
        while records.next(document.span, into: &lines) {}
        return String(decoding: lines, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    private static let quoted = WrappedShape.quoted
    private static let events = (0..<5).map { TestEvents.line($0) }

    private static let envelopes: [(name: String, text: String)] = [
        (
            "CloudWatch",
            "{\"messageType\":\"DATA_MESSAGE\",\"owner\":\"1\",\"logGroup\":\"/coder\",\"logStream\":\"s\",\"logEvents\":["
                + events.map { "{\"id\":\"1\",\n\"timestamp\":1,\"message\":\(quoted($0))}" }.joined(separator: ",")
                + "]}"
        ),
        (
            "Loki",
            "{\"streams\":[{\"values\":["
                + events[..<3].map { "[\"1\",\(quoted($0))]" }.joined(separator: ",\n")
                + "],\"stream\":{\"container\":\"coder\",\"namespace\":\"coder\"}},"
                + "{\"stream\":{\"container\":\"coder\",\"namespace\":\"coder\",\"x\":\"y\"},\"values\":["
                + events[3...].map { "[\"1\",\(quoted($0)),{}]" }.joined(separator: ",") + "]}]}"
        ),
        (
            "OTLP",
            "{\"resourceLogs\":["
                + events.map {
                    "{\"scopeLogs\":[{\"logRecords\":[{\"body\":{\"stringValue\":\(quoted($0))}}]},{\"logRecords\":[]}],"
                        + "\"resource\":{\"attributes\":[{\"key\":\"k8s.container.name\",\"value\":{\"stringValue\":\"coder\"}},"
                        + "{\"key\":\"long\",\"value\":{\"stringValue\":\"\(String(repeating: "x", count: 5000))\"}},"
                        + "{\"key\":\"k8s.namespace.name\",\"value\":{\"stringValue\":\"coder\"}}]}}"
                }.joined(separator: ",") + "]}"
        ),
    ]

    @Test func `each line of a list comes in an envelope of its own, which says as much of its origin`() {
        for (name, text) in Self.envelopes {
            let lines = lines(text)
            #expect(lines.count == 5, "\(name)")
            let isCloudWatch = name == "CloudWatch"
            let origins = [
                OriginConditions(),
                isCloudWatch
                    ? OriginConditions(logGroups: ["/coder"])
                    : OriginConditions(containers: ["coder"], namespaces: ["coder"]),
            ]
            for origin in origins {
                let run = DecodeRun(lines.joined(separator: "\n") + "\n", origins: origin)
                #expect(run.records == Self.events && run.counts.malformed.isEmpty, "\(name)")
            }
            let other = OriginConditions(containers: ["dev"], logGroups: isCloudWatch ? ["/dev"] : [])
            #expect(DecodeRun(lines.joined(separator: "\n") + "\n", origins: other).counts.foreign == 5, "\(name)")
        }
    }

    @Test func `what is no line of its service is a line that is refused, by itself`() {
        let line = Self.quoted(Self.events[0])
        for text in [
            "{\"messageType\":\"D\",\"logGroup\":\"g\",\"logEvents\":[{\"message\":\(line)},7,{\"message\":5}]}",
            "{\"streams\":[{\"stream\":{},\"values\":[[\"1\",\(line)],[\"1\"],[1,\"\(TestEvents.id(1))\"]]}]}",
            "{\"streams\":[{\"stream\":{},\"values\":[[\"1\",\(line)]]},{\"stream\":\(line)},{\"values\":[[\"1\",\(line)]]}]}",
            "{\"resourceLogs\":[7,{\"scopeLogs\":[{},{\"logRecords\":[{\"body\":{\"stringValue\":\(line)}}]}]}]}",
        ] {
            let run = DecodeRun(lines(text).joined(separator: "\n") + "\n")
            #expect(run.counts.events == 1, "\(text)")
            #expect(run.counts.malformed.values.reduce(0, +) == 2, "\(text): \(run.counts)")
        }
    }

    @Test(arguments: [(-1, true), (0, true), (1, false)])
    func `labels are repeated up to their limit, and beyond it their lines are refused at once`(
        more: Int, isTaken: Bool
    ) {
        let around = "{\"streams\":[{\"stream\":{\"a\":\"\"},\"values\":["
        let filler = String(repeating: "x", count: EnvelopeRecords.headBytesMax - around.utf8.count + more)
        let values = Self.events.map { "[\"1\",\(Self.quoted($0))]" }.joined(separator: ",")
        let lines = lines("{\"streams\":[{\"stream\":{\"a\":\"\(filler)\"},\"values\":[\(values)]}]}")
        #expect(lines.count == (isTaken ? 5 : 1))
        #expect(DecodeRun(lines.joined(separator: "\n") + "\n").counts.events == (isTaken ? 5 : 0))
    }

    @Test func `an entry of coderd's is no envelope, whatever else it has`() {
        for (_, text) in Self.envelopes {
            let document = Array(("{\"msg\":\"x\"," + text.dropFirst()).utf8)
            let isOne = Envelope.isOne(document.span)
            #expect(!isOne)
        }
        for text in [
            "{}", "{\"records\":[{\"data\":\"\"}]}", "{\"message\":{\"data\":\"\"}}", "{\"streams\":[]}",
            "{\"streams\":[{}]}",
            "{\"logEvents\":[]}", "{\"resourceLogs\":{}}",
        ] {
            let document = Array(text.utf8)
            let isOne = Envelope.isOne(document.span)
            #expect(!isOne, "\(text)")
        }
    }
}
