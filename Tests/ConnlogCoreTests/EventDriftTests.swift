import ConnlogSystem
import Testing

@testable import ConnlogCore

/// The table of what builds of Coder have written, row by row.
@Suite struct EventDriftTests {
    private func event(_ fields: String) -> Scanned {
        Scanned(#"{"msg":"connection_log","fields":{"# + fields + "}}")
    }

    @Test(arguments: ["Ip", "IP", "ip"]) func `the address has three spellings`(key: String) {
        #expect(event("\"\(key)\":\"203.0.113.7\"").text(.ip) == "203.0.113.7")
    }

    @Test(
        arguments: [
            (#""203.0.113.7""#, "203.0.113.7"), (#""203.0.113.7/32""#, "203.0.113.7"),
            (#""2001:db8::1/128""#, "2001:db8::1"),
            (#""::ffff:1.2.3.4""#, "1.2.3.4"), (#""::FFFF:1.2.3.4/128""#, "1.2.3.4"),
            (#""::ffff:1.2.3.4/32""#, "1.2.3.4"),
            (#""{IPNet:{IP:1.2.3.4 Mask:ffffffff} Valid:true}""#, "1.2.3.4"),
            (#""{IPNet:{IP:\u003cnil\u003e Mask:\u003cnil\u003e} Valid:false}""#, nil),
            (#""{IPNet:{IP:<nil> Mask:<nil>} Valid:false}""#, nil),
            (#"{"IPNet":{"IP":"1.2.3.4","Mask":"/////w=="},"Valid":true}"#, "1.2.3.4"),
            (#"{"IPNet":{"IP":"","Mask":null},"Valid":false}"#, nil),
            (#""\u003cnil\u003e""#, nil), (#""\u003Cnil\u003E""#, nil), (#""<nil>""#, nil), (#""""#, nil),
            ("null", nil),
            (#""localhost""#, "localhost"), (#""2001:db8::1/32""#, "2001:db8::1/32"), (#""::ffff:0:1""#, "::ffff:0:1"),
        ] as [(String, String?)])
    func `an address is read whatever its dress`(value: String, address: String?) {
        #expect(event("\"Ip\":\(value)").text(.ip) == address)
    }

    @Test(
        arguments: [
            ("200", 200), ("0", 0), ("-1", -1), ("null", nil), (#""200""#, 200), (#""""#, nil), (#""<nil>""#, nil),
            (#""{Int32:200 Valid:true}""#, 200), (#""{Int32:0 Valid:true}""#, 0), (#""{Int32:0 Valid:false}""#, nil),
            (#"{"Int32":404,"Valid":true}"#, 404), (#"{"Int32":0,"Valid":false}"#, nil), ("2.5", nil), ("200.0", 200),
            ("true", nil), ("[1]", nil), ("99999999999999999999999", nil), (#""abc""#, nil), ("{}", nil),
        ] as [(String, Int?)])
    func `a code is read whatever its dress`(value: String, code: Int?) {
        let line = event("\"Code\":\(value)")
        #expect(line.kind == .connectionLog)
        #expect(line.index.code(in: line.bytes.span) == code)
    }

    @Test(
        arguments: [Field.userID, .connectionID],
        [
            (#""6dea5f8c-ecec-4cf0-a5bd-bc2c63af2efa""#, "6dea5f8c-ecec-4cf0-a5bd-bc2c63af2efa"), ("null", nil),
            (#""\u003cnil\u003e""#, nil), (#""<nil>""#, nil), (#""00000000-0000-0000-0000-000000000000""#, nil),
            (#"{"UUID":"6dea5f8c-ecec-4cf0-a5bd-bc2c63af2efa","Valid":true}"#, "6dea5f8c-ecec-4cf0-a5bd-bc2c63af2efa"),
            (#"{ "UUID" : "00000000-0000-0000-0000-000000000000" , "Valid" : false }"#, nil),
            (#"{"Valid":false,"UUID":"6dea5f8c-ecec-4cf0-a5bd-bc2c63af2efa"}"#, nil), (#""""#, nil),
        ] as [(String, String?)])
    func `an id is read whatever its dress`(field: Field, _ row: (value: String, id: String?)) {
        let key = field == .userID ? "UserID" : "ConnectionID"
        #expect(event("\"\(key)\":\(row.value)").text(field) == row.id)
    }

    @Test(
        arguments: [
            (#""x""#, "x"), (#""""#, nil), ("null", nil), (#""{String:a b} Valid:true}""#, "a b}"),
            (#""{String: Valid:false}""#, nil), (#""{String: Valid:true}""#, nil),
            (#""{String:\"q\" Valid:true}""#, "\"q\""),
            (#"{"String":"x","Valid":true}"#, "x"), (#"{"String":"","Valid":false}"#, nil), (#""<nil>""#, "<nil>"),
            (#""{other Valid:true}""#, "{other Valid:true}"),
        ] as [(String, String?)])
    func `a text is read whatever its dress`(value: String, text: String?) {
        #expect(event("\"UserAgent\":\(value)").text(.userAgent) == text)
    }

    @Test(
        arguments: [
            (#""ConnectionMethod":"ssh","AppNameOrPort":"cursor""#, ConnectionType.vscode, "cursor", nil),
            (#""ConnectionMethod":"ssh","AppNameOrPort":"goland""#, .jetbrains, "goland", nil),
            (#""ConnectionMethod":"ssh","AppNameOrPort":"zed""#, .ssh, "zed", nil),
            (#""ConnectionMethod":"ssh","AppNameOrPort":null"#, .ssh, nil, nil),
            (#""ConnectionMethod":"reconnecting_pty","AppNameOrPort":"cursor""#, .reconnectingPTY, "cursor", nil),
            (#""ConnectionMethod":"workspace_app","AppNameOrPort":"cursor""#, .workspaceApp, nil, "cursor"),
            (#""ConnectionMethod":"port_forwarding","AppNameOrPort":"8080""#, .portForwarding, nil, "8080"),
            (#""ConnectionMethod":"tunnel","AppNameOrPort":"""#, .tunnel, nil, nil),
            (#""ConnectionMethod":"telepathy""#, .other, nil, nil), (#""Type":"telepathy""#, .other, "telepathy", nil),
            (#""Type":"vscode","SlugOrPort":"""#, .vscode, "vscode", nil), (#""Type":"ssh""#, .ssh, nil, nil),
            (#""Type":"workspace_app","SlugOrPort":"x""#, .workspaceApp, nil, "x"), ("", .other, nil, nil),
        ] as [(String, ConnectionType, String?, String?)])
    func `type, app and slug follow from either generation's keys`(
        fields: String, type: ConnectionType, app: String?, slug: String?
    ) throws {
        let event = try #require(ConnectionEvent(line: #"{"msg":"connection_log","fields":{"# + fields + "}}"))
        #expect(event.type == type)
        #expect(event.appName == app)
        #expect(event.slugOrPort == slug)
    }

    @Test func `what is unknown is kept and never refused`() {
        let line = event(
            #""New":{"a":[1,2]},"Type":"hologram","ConnectionStatus":"paused","Time":"soon","Code":{"x":[]}"#)
        #expect(line.kind == .connectionLog)
        #expect(line.text(.type) == "hologram")
        #expect(line.index.status(in: line.bytes.span) == nil)
        #expect(line.index.time(in: line.bytes.span) == nil)
    }

    @Test func `a key that occurs twice has its last value`() {
        let line = event(#""ID":"a","ID":"b","Ip":"1.1.1.1","IP":"2.2.2.2","Code":1,"Code":null"#)
        #expect(line.text(.id) == "b")
        #expect(line.text(.ip) == "2.2.2.2")
        #expect(line.index.code(in: line.bytes.span) == nil)
        #expect(Scanned(#"{"msg":"connection_log","fields":{"ID":"a","Code":1},"fields":{"ID":"b"}}"#).text(.id) == "b")
        #expect(Scanned(#"{"msg":"connection_log","fields":{"ID":"a","Code":1},"fields":{}}"#).text(.code) == nil)
        #expect(Scanned(#"{"msg":"connection_log","fields":{"ID":"a"},"ID":"b"}"#).text(.id) == "a")
        #expect(Scanned(#"{"ID":"b","msg":"connection_log","fields":{}}"#).text(.id) == nil)
        #expect(Scanned(#"{"msg":"audit_log","fields":{"ID":"a"},"msg":"connection_log"}"#).text(.id) == "a")
        #expect(Scanned(#"{"msg":"connection_log","fields":{"ID":"a"},"msg":"x"}"#).kind == .other)
    }

    @Test func `a key or message spelt with escapes means the same`() {
        let line = Scanned(#"{"m\u0073g":"connection\u005flog","f\u0069elds":{"I\u0044":"a","\u0049p":"1.2.3.4"}}"#)
        #expect(line.kind == .connectionLog)
        #expect(line.text(.id) == "a")
        #expect(line.text(.ip) == "1.2.3.4")
    }

    @Test(arguments: [
        #"{"msg":"connection_log"}"#, #"{"msg":"connection_log","fields":[]}"#,
        #"{"msg":"connection_log","fields":null}"#,
        #"{"msg":["connection_log"],"fields":{}}"#, #"{"fields":{"msg":"connection_log"}}"#, #"["connection_log"]"#,
        "{}",
        #"{"message":"connection_log"}"#, #""connection_log""#,
    ])
    func `what only resembles an event is another line`(line: String) {
        #expect(Scanned(line).kind == .other)
    }
}
