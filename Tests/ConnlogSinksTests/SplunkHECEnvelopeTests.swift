import ConnlogCore
import ConnlogSystem
import ConnlogTestSupport
import Foundation
import Testing

@testable import ConnlogSinks

@Suite struct SplunkHECEnvelopeTests {
    private static let metadata = HECEnvelope.Metadata(
        host: "coder-1", source: "connlog", sourcetype: "coder:connection", index: nil)

    private func envelope(_ record: String, _ format: HECEnvelope.Format = .fields) -> String {
        var encoder = HECEnvelope(format, SplunkHECEnvelopeTests.metadata)
        var body = ByteBuffer()
        let bytes = Array(record.utf8)
        encoder.append(bytes.span, to: &body)
        return body.text
    }

    private func members(_ record: String, _ format: HECEnvelope.Format = .fields) throws -> [String: Any] {
        let data = Data(envelope(record, format).utf8)
        return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    }

    private func record(_ fields: String, ts: String = "2025-07-03T05:09:41.929840747Z") -> String {
        #"{"ts":"\#(ts)","level":"INFO","msg":"connection_log","caller":"a.go:1","func":"f","fields":{\#(fields)}}"#
    }

    @Test(arguments: GoldenFolder("Golden/SplunkHEC/fields").cases)
    func `an event becomes a flat object in CIM words`(golden: GoldenCase) {
        #expect(golden.difference(from: envelope(String(golden.input.dropLast()))) == nil)
    }

    @Test(arguments: GoldenFolder("Golden/SplunkHEC/line").cases)
    func `a line stands under event as it was received`(golden: GoldenCase) {
        #expect(golden.difference(from: envelope(String(golden.input.dropLast()), .line)) == nil)
    }

    private static let people = ListedNames(
        users: [UserName(id: "u-1", username: "al\"ice"), UserName(id: "o-1", username: "bob")],
        organizations: [OrganizationName(id: "g-1", name: "coder")])

    @Test func `names are added beside the ids when they are known, and ids stay as they are`() throws {
        func event(_ fields: String, names: (any Names)?) throws -> [String: Any] {
            var encoder = HECEnvelope(.fields, SplunkHECEnvelopeTests.metadata, names: names)
            var body = ByteBuffer()
            for _ in 0..<2 {
                body.removeAll()
                encoder.append(Array(record(fields).utf8).span, to: &body)
            }
            let whole = try JSONSerialization.jsonObject(with: Data(body.text.utf8)) as? [String: Any]
            return try #require(whole?["event"] as? [String: Any])
        }
        let fields = #""UserID":"U-1","WorkspaceOwnerID":"o-1","OrganizationID":"g-1""#
        let named = try event(fields, names: Self.people)
        #expect(named["user"] as? String == "al\"ice" && named["user_id"] as? String == "U-1")
        #expect(named["workspace_owner"] as? String == "bob" && named["workspace_owner_id"] as? String == "o-1")
        #expect(named["organization"] as? String == "coder" && named["vendor_account"] as? String == "g-1")
        let unknown = try event(#""UserID":null,"WorkspaceOwnerID":"x","OrganizationID":"y""#, names: Self.people)
        for key in ["user", "workspace_owner", "organization"] {
            #expect(unknown[key] == nil)
            #expect(try event(fields, names: nil)[key] == nil)
        }
    }

    @Test(
        arguments: [
            (0, "0.000000"), (1, "0.000000001"), (1_000, "0.000001"), (999_999_999, "0.999999999"),
            (1_752_142_478_942_776_145, "1752142478.942776145"), (1_752_142_478_942_776_000, "1752142478.942776"),
            (2_208_988_800_000_000_000, "2208988800.000000"), (-1, "-0.000000001"), (-1_500_000_000, "-1.500000"),
            (Int64.max, "9223372036.854775807"), (Int64.min, "-9223372036.854775808"),
        ] as [(Nanoseconds, String)])
    func `time is exact decimal seconds`(time: Nanoseconds, text: String) {
        var buffer = ByteBuffer()
        buffer.withWriter(reserving: 32) { HECTime.write(time, &$0) }
        #expect(buffer.text == text)
    }

    @Test(arguments: [
        ("\"2025-07-03T05:09:41.5Z\"", "1751519381.500000"), ("\"2025-07-03T07:09:41.5+02:00\"", "1751519381.500000"),
        ("\"2025-07-03T05:09:41.123456789Z\"", "1751519381.123456789"),
    ])
    func `the envelope's time is the event's`(time: String, expected: String) {
        #expect(envelope(record("\"Time\":\(time)")).hasPrefix("{\"time\":\(expected),"))
    }

    @Test func `without a time of its own the event has the line's, and without that none`() throws {
        #expect(envelope(record("\"Type\":\"ssh\"")).hasPrefix("{\"time\":1751519381.929840747,"))
        let none = try members(record("\"Time\":\"yesterday\"", ts: "never"))
        #expect(none["time"] == nil)
        #expect((none["event"] as? [String: Any])?["time"] as? String == "yesterday")
    }

    @Test(arguments: HECEnvelope.Format.allCases)
    func `whatever the record, the envelope is one object with only the seven keys and an event`(
        format: HECEnvelope.Format
    ) throws {
        let records = [
            record(""), record("\"ID\":1,\"Type\":[1],\"Ip\":{\"a\":\"b\"},\"WorkspaceName\":true"),
            record(#""UserAgent":"a\"b\\c\u003c\n","DisconnectReason":"\ud83d\ude00 }{","AgentName":"x""#),
            record(#""Type":"{String:ssh Valid:true}","Code":"{Int32:5 Valid:true}""#),
            record(#""Type":{"String":"ssh","Valid":true},"ConnectionStatus":"weird""#),
            "", " ", "not json", "{}", "{\"msg\":\"connection_log\"}", "\u{0}\u{1}\u{ff}", "\"\"", "{\"event\":1}",
        ]
        for record in records {
            let text = envelope(record, format)
            #expect(text.hasSuffix("}\n"))
            let members = try members(record, format)
            let allowed: Set = ["time", "host", "source", "sourcetype", "index", "event", "fields"]
            #expect(Set(members.keys).isSubset(of: allowed), "\(record)")
            let event = try #require(members["event"], "\(record)")
            #expect(!"\(event)".trimmingCharacters(in: .whitespaces).isEmpty)
            for value in (members["fields"] as? [String: Any] ?? [:]).values { #expect(value is String) }
        }
    }

    @Test func `an event without an id gets one that is always the same, and another for another event`() throws {
        let ids = try [
            record("\"Type\":\"ssh\""), record("\"Type\":\"ssh\""), record("\"Type\":\"tunnel\",\"ID\":null"),
        ].map {
            try #require((members($0)["event"] as? [String: Any])?["event_id"] as? String)
        }
        #expect(ids[0].hasPrefix("derived-") && ids[0] == ids[1] && ids[0] != ids[2])
    }

    @Test func `every way to cut a line gives an envelope that is still JSON`() throws {
        let whole = Array(record(#""Type":"ssh","Time":"2025-07-03T05:09:41Z","UserAgent":"é\u00e9""#).utf8)
        for end in 0..<whole.count {
            var encoder = HECEnvelope(.line, SplunkHECEnvelopeTests.metadata)
            var body = ByteBuffer()
            encoder.append(Array(whole[..<end]).span, to: &body)
            _ = try JSONSerialization.jsonObject(with: Data(body.array))
        }
    }

    @Test func `configured texts are escaped`() throws {
        var encoder = HECEnvelope(
            .line, .init(host: "a\"b", source: "c\\d\n", sourcetype: "", index: "é\u{1}"))
        var body = ByteBuffer()
        encoder.append(Array(record("").utf8).span, to: &body)
        let members = try #require(try JSONSerialization.jsonObject(with: Data(body.array)) as? [String: Any])
        #expect(members["host"] as? String == "a\"b")
        #expect(members["source"] as? String == "c\\d\n")
        #expect(members["sourcetype"] == nil)
        #expect(members["index"] as? String == "é\u{1}")
    }

    @Test(
        arguments: [
            ("ssh", "connected", nil, "started"), ("cursor", "disconnected", 1, "ended"),
            ("reconnecting_pty", "connected", nil, "started"), ("workspace_app", "connected", 200, "allowed"),
            ("workspace_app", "connected", 303, "allowed"), ("port_forwarding", "connected", 401, "failure"),
            ("workspace_app", "connected", 403, "failure"), ("workspace_app", "connected", 502, "error"),
            ("tunnel", "connected", 101, "success"), ("tunnel", "connected", 403, "failure"),
        ] as [(String, String, Int?, String)])
    func `the action follows type, status and code`(
        type: String, status: String, code: Int?, action: String
    ) throws {
        let code = code.map(String.init) ?? "null"
        let event =
            try members(record("\"Type\":\"\(type)\",\"ConnectionStatus\":\"\(status)\",\"Code\":\(code)"))["event"]
            as? [String: Any]
        #expect(event?["action"] as? String == action)
        #expect(event?["signature"] as? String == "\(type) \(status)")
    }
}
