import ConnlogCore
import ConnlogSystem
import ConnlogTestSupport
import Synchronization
import Testing

/// The filter language: Coder's, with its error texts, and what we add.
@Suite struct FilterLanguageTests {
    private let now: Nanoseconds = 1_752_142_478_000_000_000

    private func coder(_ text: String) throws(FilterErrors) -> [FilterCondition] {
        try FilterQuery(text, dialect: .coder, now: now).terms.map(\.condition)
    }

    private func ours(_ text: String) throws(FilterErrors) -> [FilterTerm] {
        try FilterQuery(text, dialect: .connlog, now: now).terms
    }

    /// The field and the words of each mistake.
    private func mistakes(_ text: String, _ dialect: FilterDialect = .coder) -> [[String]] {
        do throws(FilterErrors) {
            _ = try FilterQuery(text, dialect: dialect, now: now)
            return []
        } catch {
            return error.all.map { [$0.field, $0.detail] }
        }
    }

    @Test func `an empty query, and a key without value, match everything`() throws {
        #expect(try coder("").isEmpty && coder("   ").isEmpty)
        #expect(try coder("type:\"\"").isEmpty)
    }

    @Test func `terms are separated by spaces outside quotes, and case does not count`() throws {
        #expect(try coder("  TYPE:SSH   status:\"Ongoing\" ") == [.type(.ssh), .status(.ongoing)])
        #expect(try coder("workspace_owner:\"a b\"") == [.workspaceOwner("a b")])
    }

    @Test func `every key of Coder's is read`() throws {
        let id = "7a6fafdc-e3d0-43cb-a1b7-1f19802d7908"
        #expect(try coder("type:port_forwarding") == [.type(.portForwarding)])
        #expect(try coder("method:tunnel") == [.method(.tunnel)])
        #expect(try coder("app:Cursor,some-new-ide") == [.app(["cursor", "some_new_ide"])])
        #expect(try coder("app:cursor app:zed") == [.app(["cursor"]), .app(["zed"])])
        #expect(try coder("organization:Coder") == [.organization("coder")])
        #expect(try coder("organization:\(id)") == [.organization(id)])
        #expect(try coder("workspace_owner:me") == [.workspaceOwner("me")])
        #expect(try coder("workspace_owner_email:A@b.c") == [.workspaceOwnerEmail("a@b.c")])
        #expect(try coder("username:alice user_email:a@b.c") == [.username("alice"), .userEmail("a@b.c")])
        #expect(try coder("workspace_id:\(id) connection_id:\(id)") == [.workspaceID(id), .connectionID(id)])
        #expect(try coder("status:completed") == [.status(.completed)])
    }

    @Test func `every form of UUID that Go takes is read`() throws {
        let id = "7a6fafdc-e3d0-43cb-a1b7-1f19802d7908"
        for form in [id, id.uppercased(), "{\(id)}", "\"urn:uuid:\(id)\"", "7a6fafdce3d043cba1b71f19802d7908"] {
            #expect(try coder("workspace_id:\(form)") == [.workspaceID(id)], "\(form)")
        }
        for form in [
            "7a6fafdc", id + "0", "7a6fafdc-e3d043cb-a1b7-1f19-802d7908", "zz6fafdc-e3d0-43cb-a1b7-1f19802d7908",
        ] {
            #expect(
                mistakes("workspace_id:\(form)") == [
                    ["workspace_id", "Query param \"workspace_id\" must be a valid uuid"]
                ])
        }
    }

    @Test func `times carry their offset and nine digits`() throws {
        let bound = try #require(EventTime.parse("2023-01-15T12:00:00Z"))
        #expect(try coder("connected_after:\"2023-01-16T00:00:00+12:00\"") == [.connectedAfter(bound)])
        #expect(try coder("connected_before:\"2023-01-15T12:00:00.000000001Z\"") == [.connectedBefore(bound + 1)])
    }

    @Test func `each mistake has the words that Coder's API gives`() {
        #expect(mistakes("foo") == [["search", "\"search\" is not a valid query param"]])
        #expect(mistakes("bar:baz") == [["bar", "\"bar\" is not a valid query param"]])
        #expect(mistakes("type:") == [["q", "Query element \"type:\" cannot start or end with ':'"]])
        #expect(mistakes(":ssh") == [["q", "Query element \":ssh\" cannot start or end with ':'"]])
        #expect(
            mistakes("connected_after:2024-01-01T00:00:00Z") == [
                ["q", "Query element \"connected_after:2024-01-01t00:00:00z\" can only contain 1 ':'"]
            ])
        for type in ["cursor", "other", "foo"] {
            let words = "Query param \"type\" has invalid value: \"\(type)\" is not a valid value"
            #expect(mistakes("type:\(type)") == [["type", words]])
        }
        #expect(
            mistakes("method:vscode") == [
                ["method", "Query param \"method\" has invalid value: \"vscode\" is not a valid value"]
            ])
        #expect(
            mistakes("status:connected") == [
                ["status", "Query param \"status\" has invalid value: \"connected\" is not a valid value"]
            ])
        #expect(
            mistakes("type:ssh type:vscode") == [
                [
                    "type",
                    "Query param \"type\" provided more than once, found 2 times. "
                        + "Only provide 1 instance of this query param.",
                ]
            ])
        #expect(
            mistakes("connected_after:\"yesterday\"").first?[1].hasPrefix(
                "Query param \"connected_after\" must be a valid date format (2006-01-02T15:04:05.999999999Z07:00): parsing time"
            ) == true)
    }

    @Test func `all mistakes come at once, in the order of the query`() {
        #expect(mistakes("type:x foo bar:y status:z").map(\.[0]) == ["type", "search", "bar", "status"])
    }

    @Test func `our keys are not Coder's`() {
        for key in [
            "workspace:dev", "agent:main", "ip:10.0.0.1", "code:200", "event:connected", "-type:ssh", "duration:>1h",
            "dev", "-dev", "\"two words\"", "connected_after:-1h", "type:ssh app:zed", "status:open", "status:lost",
            "port:22", "hour:8-9", "day:mon", "during:-1h", "reason:x",
            "client_session_id:0", "new:ip", "type:ssh,vscode",
        ] {
            #expect(mistakes(key).count == 1, "\(key)")
            #expect(mistakes(key, .connlog).isEmpty, "\(key)")
        }
    }

    @Test func `our dialect negates, counts back from now, and takes ranges`() throws {
        #expect(try ours("-type:ssh -type:tunnel").map(\.isNegated) == [true, true])
        #expect(try ours("connected_after:-24h").map(\.condition) == [.connectedAfter(now - 86_400_000_000_000)])
        #expect(try ours("code:400-599").map(\.condition) == [.code(400...599)])
        #expect(try ours("code:-1").map(\.condition) == [.code(-1...(-1))])
        #expect(mistakes("code:5-4", .connlog).count == 1)
        #expect(mistakes("ip:10.0.0.0/33", .connlog).count == 1)
    }

    @Test func `times and addresses are taken as they are meant, quoted or not`() throws {
        let bound = try #require(EventTime.parse("2026-11-24T14:00:00Z"))
        for text in [
            "2026-11-24T14:00:00Z", "\"2026-11-24T14:00:00Z\"", "2026-11-24T15:00:00+01:00", "2026-11-24t14:00:00z",
        ] {
            #expect(try ours("connected_after:\(text)").map(\.condition) == [.connectedAfter(bound)], "\(text)")
        }
        let midnight = try #require(EventTime.parse("2026-11-24T00:00:00Z"))
        #expect(try ours("connected_before:2026-11-24").map(\.condition) == [.connectedBefore(midnight)])
        #expect(try ours("-ip:fd7a::/16 ip:::1 ip:fd7a::").count == 3)
        #expect(mistakes("connected_after:14:00", .connlog).first?[1].hasPrefix("'14:00' is not a time") == true)
        for text in ["type:", ":ssh", "type::", "connected_after:"] {
            #expect(mistakes(text, .connlog).count == 1, "\(text)")
        }
    }

    @Test func `a time before now moves with the clock, and others stay`() throws {
        let day: Nanoseconds = 86_400_000_000_000
        let clock = Mutex<Nanoseconds>(0)
        let start = try #require(EventTime.parse("2026-03-03T00:00:00Z"))
        let query = try FilterQuery("connected_after:-24h connected_before:2027-01-01", dialect: .connlog, now: start)
        let now = { @Sendable in clock.withLock { $0 } }
        var filter = QueryFilter(query, now: now)
        func takes(_ time: String) -> Bool {
            let line =
                "{\"ts\":\"\(time)\",\"level\":\"INFO\",\"msg\":\"connection_log\",\"fields\":{\"Time\":\"\(time)\"}}"
            return filter.matches(Array(line.utf8).span)
        }
        for days in [0, 1, 30] as [Nanoseconds] {
            clock.withLock { $0 = start + days * day }
            #expect(
                takes(EventTime.text(start + days * day - day)) && !takes(EventTime.text(start + days * day - day - 1)))
        }
        #expect(!takes("2027-01-01T00:00:00.000000001Z"))
        // A clock that is out of its mind.
        clock.withLock { $0 = .min }
        #expect(takes("2026-01-01T00:00:00Z"))
    }

    @Test func `a duration is a bound, a range, or a whole second`() throws {
        let second: Nanoseconds = 1_000_000_000
        let wanted: [String: ClosedRange<Nanoseconds>] = [
            ">1h": 3600 * second + 1...Nanoseconds.max, ">=90s": 90 * second...Nanoseconds.max,
            "<5m": 0...300 * second - 1, "<=1d": 0...86_400 * second, "1m-2h": 60 * second...7200 * second,
            "1s": second...2 * second - 1, "0s": 0...second - 1,
        ]
        for (text, range) in wanted {
            #expect(try ours("duration:\(text)").map(\.condition) == [.duration(range)], "\(text)")
        }
        for text in ["1", "h", ">", "<0s", "2h-1h", "1h-", "-1h", "1h-2h-3h", ">-1h", "1.5h", "+5m", ">+5m", "s"] {
            #expect(mistakes("duration:\(text)", .connlog).first?.first == "duration", "\(text)")
        }
    }

    @Test func `words without a key are text to look for in our dialect, each by itself`() throws {
        #expect(try ours("Dev -\"a B\" type:ssh").map(\.condition) == [.text("dev"), .text("a b"), .type(.ssh)])
        #expect(try ours("Dev -\"a B\"").map(\.isNegated) == [false, true])
        #expect(try ours("\"\" - -\"\"").isEmpty)
    }

    @Test(arguments: ["OR", "or", "||", "|", "AND", "and", "&&", "&", "NOT", "Not", "!"])
    func `a word that joins in other languages is a mistake with the way out, and in quotes a word`(word: String) throws
    {
        for text in [word, "type:ssh \(word) type:vscode"] {
            let told = mistakes(text, .connlog)
            #expect(told.map(\.[0]) == ["q"])
            let words = try #require(told.first?[1])
            #expect(words.hasPrefix("'\(word)' ") && words.contains("double quotes"))
        }
        #expect(try ours("\"\(word)\"").map(\.condition) == [.text(word.lowercased())])
        #expect(try ours("\(word)x -\(word) workspace:\(word)").count == 3)
        // Coder's own words stay.
        #expect(mistakes(word) == [["search", "\"search\" is not a valid query param"]])
    }

    @Test func `our mistakes show what was written and name what can be`() throws {
        let said = [
            "type:Cursor":
                "'Cursor' is not a type; write one of ssh, vscode, jetbrains, reconnecting_pty, workspace_app, "
                + "port_forwarding and tunnel",
            "type:ssh,VSCod":
                "'VSCod' is not a type; write one of ssh, vscode, jetbrains, reconnecting_pty, workspace_app, "
                + "port_forwarding and tunnel",
            "-Method:Web":
                "'Web' is not a method; write one of ssh, reconnecting_pty, workspace_app, port_forwarding and tunnel",
            "status:Opened":
                "'Opened' is not a status; write one of ongoing, completed, open, unconfirmed, lost and start_unknown",
            "event:\"Came\"": "'Came' is not an event; write one of connected and disconnected",
            "code:4XX": "'4XX' is not a code; write one such as 403, or a range such as 400-599",
            "duration:1H30": "'1H30' is not a duration; write one such as >1h, <=90s, or a range such as 5m-2h",
            "ip:FE80": "'FE80' is not an address; write one such as 203.0.113.7 or 203.0.113.0/24",
            "user_id:Alice": "'Alice' is not a UUID; write one such as 7a6fafdc-e3d0-43cb-a1b7-1f19802d7908",
            "connected_after:Noon":
                "'Noon' is not a time; write one such as 2026-03-03T07:00:00Z, a date such as 2026-03-03, or -24h",
            "Type:": "Query element \"Type:\" cannot start or end with ':'",
        ]
        for (text, words) in said { #expect(mistakes(text, .connlog).map(\.[1]) == [words], "\(text)") }
        let key = mistakes("-Tpye:ssh", .connlog)
        #expect(key.map(\.[0]) == ["tpye"])
        let words = try #require(key.first?[1])
        #expect(words.hasPrefix("'Tpye' is not a key; there are type, method, status, ") && words.contains(" and new;"))
    }

    @Test func `every key that is named can be used`() throws {
        let list = try #require(mistakes("x:y", .connlog).first?[1].split(separator: "; ").dropFirst().first)
        let keys = list.replacing("there are ", with: "").replacing(" and ", with: ", ").split(separator: ", ")
        #expect(keys.count == 29)
        for key in keys {
            #expect(!mistakes("\(key):0", .connlog).contains { $0[1].contains("is not a key") }, "\(key)")
        }
    }

    @Test func `type cannot be combined with method or app in Coder's`() {
        for other in ["method:ssh", "app:zed", "app:zed app:cursor"] {
            #expect(mistakes("type:ssh \(other)") == [["type", "type cannot be combined with method or app"]])
            #expect(mistakes("type:ssh \(other)", .connlog).isEmpty)
        }
        #expect(mistakes("type:\"\" method:ssh").isEmpty)
    }

    @Test(arguments: 0..<20) func `whatever is typed, each mistake lies in the query`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let pieces = [
            "type:", "ssh", " ", ":", "\"", "é", "-", "code:", "4", "connected_after:", "ip:", "::1", "\u{0}", "\n",
        ]
        for _ in 0..<200 {
            let text = (0..<Int.random(in: 0...8, using: &generator)).map { _ in
                pieces.randomElement(using: &generator) ?? ""
            }.joined()
            for dialect in [FilterDialect.coder, .connlog] {
                do throws(FilterErrors) {
                    _ = try FilterQuery(text, dialect: dialect, now: now)
                } catch {
                    #expect(!error.all.isEmpty)
                    for mistake in error.all {
                        #expect(mistake.range.upperBound <= text.lowercased().utf8.count, "seed \(seed): \(text)")
                    }
                }
            }
        }
    }
}

@Suite struct AddressBlockTests {
    @Test func `a block holds the addresses that share its bits, and no other text`() throws {
        let v4 = try #require(AddressBlock("203.0.113.0/24"))
        #expect(v4.contains(Array("203.0.113.255".utf8)) && !v4.contains(Array("203.0.114.0".utf8)))
        #expect(v4.contains(Array("::ffff:203.0.113.9".utf8)))
        let v6 = try #require(AddressBlock("fd7a:115c:a1e0::/48"))
        #expect(v6.contains(Array("fd7a:115c:a1e0:4b86:9046:80e:6c70:33b7".utf8)))
        #expect(!v6.contains(Array("fd7a:115c:a1e1::1".utf8)) && !v6.contains(Array("127.0.0.1".utf8)))
        #expect(try #require(AddressBlock("::/0")).contains(Array("1.2.3.4".utf8)))
        for text in ["", "<nil>", "1.2.3", "1.2.3.4.5", "256.1.1.1", ":::", "1::2::3", "12345::", "g::1"] {
            #expect(!v4.contains(Array(text.utf8)) && AddressBlock(text) == nil, "\(text)")
        }
    }

    @Test(arguments: 0..<20) func `comparing bit by bit gives the same`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            let left = (0..<4).map { _ in UInt8.random(in: 0...255, using: &generator) }
            let flipped = Int.random(in: 0..<32, using: &generator)
            var right = left
            right[flipped / 8] ^= 0x80 >> UInt8(flipped % 8)
            let length = Int.random(in: 0...32, using: &generator)
            let block = try #require(AddressBlock(left.map(String.init).joined(separator: ".") + "/\(length)"))
            let other = Array(right.map(String.init).joined(separator: ".").utf8)
            #expect(block.contains(other) == (flipped >= length), "seed \(seed)")
        }
    }
}

@Suite struct QueryFilterTests {
    private func matches(_ query: String, _ line: String) throws -> Bool {
        var filter = QueryFilter(try FilterQuery(query, dialect: .connlog, now: 0))
        return filter.matches(Array(line.utf8).span)
    }

    private func line(_ fields: String) -> String {
        #"{"ts":"2025-07-03T05:09:41Z","level":"INFO","msg":"connection_log","fields":{"ID":"x","#
            + fields + #","Time":"2025-07-10T10:14:38Z","ConnectionStatus":"connected"}}"#
    }

    @Test func `a type finds its whole family, in every generation`() throws {
        let cursor = line(#""Type":"cursor""#)
        #expect(try matches("type:vscode", cursor) && matches("app:cursor", cursor) && matches("method:ssh", cursor))
        let newest = line(#""ConnectionMethod":"ssh","AppNameOrPort":"some_new_ide""#)
        #expect(try matches("type:ssh", newest) && matches("app:some-new-ide", newest))
        #expect(try !matches("type:vscode", newest))
    }

    @Test func `ongoing, completed or neither`() throws {
        let open = line(#""Type":"ssh""#)
        let closed = open.replacing("\"connected\"", with: "\"disconnected\"")
        let web = line(#""Type":"workspace_app","Code":200"#)
        #expect(try matches("status:ongoing", open) && !matches("status:completed", open))
        #expect(try matches("status:completed", closed) && !matches("status:ongoing", closed))
        #expect(try !matches("status:ongoing", web) && !matches("status:completed", web))
    }

    @Test func `bounds are inclusive, and names are compared without case`() throws {
        let event = line(#""Type":"ssh","WorkspaceName":"Dev","AgentName":"main","Code":404,"Ip":"10.1.2.3""#)
        #expect(
            try matches("connected_after:\"2025-07-10T10:14:38Z\" connected_before:\"2025-07-10T10:14:38Z\"", event))
        #expect(try !matches("connected_after:\"2025-07-10T10:14:38.000000001Z\"", event))
        #expect(try matches("workspace:dev agent:MAIN code:400-404 ip:10.0.0.0/8 event:connected", event))
        #expect(try !matches("workspace:de", event) && !matches("code:403", event) && !matches("ip:10.1.2.4", event))
    }

    @Test func `words are looked for in what people see of an event`() throws {
        let ssh = line(
            #""Type":"ssh","AppName":"x","WorkspaceName":"Web-Shop","AgentName":"main","Ip":"10.1.2.3","#
                + #""DisconnectReason":"Signal: killed""#)
        for word in ["shop", "MAI", "10.1.2", "\"signal: k\"", "-nothing", "shop main"] {
            #expect(try matches(word, ssh), "\(word)")
        }
        #expect(try !matches("shop nothing", ssh) && !matches("-shop", ssh))
        let app = line(#""Type":"workspace_app","SlugOrPort":"code-server","UserAgent":"Mozilla/5.0""#)
        #expect(try matches("code-s mozilla", app))
        let ide = line(#""ConnectionMethod":"ssh","AppNameOrPort":"Some-New-IDE""#)
        #expect(try matches("new_ide", ide))
    }

    @Test func `negation is the exact complement`() throws {
        for fields in [#""Type":"ssh""#, #""Type":"tunnel","Code":101"#, #""Type":null"#] {
            for term in ["type:ssh", "code:101", "status:ongoing", "ip:1.2.3.4", "workspace:dev", "dev", "x"] {
                #expect(try matches(term, line(fields)) != matches("-" + term, line(fields)), "\(term) \(fields)")
            }
        }
    }

    @Test func `what needs names is told, since events carry only ids`() throws {
        let query = try FilterQuery(
            "username:a user_email:b workspace_owner:c organization:d type:ssh", dialect: .connlog, now: 0)
        #expect(QueryFilter.undecidable(query).map(\.why).filter { $0.hasPrefix("needs names") }.count == 4)
        let long = try FilterQuery("duration:>1h", dialect: .connlog, now: 0)
        #expect(QueryFilter.undecidable(long).first?.why.contains("a whole connection") == true)
    }

    @Test(arguments: 0..<20) func `applied to a batch, exactly what matches stays, in order`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var batch = EventBatch()
        var wanted: [Int] = []
        for number in 0..<Int.random(in: 0...40, using: &generator) {
            let isSSH = Bool.random(using: &generator)
            if isSSH { wanted.append(number) }
            batch.append(Array(TestEvents.line(number, type: isSSH ? "ssh" : "vscode").utf8).span)
        }
        let count = batch.count
        var filter = QueryFilter(try FilterQuery("type:ssh", dialect: .connlog, now: 0))
        let kept = filter.apply(to: &batch)
        #expect(TestEvents.numbers(batch) == wanted, "seed \(seed)")
        #expect(kept ?? Array(0..<count) == wanted, "seed \(seed)")
    }
}
