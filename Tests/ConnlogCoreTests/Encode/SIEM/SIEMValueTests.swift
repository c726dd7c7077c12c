import ConnlogSystem
import ConnlogTestSupport
import Foundation
import Testing

@testable import ConnlogCore

@Suite struct SIEMValueTests {
    private func event(_ format: SIEMFormat, _ fields: [(String, String)], names: (any Names)? = nil) throws -> String {
        let encoder = SIEMEncoder(format, hostname: "coder-1", names: names)
        return try #require(encoder.text(record(fields)))
    }

    private func ecs(_ fields: [(String, String)]) throws -> [String: Any] {
        let object = try TestJSON.object(event(.ecs, fields))
        #expect(try ECSCheck().mistakes(of: object) == [])
        return object
    }

    private func ocsf(_ fields: [(String, String)]) throws -> [String: Any] {
        let object = try TestJSON.object(event(.ocsf, fields))
        #expect(try OCSFCheck().mistakes(of: object) == [])
        return object
    }

    private func cef(_ fields: [(String, String)]) throws -> CEFParser.Message {
        try CEFParser.parse(event(.cef, fields))
    }

    private func leef(_ fields: [(String, String)]) throws -> LEEFParser.Message {
        try LEEFParser.parse(event(.leef, fields))
    }

    // MARK: Hostile text

    @Test func `a user agent that looks like fields stays one value`() throws {
        let agent = "a=b c6a2=1.1.1.1 |\\ \nsuser=root\tx"
        let fields = [("Type", "\"workspace_app\""), ("Code", "200"), ("UserAgent", quoted(agent))]
        let inCEF = try cef(fields)
        #expect(inCEF.values["requestClientApplication"] == "a=b c6a2=1.1.1.1 |\\ \nsuser=root x")
        #expect(inCEF.values["suser"] == nil && inCEF.values["c6a2"] == nil)
        let inLEEF = try leef(fields)
        #expect(inLEEF.values["userAgent"] == "a=b c6a2=1.1.1.1 |\\  suser=root x")
        #expect(!inLEEF.keys.contains("x") && !inLEEF.keys.contains("suser"))
        #expect(TestJSON.text("user_agent.original", in: try ecs(fields)) == agent)
        #expect(TestJSON.text("http_request.user_agent", in: try ocsf(fields)) == agent)
    }

    @Test(arguments: SIEMFormat.allCases) func `nothing in a line ends it, moves a cursor or turns the text`(
        format: SIEMFormat
    ) throws {
        let hostile = "a\u{0}\u{1b}[2J\u{7f}\u{9b}\u{2028}\u{202e}\u{2066}\r\n|=\\\"]{"
        let fields = [
            "Type", "WorkspaceName", "AgentName", "DisconnectReason", "UserAgent", "SlugOrPort", "ID", "UserID",
        ]
        let text = try event(format, fields.map { ($0, quoted(hostile)) })
        for scalar in text.unicodeScalars where scalar != "\t" || format != .leef {
            #expect(scalar.value >= 0x20 && !(0x7f...0x9f ~= scalar.value), "\(scalar.value)")
            #expect(![0x2028, 0x202e, 0x2066].contains(scalar.value))
        }
    }

    @Test func `a type that is not known is carried as it is`() throws {
        let fields = [("Type", "\"warp\""), ("ConnectionStatus", "\"connected\"")]
        #expect(try cef(fields).header[3...] == ["warp:opened", "Session opened", "2"])
        #expect(try cef(fields).values["cat"] == "warp")
        #expect(try leef(fields).header[3] == "warp_opened")
        let inECS = try ecs(fields)
        #expect(TestJSON.texts("event.category", in: inECS) == ["session", "network"])
        #expect(TestJSON.text("network.application", in: inECS) == "warp")
        let inOCSF = try ocsf(fields)
        #expect(inOCSF["class_uid"] as? Int == 4001)
        #expect(TestJSON.text("metadata.event_code", in: inOCSF) == "warp")
    }

    @Test func `a type made of the headers' own marks ends no header`() throws {
        let fields = [("Type", quoted("a|7|x\\\n=")), ("ConnectionStatus", "\"disconnected\"")]
        #expect(try cef(fields).header[3] == "a|7|x\\ =:closed")
        #expect(try cef(fields).values["cat"] == "a|7|x\\\n=")
        #expect(try leef(fields).header[3] == "a_7_x\\ =_closed")
    }

    // MARK: Typed values

    @Test(
        arguments: [
            ("<nil>", nil), ("", nil), ("fe80::1%eth0", "fe80::1"), ("::ffff:1.2.3.4", "1.2.3.4"),
            ("127.0.0.1", "127.0.0.1"),
            ("::1", "::1"), ("::", "::"), ("1::", "1::"), ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"),
            ("64:ff9b::1.2.3.4", "64:ff9b::1.2.3.4"),
            ("2001:DB8::a", "2001:DB8::a"), ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7::"),
            ("1.2.3", nil), ("1.2.3.4.5", nil), ("1.2.3.256", nil), ("01.2.3.4", nil), ("1.2.3.4%eth0", nil),
            ("1.2.3.", nil),
            (":1", nil), ("1:", nil), ("1::2::3", nil), ("1:2:3:4:5:6:7", nil), ("1:2:3:4:5:6:7:8:9", nil),
            (":::", nil),
            ("12345::", nil), ("g::", nil), ("1:2:3:4:5:6:7:8::", nil), ("::1.2.3", nil),
            ("1:2:3:4:5:6:7:1.2.3.4", nil),
            ("localhost", nil), ("10.0.0.1:22", nil), ("%", nil), ("2001:db8::/32", nil),
        ] as [(String, String?)]) func `an address is written where it is one`(text: String, expected: String?) throws
    {
        let fields = [("Type", "\"ssh\""), ("IP", quoted(text)), ("ConnectionStatus", "\"connected\"")]
        let inCEF = try cef(fields).values
        #expect((inCEF["src"] ?? inCEF["c6a2"]) == expected)
        #expect(try leef(fields).values["src"] == expected)
        let inECS = try ecs(fields)
        #expect(TestJSON.text("source.ip", in: inECS) == expected)
        #expect((inECS["related"] == nil) == (expected == nil))
        #expect(TestJSON.text("src_endpoint.ip", in: try ocsf(fields)) == expected)
    }

    @Test(
        arguments: [
            ("3000", 3000), ("0", 0), ("65535", 65_535), ("65536", nil), ("99999", nil), ("100000", nil), ("-1", nil),
            ("8a", nil),
            ("", nil),
        ] as [(String, Int?)]) func `a port is a number or an app`(text: String, port: Int?) throws
    {
        let fields = [("Type", "\"port_forwarding\""), ("SlugOrPort", quoted(text)), ("Code", "200")]
        let app = port == nil && !text.isEmpty ? text : nil
        #expect(try cef(fields).values["dpt"] == port.map(String.init))
        #expect(try cef(fields).values["destinationServiceName"] == app)
        #expect(try leef(fields).values["dstPort"] == port.map(String.init))
        #expect(try leef(fields).values["app"] == app)
        #expect(TestJSON.number("destination.port", in: try ecs(fields)) == port)
        #expect(TestJSON.number("dst_endpoint.port", in: try ocsf(fields)) == port)
    }

    @Test(arguments: [
        ("ssh", "0", "", 6, "opened", true), ("ssh", "1", "", 6, "opened", true),
        ("ssh", "1", "killed", 4, "opened", false),
        ("workspace_app", "200", "", 6, "allowed", true), ("workspace_app", "399", "", 6, "allowed", true),
        ("workspace_app", "400", "", 6, "error", false), ("workspace_app", "401", "", 5, "denied", false),
        ("port_forwarding", "403", "", 5, "denied", false), ("port_forwarding", "404", "", 6, "error", false),
        ("port_forwarding", "500", "", 4, "error", false), ("tunnel", "101", "", 6, "allowed", true),
        ("tunnel", "403", "", 5, "denied", false), ("tunnel", "null", "", 6, "allowed", true),
    ]) func `all formats agree on what happened, how it ended and how much it matters`(
        type: String, code: String, reason: String, severity: Int, act: String, isSuccess: Bool
    ) throws {
        let fields = [
            ("Type", quoted(type)), ("Code", code), ("DisconnectReason", quoted(reason)),
            ("ConnectionStatus", "\"connected\""),
        ]
        let risk = [6: "2", 5: "5", 4: "7"][severity]
        let outcome = isSuccess ? "success" : "failure"
        let inCEF = try cef(fields)
        #expect(inCEF.header[5] == risk && inCEF.values["act"] == act && inCEF.values["outcome"] == outcome)
        let inLEEF = try leef(fields).values
        #expect(inLEEF["sev"] == risk && inLEEF["action"] == act && inLEEF["outcome"] == outcome)
        let inECS = try ecs(fields)
        #expect(TestJSON.text("event.action", in: inECS) == "\(type)-\(act)")
        #expect(TestJSON.text("event.outcome", in: inECS) == outcome)
        let inOCSF = try ocsf(fields)
        #expect(inOCSF["severity_id"] as? Int == 7 - severity && inOCSF["status_id"] as? Int == (isSuccess ? 1 : 2))
    }

    @Test func `a status that says neither is no act, and an event without times has the ones it must`() throws {
        let fields = [("Type", "\"ssh\""), ("ConnectionStatus", "\"paused\"")]
        #expect(try cef(fields).header[3...4] == ["ssh", "SSH session"])
        #expect(try leef(fields).header[3] == "ssh")
        #expect(try ocsf(fields)["activity_id"] as? Int == 0)
        #expect(TestJSON.texts("event.type", in: try ecs(fields)) == ["connection", "info"])
        let bare = #"{"ts":"junk","msg":"connection_log","fields":{"Time":"junk"}}"#
        let inECS = try TestJSON.object(try #require(SIEMEncoder(.ecs, hostname: "").text(bare)))
        #expect(TestJSON.text("@timestamp", in: inECS) == "1970-01-01T00:00:00Z")
        let inOCSF = try TestJSON.object(try #require(SIEMEncoder(.ocsf, hostname: "").text(bare)))
        #expect(inOCSF["time"] as? Int == 0)
        #expect(TestJSON.text("metadata.original_time", in: inOCSF) == "junk")
        let inCEF = try CEFParser.parse(try #require(SIEMEncoder(.cef, hostname: "").text(bare)))
        #expect(inCEF.keys.first == "externalId" && inCEF.values["dvchost"] == nil)
    }

    // MARK: Limits

    @Test func `a long value is cut between two characters, before anything is escaped`() throws {
        for shift in 0..<4 {
            let agent = String(repeating: "a", count: shift) + String(repeating: "\u{1f600}", count: 1250)
            let fields = [("Type", "\"workspace_app\""), ("UserAgent", quoted(agent))]
            let inCEF = try #require(try cef(fields).values["requestClientApplication"])
            #expect(agent.hasPrefix(inCEF) && 1020...1023 ~= inCEF.utf8.count)
            let inLEEF = try #require(try leef(fields).values["userAgent"])
            #expect(agent.hasPrefix(inLEEF) && 509...512 ~= inLEEF.utf8.count)
            #expect(TestJSON.text("user_agent.original", in: try ecs(fields)) == agent)
            #expect(TestJSON.text("http_request.user_agent", in: try ocsf(fields)) == agent)
        }
    }

    @Test(arguments: [1022, 1023, 1024]) func `a value is whole up to the limit, escapes not counted`(length: Int)
        throws
    {
        let reason = String(repeating: "=", count: length)
        let fields = [("Type", "\"ssh\""), ("DisconnectReason", quoted(reason))]
        #expect(try cef(fields).values["reason"]?.count == min(length, 1023))
        #expect(try leef(fields).values["reason"]?.count == min(length, 1023))
    }

    // MARK: Names

    private static let people = ListedNames(
        users: [UserName(id: "u-1", username: "al=i|ce\n"), UserName(id: "o-1", username: "bob")],
        organizations: [OrganizationName(id: "g-1", name: "coder é")])

    @Test func `names stand beside the ids, where a directory has them and nowhere else`() throws {
        let fields = [
            ("Type", "\"workspace_app\""), ("UserID", "\"U-1\""), ("WorkspaceOwnerID", "\"o-1\""),
            ("OrganizationID", "\"g-1\""), ("Code", "200"),
        ]
        let inCEF = try CEFParser.parse(event(.cef, fields, names: Self.people)).values
        #expect(
            inCEF["suid"] == "U-1" && inCEF["suser"] == "al=i|ce\n" && inCEF["duid"] == "o-1" && inCEF["duser"] == "bob"
        )
        #expect(inCEF["flexString2"] == "coder é" && inCEF["flexString2Label"] == "organizationName")
        let inLEEF = try LEEFParser.parse(event(.leef, fields, names: Self.people)).values
        #expect(inLEEF["usrName"] == "al=i|ce " && inLEEF["userId"] == "U-1")
        #expect(inLEEF["accountName"] == "bob" && inLEEF["ownerId"] == "o-1" && inLEEF["organization"] == "coder é")
        let inECS = try TestJSON.object(event(.ecs, fields, names: Self.people))
        #expect(try ECSCheck().mistakes(of: inECS) == [])
        #expect(TestJSON.text("user.name", in: inECS) == "al=i|ce\n")
        #expect(TestJSON.text("destination.user.name", in: inECS) == "bob")
        #expect(TestJSON.texts("related.user", in: inECS) == ["U-1", "o-1", "al=i|ce\n", "bob"])
        let inOCSF = try TestJSON.object(event(.ocsf, fields, names: Self.people))
        #expect(try OCSFCheck().mistakes(of: inOCSF) == [])
        #expect(TestJSON.text("actor.user.name", in: inOCSF) == "al=i|ce\n")
        #expect(TestJSON.text("dst_endpoint.owner.name", in: inOCSF) == "bob")
        #expect(TestJSON.text("unmapped.organization_name", in: inOCSF) == "coder é")
        for format in SIEMFormat.allCases {
            #expect(try event(format, fields, names: NoNames()) == event(format, fields))
        }
    }
}
