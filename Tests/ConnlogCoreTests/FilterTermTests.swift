import ConnlogCore
import ConnlogSystem
import ConnlogTestSupport
import Foundation
import Testing

/// The terms of our dialect: how they are read, and what they say of an event.
@Suite struct FilterTermTests {
    private let now: Nanoseconds = 1_772_532_000_000_000_000

    private func read(_ text: String, zone: Zone = .utc) throws -> [FilterCondition] {
        try FilterQuery(text, dialect: .connlog, now: now, zone: zone).terms.map(\.condition)
    }

    private func mistake(_ text: String) -> String? {
        do throws(FilterErrors) {
            _ = try FilterQuery(text, dialect: .connlog, now: now)
            return nil
        } catch {
            return error.all.first?.detail
        }
    }

    private func time(_ text: String) throws -> Nanoseconds { try #require(EventTime.parse(text)) }

    @Test func `a range of moments has two ends or one, by the clocks of a zone`() throws {
        let berlin = try Zone(named: "Europe/Berlin")
        let day: Nanoseconds = 86_400_000_000_000
        let wanted: [(String, Zone, Nanoseconds?, Nanoseconds?)] = [
            ("2026-03-03..2026-03-05", .utc, try time("2026-03-03T00:00:00Z"), try time("2026-03-06T00:00:00Z") - 1000),
            ("2026-03-29", berlin, try time("2026-03-28T23:00:00Z"), try time("2026-03-29T22:00:00Z") - 1000),
            (
                "2026-03-03T14:00..2026-03-03T16:00:30", berlin, try time("2026-03-03T13:00:00Z"),
                try time("2026-03-03T15:00:30Z")
            ),
            ("2026-03-03T14:00:00+05:00..", berlin, try time("2026-03-03T09:00:00Z"), nil),
            ("..2026-03-03T14:00", .utc, nil, try time("2026-03-03T14:01:00Z") - 1000),
            ("-7d..-1d", .utc, now - 7 * day, now - day), ("-24h", .utc, now - day, nil),
            ("\"2026-03-03 14:00..\"", .utc, try time("2026-03-03T14:00:00Z"), nil),
        ]
        for (text, zone, from, through) in wanted {
            guard case .during(let range) = try read("during:\(text)", zone: zone).first else {
                Issue.record("\(text) is no range")
                continue
            }
            #expect(range.from == from && range.through == through, "\(text)")
        }
        for text in [
            "..", "2026-03-05..2026-03-03", "noon", "2026-13-01", "-1d..-7d", "2026-03-03...2026-03-04", "1..2",
        ] {
            #expect(mistake("during:\(text)")?.contains("is not a range of time; write one such as") == true, "\(text)")
        }
    }

    @Test func `lists, owners and patterns are read as they are meant, and in quotes as they stand`() throws {
        #expect(try read("type:SSH,vscode") == [.any([.type(.ssh), .type(.vscode)])])
        #expect(try read("workspace:a,b") == [.any([.workspace("a"), .workspace("b")])])
        #expect(try read("workspace:\"a,b/*\"") == [.workspace("a,b/*")])
        #expect(try read("workspace:alice/dev") == [.all([.workspaceOwner("alice"), .workspace("dev")])])
        #expect(try read("workspace:me/d*") == [.all([.workspaceOwner("me"), .like(.workspace, TextPattern("d*"))])])
        #expect(try read("app:code*,zed") == [.any([.app(["zed"]), .like(.app, TextPattern("code*"))])])
        #expect(try read("type:ssh,") == [.type(.ssh)])
        #expect(try read("ip:fd7a::/16,10.0.0.0/8").count == 1)
        #expect(mistake("workspace:/dev")?.contains("write its name, or owner/name") == true)
        #expect(mistake("type:,") != nil && mistake("new:user") == "'user' cannot stand after new:; write new:ip")
        for text in [
            "hour:24-25", "hour:8-8", "hour:", "hour:1-2-3", "hour:08:60-9", "hour:-1", "hour:x", "hour:08:30",
        ] {
            #expect(mistake(text) != nil, "\(text)")
        }
        for text in ["day:monday-", "day:mo", "day:", "day:mon;tue", "port:65536", "port:-1", "port:http", "port:9-8"] {
            #expect(mistake(text) != nil, "\(text)")
        }
    }

    @Test(arguments: [
        ("port:", ["0", "65535", "0-65535"], ["65536", "65535-65536", "-1"]),
        ("hour:", ["0-24", "23", "23-24", "0:59-1:00", "23:59-24"], ["24", "24-25", "0-25", "0:60-1", "24:01-1"]),
        (
            "ip:", ["10.0.0.0/0", "10.0.0.0/32", "fd7a::/0", "fd7a::/128"],
            ["10.0.0.0/33", "fd7a::/129", "10.0.0.0/-1"]
        ),
        (
            "code:", ["0", "9223372036854775807", "-9223372036854775808", "400-400"],
            ["9223372036854775808", "-9223372036854775809", "401-400"]
        ),
        ("during:", ["2262-04-11", "1677-09-22"], ["2262-04-12", "1677-09-20"]),
    ])
    func `a value is taken up to the edge of what it can be, and refused beyond it`(
        key: String, good: [String], bad: [String]
    ) {
        for value in good { #expect(mistake("\(key)\"\(value)\"") == nil, "\(key)\(value)") }
        for value in bad {
            #expect(mistake("\(key)\"\(value)\"")?.hasPrefix("'\(value)' is not a") == true, "\(key)\(value)")
        }
    }

    @Test(
        arguments: [("s", 9_223_372_036), ("m", 153_722_867), ("h", 2_562_047), ("d", 106_751), ("w", 15_250)]
            as [(String, Int64)])
    func `a length is as long as nanoseconds can tell, and no longer, in every unit`(unit: String, most: Int64) throws {
        let second: Nanoseconds = 1_000_000_000
        let seconds = try #require(["s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800][unit] as Int64?)
        for count in [0, 1, 9999, 10_000, 10_001, most - 1, most] {
            let length = count * seconds * second
            let whole = length.addingReportingOverflow(second - 1)
            let high = whole.overflow ? Nanoseconds.max : whole.partialValue
            #expect(try read("duration:\(count)\(unit)") == [.duration(length...high)])
            #expect(try read("duration:>\(count)\(unit)") == [.duration(length + 1...Nanoseconds.max)])
            for (text, condition) in [
                ("connected_after:-", FilterCondition.connectedAfter(now - length)),
                ("connected_before:-", .connectedBefore(now - length)),
            ] { #expect(try read("\(text)\(count)\(unit)") == [condition]) }
        }
        for count in ["\(most + 1)", "9223372036854775807", "9223372036854775808", "99999999999999999999", "+1", ""] {
            for key in ["duration:", "connected_after:-", "connected_before:-", "during:-"] {
                #expect(mistake("\(key)\(count)\(unit)") != nil, "\(key)\(count)\(unit)")
            }
        }
    }

    @Test func `person: takes a pattern, and in quotes it takes a star as it stands`() throws {
        #expect(try read("person:al*") == [.like(.person, TextPattern("al*"))])
        #expect(try read("person:\"al*\",x") != [.like(.person, TextPattern("al*"))])
        #expect(try read("person:\"al*\"") == [.person("al*")])
        let query = try FilterQuery("person:al*", dialect: .connlog, now: now)
        #expect(QueryFilter.undecidable(query).first?.why.contains("needs the store") == true)
    }

    @Test(arguments: 0..<40) func `a pattern matches what a regular expression of it does`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        func text(_ letters: [String], _ most: Int) -> String {
            (0..<Int.random(in: 0...most, using: &random)).map { _ in letters.randomElement(using: &random) ?? "" }
                .joined()
        }
        for _ in 0..<200 {
            let (pattern, candidate) = (text(["a", "b", "é", "*", "."], 6), text(["a", "b", "é", "."], 8))
            let parts = pattern.components(separatedBy: "*").map(NSRegularExpression.escapedPattern)
            let expected =
                candidate.range(of: "^" + parts.joined(separator: ".*") + "$", options: .regularExpression) != nil
            #expect(TextPattern(pattern).matches(candidate) == expected, "seed \(seed): \(pattern) \(candidate)")
        }
    }

    @Test func `many stars take no exponential time`() {
        let pattern = String(repeating: "*a", count: 500) + "b"
        #expect(!TextPattern(pattern).matches(String(repeating: "a", count: 5000)))
    }

    @Test(arguments: 0..<30) func `whatever bytes a query has, it is read or refused with places inside of it`(
        seed: UInt64
    ) {
        var random = SeededGenerator(seed: seed)
        let keys = [
            "during:", "hour:", "day:", "port:", "status:", "type:", "workspace:", "new:", "reason:", "ip:", "-",
        ]
        let values = [
            "..", "-24h", "2026-03-03", "T14:00", "08-18", "22-06", "sat,sun", "*", "a/b", ",", "\"", ":", "8080", "ip",
            " ",
            "9223372036854775807", "-9223372036854775808", "İ", "\u{0}", "999999d", "0000-00-00", "2262-04-11T23:47:16",
            "1677-09-21", "2261-12-31", "ssh",
        ]
        for _ in 0..<400 {
            let words = (0..<Int.random(in: 0...7, using: &random)).map { _ -> String in
                let word = (Bool.random(using: &random) ? keys : values).randomElement(using: &random) ?? ""
                guard Int.random(in: 0..<6, using: &random) == 0 else { return word }
                let bytes = (0..<4).map { _ in UInt8.random(in: 0...255, using: &random) }
                return word + String(decoding: bytes, as: UTF8.self)
            }
            let text = words.joined()
            for dialect in [FilterDialect.coder, .connlog] {
                do throws(FilterErrors) {
                    let query = try FilterQuery(text, dialect: dialect, now: now)
                    _ = QueryFilter.undecidable(query)
                    for term in query.terms { #expect(term.range.upperBound <= text.utf8.count) }
                } catch {
                    for mistake in error.all {
                        #expect(mistake.range.upperBound <= text.utf8.count, "seed \(seed): \(text)")
                    }
                }
            }
        }
    }

    private func matches(_ query: String, _ fields: String, zone: Zone = .utc) throws -> Bool {
        let line =
            #"{"ts":"2026-03-03T07:30:00Z","msg":"connection_log","fields":{"Time":"2026-03-03T07:30:00Z",\#(fields)}}"#
        var filter = QueryFilter(try FilterQuery(query, dialect: .connlog, now: now, zone: zone))
        return filter.matches(Array(line.utf8).span)
    }

    @Test func `events are asked what they can tell`() throws {
        let berlin = try Zone(named: "Europe/Berlin")
        let ssh =
            #""Type":"ssh","WorkspaceName":"Dev","DisconnectReason":"Signal: killed","ClientSessionID":"00000000000000000000000000000abc""#
        // A Tuesday; in Berlin it is 08:30.
        for query in [
            "hour:07-08", "day:tue,wed", "-hour:8-7", "reason:KILLED", "reason:sig*", "workspace:d*", "type:vscode,ssh",
            "client_session_id:00000000000000000000000000000ABC", "during:2026-03-03", "during:..2026-03-03T07:30",
        ] {
            #expect(try matches(query, ssh), "\(query)")
        }
        for query in ["hour:22-06", "day:mon", "port:22", "reason:x", "during:2026-03-04..", "client_session_id:abc"] {
            #expect(try !matches(query, ssh), "\(query)")
        }
        #expect(try matches("hour:08-09", ssh, zone: berlin) && !matches("hour:07-08", ssh, zone: berlin))
        let port = #""Type":"port_forwarding","SlugOrPort":"8080""#
        #expect(try matches("port:8080", port) && matches("port:22,8000-9000", port) && !matches("port:80", port))
        #expect(try !matches("port:8080", #""Type":"workspace_app","SlugOrPort":"8080""#))
    }

    @Test(
        arguments: [
            ("during:-1h..", "needs a whole connection"), ("status:open", "needs the store"), ("status:ssh,lost", nil),
            ("status:completed,lost", "needs the store"), ("new:ip", "needs the store"),
            ("workspace:alice/dev", "needs names"),
            ("username:al*", "needs names"), ("organization:o*", "needs names"),
            ("type:ssh,vscode hour:8-9 day:sat port:1", ""),
            ("workspace:d*,e reason:x client_session_id:1", ""),
        ] as [(String, String?)])
    func `what a sink cannot know is told by its term`(text: String, why: String?) throws {
        guard let why else { return #expect(mistake(text) != nil) }
        let told = QueryFilter.undecidable(try FilterQuery(text, dialect: .connlog, now: now))
        #expect(told.isEmpty == why.isEmpty)
        if let first = told.first {
            #expect(first.why.contains(why) && first.term.range.lowerBound == 0, "\(first.why)")
        }
    }
}
