import ConnlogSystem
import ConnlogTestSupport
import Testing

@testable import ConnlogCore

/// Lines that shippers have wrapped into JSON.
@Suite struct WrappedRecordTests {
    static let human =
        "2025-07-03 06:57:16.157 [info]  coderd: connection_log  ID=a  Type=ssh  ConnectionStatus=connected"
    static let json = TestEvents.line(1)

    @Test(arguments: WrappedShape.texts) func `a line is taken out of its wrapper, human and JSON alike`(
        shape: WrappedShape
    ) {
        for format in shape.isCertain ? [.auto, shape.format] : [shape.format] {
            let human = DecodeRun(shape.wrap(Self.human) + "\n", format: format)
            #expect(human.counts.slogHuman == 1, "\(format)")
            #expect(human.counts.malformed.isEmpty, "\(format)")
            #expect(DecodeRun(shape.wrap(Self.json) + "\n", format: format).records == [Self.json], "\(format)")
            let audit = DecodeRun(shape.wrap(Vectors.json[22]) + "\n", format: format)
            #expect(audit.counts.auditLog == 1, "\(format)")
            #expect(audit.counts.events == 0, "\(format)")
            // The last line needs no line feed.
            #expect(DecodeRun(shape.wrap(Self.json), format: format).records == [Self.json], "\(format)")
        }
        if !shape.isCertain {
            #expect(DecodeRun(shape.wrap(Self.json) + "\n").counts.events == 0)
        }
    }

    @Test(arguments: WrappedShape.texts) func `only a value's first line begins an entry`(shape: WrappedShape) {
        for entry in [Self.human, Self.json] {
            for text in ["foreign\n" + entry, "    " + entry, " " + entry, "x " + entry, "\n" + entry] {
                let run = DecodeRun(shape.wrap(text) + "\n", format: shape.format)
                #expect(run.counts.events == 0, "\(text)")
            }
        }
        let block = DecodeRun(
            shape.wrap(Self.human + " ...\n    r= one\n       two") + "\n", format: shape.format)
        #expect(block.counts.events == 1)
        #expect(block.records.first?.contains(#""r":"one\ntwo""#) == true)
    }

    @Test(arguments: WrappedShape.texts) func `the name takes no other shape`(shape: WrappedShape) {
        for other in InputFormat.allCases where Wrapper(other) != nil && other != shape.format {
            // A record of the journal that Fluent Bit has brought.
            if shape.name.contains("journal") || other == .fluentd || other == .fluentBit { continue }
            let run = DecodeRun(shape.wrap(Self.json) + "\n", format: other)
            #expect(run.counts.events == 0, "\(other)")
            #expect(Array(run.counts.malformed.keys) == [.badContainerLine], "\(other)")
        }
    }

    @Test(arguments: WrappedShape.objects) func `fields that were parsed on the way are an entry again`(
        shape: WrappedShape
    ) {
        // In order: the same bytes.
        for entry in [Vectors.json[0], Vectors.json[7]] {
            let run = DecodeRun(shape.wrap(entry) + "\n")
            #expect(run.records == [entry])
            #expect(run.counts.incomplete == 0)
        }
        #expect(DecodeRun(shape.wrap(Vectors.json[22]) + "\n").counts.auditLog == 1)
        // Sorted, and with numbers that are floating.
        let sorted = shape.wrap(
            #"{"fields":{"Code":200.0,"ID":"a","Type":"ssh"},"level":"INFO","msg":"connection_log","ts":"2025-07-03T05:09:41Z"}"#
        )
        let run = DecodeRun(sorted + "\n")
        #expect(run.counts.events == 1)
        #expect(run.counts.incomplete == 1)
        #expect(
            run.records.first?.hasPrefix(
                #"{"ts":"2025-07-03T05:09:41Z","level":"INFO","msg":"connection_log","fields":{"Code":200,"ID":"a","#
                    + #""Type":"ssh","lost":["caller","func","logger_names","OrganizationID","#) == true)
    }

    @Test func `a LogEntry with Stackdriver's fields is the same event, level and logger rebuilt`() {
        let entry = #"""
            {"insertId":"i","jsonPayload":{"AgentName":"main","Code":200.0,"ConnectionID":null,\#
            "ConnectionStatus":"connected","DisconnectReason":"","ID":"ca5dfc63-dc43-463a-bb3e-38526866fd4b",\#
            "Ip":"127.0.0.1","OrganizationID":"o","Time":"2025-07-10T10:14:38.942776145Z","Type":"ssh",\#
            "UserAgent":"","UserID":null,"WorkspaceID":"w","WorkspaceName":"dev","WorkspaceOwnerID":"p",\#
            "message":"connection_log"},"logName":"projects/p/logs/stderr","operation":{"producer":"coderd.audit"},\#
            "resource":{"labels":{"container_name":"coder"},"type":"k8s_container"},"severity":"WARNING",\#
            "sourceLocation":{"file":"slog.go","function":"Export","line":"38"},\#
            "spanId":"00f067aa0ba902b7","timestamp":"2025-07-03T05:09:41.929840747Z",\#
            "trace":"projects/p/traces/4bf92f3577b34da6a3ce929d0e0e4736"}
            """#
        let run = DecodeRun(entry + "\n")
        #expect(
            run.records == [
                #"""
                {"ts":"2025-07-03T05:09:41.929840747Z","level":"WARN","msg":"connection_log","caller":"slog.go:38",\#
                "func":"Export","logger_names":["coderd","audit"],"trace":"4bf92f3577b34da6a3ce929d0e0e4736",\#
                "span":"00f067aa0ba902b7","fields":{"AgentName":"main","Code":200,"ConnectionID":null,\#
                "ConnectionStatus":"connected","DisconnectReason":"","ID":"ca5dfc63-dc43-463a-bb3e-38526866fd4b",\#
                "Ip":"127.0.0.1","OrganizationID":"o","Time":"2025-07-10T10:14:38.942776145Z","Type":"ssh",\#
                "UserAgent":"","UserID":null,"WorkspaceID":"w","WorkspaceName":"dev","WorkspaceOwnerID":"p"}}
                """#
            ])
        #expect(run.counts.incomplete == 0)
        #expect(DecodeRun(entry.replacing("connection_log", with: "audit_log") + "\n").counts.auditLog == 1)
        #expect(DecodeRun(entry.replacing("\"connection_log", with: "\"x connection_log") + "\n").counts.events == 0)
    }

    @Test func `Datadog's attributes are an event again, and it says what is gone`() {
        let run = DecodeRun(
            #"{"_id":"A","date":"2025-07-03T05:09:41.929Z","service":"coder","status":"info","tags":[],"#
                + #""message":"connection_log","attributes":{"caller":"a:1","func":"F","logger_names":["coderd"],"#
                + #""fields":{"ID":"a","Type":"ssh","Time":"2025-07-10T10:14:38Z"}}}"# + "\n")
        #expect(
            run.records == [
                #"{"ts":"2025-07-03T05:09:41.929Z","level":"INFO","msg":"connection_log","caller":"a:1","func":"F","#
                    + #""logger_names":["coderd"],"fields":{"ID":"a","Type":"ssh","Time":"2025-07-10T10:14:38Z","#
                    + #""lost":["OrganizationID","WorkspaceOwnerID","WorkspaceID","WorkspaceName","AgentName","Code","#
                    + #""UserAgent","UserID","ConnectionID","DisconnectReason","ConnectionStatus"]}}"#
            ])
    }

    @Test func `OTLP's values are plain JSON again`() {
        let body = #"""
            {"kvlistValue":{"values":[{"key":"ts","value":{"stringValue":"2025-07-03T05:09:41Z"}},\#
            {"key":"level","value":{"stringValue":"INFO"}},{"key":"msg","value":{"stringValue":"connection_log"}},\#
            {"key":"caller","value":{"stringValue":"a:1"}},{"key":"func","value":{"stringValue":"F"}},\#
            {"key":"logger_names","value":{"arrayValue":{"values":[{"stringValue":"coderd"}]}}},\#
            {"key":"fields","value":{"kvlistValue":{"values":[{"key":"ID","value":{"stringValue":"a"}},\#
            {"key":"Code","value":{"intValue":"200"}},{"key":"UserID","value":{}},\#
            {"key":"x","value":{"doubleValue":1.5}},{"key":"y","value":{"boolValue":true}}]}}}]}}
            """#
        let run = DecodeRun(
            #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":\#(body)},{"body":{"stringValue":"x"}},{}]}]}]}"#
                + "\n")
        #expect(
            run.records.first?.hasPrefix(
                #"{"ts":"2025-07-03T05:09:41Z","level":"INFO","msg":"connection_log","caller":"a:1","func":"F","#
                    + #""logger_names":["coderd"],"fields":{"ID":"a","Code":200,"UserID":null,"x":1.5,"y":true,"#)
                == true)
        // A number that would be more than a number.
        let forged = body.replacing(#""200""#, with: #""200,\"x\":1""#)
        let broken = DecodeRun(#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":\#(forged)}]}]}]}"# + "\n")
        #expect(broken.counts.malformed == [.badContainerLine: 1])
        let journal = #"""
            {"kvlistValue":{"values":[{"key":"MESSAGE","value":{"stringValue":\#(WrappedShape.quoted(Self.json))}},\#
            {"key":"_BOOT_ID","value":{"stringValue":"b"}},{"key":"_TRANSPORT","value":{"stringValue":"stdout"}}]}}
            """#
        let inner = DecodeRun(#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":\#(journal)}]}]}]}"# + "\n")
        #expect(inner.records == [Self.json])
    }

    @Test func `what is cut, left out or null is told and no event`() {
        let head = WrappedShape.journalHead
        let time = #""@timestamp":"x","agent":{},"message":"#
        for line in [
            "{\(head)\"MESSAGE\":null}", "{\(head)\"MESSAGE\":\"[600B blob data]\"}", "{\(head)\"MESSAGE\":[1,300]}",
            "{\(head)\"MESSAGE\":[]}",
            "{\(time)\(WrappedShape.quoted(Self.json)),\"log\":{\"flags\":[\"truncated\"]}}",
        ] {
            let run = DecodeRun(line + "\n")
            #expect(run.counts.malformed == [.badContainerLine: 1], "\(line)")
            #expect(run.counts.events == 0)
        }
    }

    @Test func `CloudWatch's objects may follow one another without a line feed`() {
        func object(_ type: String, _ first: Int) -> String {
            let events = (first..<first + 2).map {
                #"{"id":"\#($0)","timestamp":1,"message":\#(WrappedShape.quoted(TestEvents.line($0)))}"#
            }
            return #"{"messageType":"\#(type)","owner":"1","logGroup":"/coder","logStream":"s","logEvents":["#
                + events.joined(separator: ",") + "]}"
        }
        let text = object("DATA_MESSAGE", 1) + object("CONTROL_MESSAGE", 3) + object("DATA_MESSAGE", 5)
        #expect(DecodeRun(text).records == [1, 2, 5, 6].map { TestEvents.line($0) })
        #expect(DecodeRun(text + "\n" + text).records.count == 8)
    }

    @Test func `wrappers in wrappers are opened, three of them and no more`() {
        let cri = "2025-07-03T05:09:41.929840747Z stderr F " + Self.json
        let fluent = #"{"stream":"stderr","_p":"F","log":\#(WrappedShape.quoted(cri))}"#
        func cloudWatch(_ text: String) -> String {
            #"{"messageType":"DATA_MESSAGE","logGroup":"g","logStream":"s","logEvents":[{"message":"#
                + "\(WrappedShape.quoted(text))}]}"
        }
        #expect(DecodeRun(cloudWatch(fluent) + "\n").records == [Self.json])
        #expect(DecodeRun(cloudWatch(cloudWatch(fluent)) + "\n").counts.events == 0)
        #expect(DecodeRun(cloudWatch(cloudWatch(cloudWatch(Self.json))) + "\n").records == [Self.json])
        #expect(DecodeRun(cloudWatch(cloudWatch(cloudWatch(cloudWatch(Self.json)))) + "\n").counts.events == 0)
    }
}
