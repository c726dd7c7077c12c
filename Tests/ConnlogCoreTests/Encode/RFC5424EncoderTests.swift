import ConnlogCore
import ConnlogSystem
import ConnlogTestSupport
import Foundation
import Testing

@Suite struct RFC5424EncoderTests {
    /// The golden vectors that are connection events of slog, by number.
    private static let vectors = zip(1..., Vectors.json).filter { ![23, 24].contains($0.0) }

    @Test func `each golden vector becomes the message that the golden file has`() throws {
        let encoder = RFC5424Encoder(testOptions())
        var outcome = ""
        for (number, line) in Self.vectors {
            let message = try #require(encoder.text(line), "J\(number)")
            _ = try SyslogParser.parse(Array(message.utf8))
            outcome += "J\(number) \(message)\n"
        }
        let golden = GoldenFolder("../Golden/Encode").case("rfc5424.txt", input: "The vectors J1 to J22, in order.\n")
        #expect(golden.difference(from: outcome) == nil)
    }

    @Test func `the oldest golden vector has every part where the layout wants it`() throws {
        let encoder = RFC5424Encoder(testOptions())
        let text = try #require(encoder.text(Vectors.json[0]))
        let message = try SyslogParser.parse(Array(text.utf8))
        #expect(message.priority == 134)
        #expect(message.timestamp == "2025-07-10T10:14:38.942776Z")
        #expect(message.hostname == "coder-1" && message.appName == "coder" && message.processID == "4711")
        #expect(message.messageID == "CONN_OPEN")
        #expect(message.names == ["eid", "ev", "type", "cid", "ip", "ws", "agent", "owner", "wsid", "org", "req"])
        #expect(message.value("eid") == "ca5dfc63-dc43-463a-bb3e-38526866fd4b")
        #expect(
            message.text == Array("ssh session to dev (main) opened from fd7a:115c:a1e0:4b86:9046:80e:6c70:33b7".utf8))
    }

    private static let people = ListedNames(
        users: [UserName(id: "u-1", username: "al\"i]ce\u{1}"), UserName(id: "o-1", username: "bob")],
        organizations: [OrganizationName(id: "g-1", name: "coder é")])

    @Test func `names stand after the ids when they are known, and are the first to go`() throws {
        func event(_ agent: String) -> String {
            #"{"msg":"connection_log","fields":{"ID":"e","UserID":"U-1","WorkspaceOwnerID":"o-1","#
                + #""OrganizationID":"g-1","AgentName":"\#(agent)","ConnectionStatus":"connected","Type":"ssh"}}"#
        }
        var options = testOptions()
        options.bytesMax = 480
        let named = RFC5424Encoder(options, names: Self.people)
        let message = try SyslogParser.parse(Array(try #require(named.text(event("main"))).utf8))
        #expect(
            message.names == [
                "eid", "ev", "type", "agent", "user", "owner", "org", "user_name", "owner_name", "org_name",
            ])
        #expect(message.value("user") == "U-1" && message.value("user_name") == "al\"i]ce#001")
        #expect(message.value("owner_name") == "bob" && message.value("org_name") == "coder é")
        let long = try SyslogParser.parse(
            Array(try #require(named.text(event(String(repeating: "a", count: 180)))).utf8))
        #expect(long.value("org") == "g-1" && long.value("user_name") == nil && long.value("trunc") == "1")
        let unknown = RFC5424Encoder(options, names: NoNames())
        #expect(unknown.text(event("main")) == RFC5424Encoder(options).text(event("main")))
    }

    /// Each next to one that is text like any other.
    private static let hidden: [UInt32] = [
        0x80, 0x85, 0x9b, 0x9f, 0x2028, 0x2029, 0x202a, 0x202e, 0x2066, 0x2069,
    ]
    private static let shown: [UInt32] = [0x7e, 0xa0, 0xe9, 0x2013, 0x2027, 0x202f, 0x2065, 0x206a, 0x20ac, 0x4e00]

    @Test(arguments: hidden + shown, [0, 1, 14, 15, 16, 31, 32, 33, 64])
    func `what commands a terminal, ends a line or turns text round is rewritten, in values and sentences`(
        value: UInt32, before: Int
    ) throws {
        let character = String(Character(try #require(Unicode.Scalar(value))))
        let pad = String(repeating: "x", count: before)
        let expected = Self.hidden.contains(value) ? syslogShown(character) : character
        #expect(syslogShown(character) == expected)
        for written in [character, String(format: "\\u%04x", value)] {
            for end in ["", "tail that is longer than any vector of a processor of this time"] {
                let line = record([("Type", "\"ssh\""), ("WorkspaceName", "\"\(pad)\(written)\(end)\"")])
                let text = try #require(RFC5424Encoder(testOptions { $0.byteOrderMark = .never }).text(line))
                let message = try SyslogParser.parse(Array(text.utf8))
                #expect(message.value("ws") == pad + expected + end)
                #expect(String(decoding: message.text ?? [], as: UTF8.self) == "ssh session to \(pad)\(expected)\(end)")
            }
        }
    }

    @Test(
        arguments: [
            ("ssh", "disconnected", "0", "", 6, "CONN_CLOSE"), ("ssh", "disconnected", "1", "", 6, "CONN_CLOSE"),
            ("ssh", "disconnected", "1", "killed", 4, "CONN_CLOSE"),
            ("ssh", "disconnected", "-1", "x", 4, "CONN_CLOSE"),
            ("ssh", "disconnected", "500", "", 4, "CONN_CLOSE"), ("ssh", "connected", "null", "", 6, "CONN_OPEN"),
            ("workspace_app", "connected", "200", "", 6, "CONN_WEB"),
            ("workspace_app", "connected", "401", "", 5, "CONN_WEB"),
            ("port_forwarding", "connected", "403", "", 5, "CONN_WEB"),
            ("workspace_app", "connected", "404", "", 6, "CONN_WEB"),
            ("workspace_app", "connected", "502", "", 4, "CONN_WEB"),
            ("tunnel", "connected", "101", "", 6, "CONN_TUNNEL"), ("tunnel", "connected", "403", "", 5, "CONN_TUNNEL"),
            ("cursor", "connected", "null", "", 6, "CONN_OPEN"), ("ssh", "odd", "null", "", 6, nil),
        ] as [(String, String, String, String, Int, String?)])
    func `severity and MSGID follow from type, status, code and reason`(
        type: String, status: String, code: String, reason: String, severity: Int, messageID: String?
    ) throws {
        let encoder = RFC5424Encoder(testOptions { $0.facility = .audit })
        let line = record([
            ("Type", quoted(type)), ("Code", code), ("DisconnectReason", quoted(reason)),
            ("ConnectionStatus", quoted(status)),
        ])
        let message = try SyslogParser.parse(Array(try #require(encoder.text(line)).utf8))
        #expect(message.facility == 13)
        #expect(message.severity == severity)
        #expect(message.messageID == messageID)
    }

    @Test(arguments: [
        ("\"2026-03-03T06:59:59.1234567891Z\"", "2026-03-03T06:59:59.123456Z"),
        ("\"2026-03-03 06:59:59.9 +0000 UTC\"", "2026-03-03T06:59:59.900000Z"),
        ("\"2026-03-03T01:00:00.5+02:00\"", "2026-03-02T23:00:00.500000Z"),
        // A leap second and a day that is none may not be sent, so the line's own time stands in.
        ("\"2026-06-30T23:59:60Z\"", "2026-03-03T07:00:00.000000Z"),
        ("\"2026-02-30T00:00:00Z\"", "2026-03-03T07:00:00.000000Z"),
        ("null", "2026-03-03T07:00:00.000000Z"),
    ])
    func `the timestamp is in UTC with six digits, whatever form the event's time has`(time: String, expected: String)
        throws
    {
        let encoder = RFC5424Encoder(testOptions())
        let message = try SyslogParser.parse(Array(try #require(encoder.text(record([("Time", time)]))).utf8))
        #expect(message.timestamp == expected)
    }

    @Test func `an event without any time has none`() throws {
        let encoder = RFC5424Encoder(testOptions())
        let message = try SyslogParser.parse(Array(try #require(encoder.text(record([], ts: "\"?\""))).utf8))
        #expect(message.timestamp == nil)
    }

    @Test func `names that do not fit a header are made to fit`() throws {
        let encoder = RFC5424Encoder(
            testOptions {
                $0.hostname = String(repeating: "h", count: 300)
                $0.appName = "my äpp"
            })
        let message = try SyslogParser.parse(Array(try #require(encoder.text(record([]))).utf8))
        #expect(message.hostname == String(repeating: "h", count: 255))
        #expect(message.appName == "my__pp")
        let nameless = RFC5424Encoder(testOptions { $0.hostname = "" })
        #expect(try SyslogParser.parse(Array(try #require(nameless.text(record([]))).utf8)).hostname == nil)
    }

    @Test func `what is no connection event of slog is refused and leaves nothing behind`() {
        var encoder = RFC5424Encoder(testOptions())
        var output = ByteBuffer(Array("before".utf8))
        for line in [Vectors.json[22], Vectors.json[23], "", "{", "[]", "null", "connection_log"] {
            let isTaken = encoder.append(Array(line.utf8).span, to: &output)
            #expect(!isTaken, "\(line)")
            #expect(output.text == "before")
        }
    }

    @Test func `an event without an id gets one that stays the same`() throws {
        let encoder = RFC5424Encoder(testOptions())
        let first = try #require(encoder.text(record([("WorkspaceName", "\"a\"")])))
        #expect(encoder.text(record([("WorkspaceName", "\"a\"")])) == first)
        let id = try #require(try SyslogParser.parse(Array(first.utf8)).value("eid"))
        let other = try #require(encoder.text(record([("WorkspaceName", "\"b\"")])))
        #expect(id.hasPrefix("derived-") && id.count == 24)
        #expect(try SyslogParser.parse(Array(other.utf8)).value("eid") != id)
    }

    // MARK: Free text

    @Test func `the JSON line goes out as it came, on one line`() throws {
        let encoder = RFC5424Encoder(testOptions { $0.message = .json })
        let message = try SyslogParser.parse(Array(try #require(encoder.text(Vectors.json[7])).utf8))
        #expect(message.text == Array(Vectors.json[7].utf8))
        let odd = "{\"msg\":\"connection_log\",\r\n\t\"fields\":{\"UserAgent\":\"a\u{7f}b\"}}"
        let rewritten = try SyslogParser.parse(Array(try #require(encoder.text(odd)).utf8))
        #expect(
            rewritten.text == Array("{\"msg\":\"connection_log\",   \"fields\":{\"UserAgent\":\"a\\u007fb\"}}".utf8))
    }

    @Test func `without free text there is no blank at the end`() throws {
        let encoder = RFC5424Encoder(testOptions { $0.message = .none })
        let text = try #require(encoder.text(Vectors.json[0]))
        #expect(text.hasSuffix("\"]"))
        #expect(try SyslogParser.parse(Array(text.utf8)).text == nil)
    }

    @Test(arguments: [
        (RFC5424Options.ByteOrderMark.auto, "dev", false), (.auto, "dév", true), (.always, "dev", true),
        (.never, "dév", false),
    ])
    func `the byte order mark follows its key`(
        mark: RFC5424Options.ByteOrderMark, workspace: String, expected: Bool
    ) throws {
        let encoder = RFC5424Encoder(testOptions { $0.byteOrderMark = mark })
        let line = record([("Type", "\"ssh\""), ("WorkspaceName", quoted(workspace))])
        let text = try #require(encoder.text(line))
        let message = try SyslogParser.parse(Array(text.utf8))
        #expect(message.hasMark == expected)
        #expect(message.text == Array("ssh session to \(workspace)".utf8))
    }

    @Test func `origin and meta are told when asked for, and the sequence goes up by one`() throws {
        var encoder = RFC5424Encoder(
            testOptions {
                $0.originVersion = "0.1.0"
                $0.addsSequence = true
            })
        for number in 1...3 {
            let text = encoder.next(Vectors.json[0]) ?? ""
            let message = try SyslogParser.parse(Array(text.utf8))
            #expect(message.value("sequenceId", in: "meta") == String(number))
            #expect(message.value("software", in: "origin") == "connlog")
            #expect(message.value("swVersion", in: "origin") == "0.1.0")
        }
    }

    // MARK: Hostile events

    /// Parameter names and the fields they come from.
    private static let fields = [
        ("eid", "ID"), ("ev", "ConnectionStatus"), ("type", "Type"), ("cid", "ConnectionID"), ("ip", "IP"),
        ("ws", "WorkspaceName"), ("agent", "AgentName"), ("user", "UserID"), ("app", "SlugOrPort"),
        ("reason", "DisconnectReason"), ("owner", "WorkspaceOwnerID"), ("wsid", "WorkspaceID"),
        ("org", "OrganizationID"),
        ("csid", "ClientSessionID"), ("ua", "UserAgent"), ("req", "request_id"),
    ]

    private static func hostileText(_ generator: inout SeededGenerator) -> String {
        let length = Int.random(in: 1...(Bool.random(using: &generator) ? 12 : 60), using: &generator)
        var text = "x"  // Not one of the ways in which builds write nothing.
        for _ in 0..<length {
            let kind = Int.random(in: 0..<6, using: &generator)
            let number: UInt32 =
                switch kind {
                case 0: UInt32.random(in: 0..<0x20, using: &generator)
                case 1: [0x22, 0x5c, 0x5d, 0x5b, 0x7f, 0x3d].randomElement(using: &generator) ?? 0
                case 2: UInt32.random(in: 0x80..<0x800, using: &generator)
                case 3: UInt32.random(in: 0x800..<0x11_0000, using: &generator)
                default: UInt32.random(in: 0x20..<0x7f, using: &generator)
                }
            text.unicodeScalars.append(Unicode.Scalar(number) ?? "\u{fffd}")
        }
        return text
    }

    @Test(arguments: 0..<100 as Range<UInt64>)
    func `every message parses and gives back the values, whatever an event holds`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var values: [String: String] = [:]
        var members: [(String, String)] = []
        for (name, field) in Self.fields where Int.random(in: 0..<4, using: &generator) > 0 {
            let text = Self.hostileText(&generator)
            values[name] = text
            members.append((field, quoted(text)))
        }
        members.shuffle(using: &generator)
        var encoder = RFC5424Encoder(
            testOptions { $0.byteOrderMark = .allCases.randomElement(using: &generator) ?? .auto })
        let line = record(members)
        let text = encoder.next(line) ?? ""
        let message = try SyslogParser.parse(Array(text.utf8))
        for (name, _) in Self.fields where name != "eid" || values["eid"] != nil {
            #expect(message.value(name) == values[name].map(syslogShown), "seed \(seed), \(name)")
        }
        #expect(encoder.truncations == 0)
    }

    @Test(arguments: 0..<40 as Range<UInt64>)
    func `no message is longer than its budget, and what is left is whole`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let members = Self.fields.map { ($0.1, quoted(Self.hostileText(&generator))) }
        let line = record(members)
        for budget in [480, 1180, 2048] {
            for kind in RFC5424Options.Message.allCases {
                let whole = RFC5424Encoder(testOptions { $0.message = kind })
                var encoder = RFC5424Encoder(
                    testOptions {
                        $0.message = kind
                        $0.bytesMax = budget
                        $0.originVersion = seed % 2 == 0 ? "1.0" : nil
                        $0.addsSequence = seed % 3 == 0
                    })
                let text = encoder.next(line) ?? ""
                let full = try SyslogParser.parse(Array(try #require(whole.text(line)).utf8))
                let message = try SyslogParser.parse(Array(text.utf8))
                #expect(text.utf8.count <= budget, "seed \(seed), budget \(budget)")
                let isCut = message.value("trunc") == "1"
                #expect(encoder.truncations == (isCut ? 1 : 0), "seed \(seed)")
                if !isCut {
                    #expect(message.text == full.text)
                    // With a format of its own the first element is not ours.
                    #expect(kind.format != nil || message.names == full.names)
                    continue
                }
                // The parameters that are left are the first ones, whole; the text is a beginning of the full text.
                #expect(message.names.dropLast().elementsEqual(full.names.prefix(message.names.count - 1)))
                for name in message.names.dropLast() { #expect(message.value(name) == full.value(name)) }
                if let rest = message.text { #expect((full.text ?? []).starts(with: rest)) }
                if message.names.count - 1 < full.names.count {
                    // The first parameter left out would not have fitted.
                    let next = full.names[message.names.count - 1]
                    let value = full.value(next) ?? ""
                    let escapes = value.utf8.count { [0x22, 0x5c, 0x5d].contains($0) }
                    let length = value.utf8.count + escapes + next.utf8.count + 4
                    let used = text.utf8.count - (message.text.map { $0.count + 1 + (message.hasMark ? 3 : 0) } ?? 0)
                    #expect(used + length > budget || message.elements.count > 1, "seed \(seed)")
                }
            }
        }
    }

    @Test func `the smallest budget holds a message even with the longest names`() throws {
        let encoder = RFC5424Encoder(
            testOptions {
                $0.hostname = String(repeating: "h", count: 300)
                $0.appName = String(repeating: "a", count: 60)
                $0.structuredDataID = String(repeating: "s", count: 26) + "@32473"
                $0.pid = .max
                $0.bytesMax = 1
            })
        let text = try #require(encoder.text(Vectors.json[7]))
        let message = try SyslogParser.parse(Array(text.utf8))
        #expect(text.utf8.count <= RFC5424Options.bytesMin)
        #expect(message.elements.first?.parameters.last?.name == "trunc")
    }

    @Test func `a cut never goes through a character, at any budget`() throws {
        let line = record([("ID", "\"1\""), ("WorkspaceName", quoted(String(repeating: "a€😀é", count: 60)))])
        for budget in 480...520 {
            for kind in [RFC5424Options.Message.sentence, .json] {
                let encoder = RFC5424Encoder(
                    testOptions {
                        $0.message = kind
                        $0.bytesMax = budget
                    })
                let text = try #require(encoder.text(line))
                #expect(text.utf8.count <= budget)
                #expect(try SyslogParser.parse(Array(text.utf8)).value("trunc") == "1")
            }
        }
    }

    @Test func `structured data ids are told apart from what they may not be`() {
        for good in ["connlog@32473", "a@1", "a.b-c@32473.1.2"] { #expect(RFC5424Options.isStructuredDataID(good)) }
        for bad in [
            "", "connlog", "@32473", "a@", "a@x", "a@1.", "a b@1", "a=b@1", "a]@1", "a\"@1", "é@1", "a@1@2",
            String(repeating: "a", count: 31) + "@1",
        ] { #expect(!RFC5424Options.isStructuredDataID(bad), "\(bad)") }
    }

    @Test func `facilities have names and numbers`() {
        #expect(Facility("local0") == .local0 && Facility("16") == .local0 && Facility("kern")?.rawValue == 0)
        #expect(Facility("authpriv")?.rawValue == 10 && Facility("local7")?.rawValue == 23)
        #expect(Facility("24") == nil && Facility("local8") == nil && Facility("") == nil && Facility("-1") == nil)
    }
}
