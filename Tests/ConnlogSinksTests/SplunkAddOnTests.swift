import ConnlogSystem
import ConnlogTestSupport
import Foundation
import Testing

@testable import ConnlogSinks

/// `examples/splunk` against events as the sink sends them.
@Suite struct SplunkAddOnTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "examples/splunk")

    private struct Stanza {
        let name: String
        var lines: [Line] = []
    }

    private struct Line {
        let key: String
        let value: String
    }

    /// A .conf file of Splunk: stanzas of keys and values, comments at the start of a line.
    private func conf(_ name: String) throws -> [Stanza] {
        let text = try String(contentsOf: Self.folder.appending(path: "default/\(name).conf"), encoding: .utf8)
        var stanzas: [Stanza] = []
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            if line.hasPrefix("[") {
                try #require(line.hasSuffix("]"))
                stanzas.append(Stanza(name: String(line.dropFirst().dropLast())))
            } else {
                let parts = line.split(separator: "=", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
                try #require(parts.count == 2 && !stanzas.isEmpty, "\(name): \(line)")
                stanzas[stanzas.count - 1].lines.append(Line(key: parts[0], value: parts[1]))
            }
        }
        return stanzas
    }

    private struct Search {
        let name: String
        let text: String
    }

    private func searches(_ file: String, _ key: String) throws -> [Search] {
        try conf(file).map { stanza in
            Search(name: stanza.name, text: stanza.lines.first { $0.key == key }?.value ?? "")
        }
    }

    /// Every golden event as it is sent: the members of its envelope.
    private func sent(_ format: HECEnvelope.Format) throws -> [[String: Any]] {
        var envelope = HECEnvelope(format, .init(host: "h", source: "connlog", sourcetype: "coder:connection"))
        return try GoldenFolder("Golden/SplunkHEC/fields").cases.map { golden in
            var body = ByteBuffer()
            envelope.append(Array(golden.input.utf8.dropLast()).span, to: &body)
            return try #require(try JSONSerialization.jsonObject(with: Data(body.array)) as? [String: Any])
        }
    }

    /// Names that Splunk sees in an envelope, nested ones with dots.
    private func names(_ envelope: [String: Any]) -> Set<String> {
        let event = envelope["event"] as? [String: Any] ?? [:]
        var names = Set(event.keys).union((envelope["fields"] as? [String: Any] ?? [:]).keys)
        for (key, value) in event {
            for inner in (value as? [String: Any] ?? [:]).keys { names.insert("\(key).\(inner)") }
        }
        return names
    }

    private static let ofSplunk: Set<String> = [
        "_time", "host", "source", "sourcetype", "index", "eventtype", "linecount", "punct",
    ]

    /// What our props.conf adds.
    private func added() throws -> Set<String> {
        var names: Set<String> = []
        for line in try conf("props").flatMap(\.lines) {
            let (key, value) = (line.key, line.value)
            if key.hasPrefix("EVAL-") { names.insert(String(key.dropFirst(5))) }
            guard key.hasPrefix("LOOKUP-") else { continue }
            let words = value.split(separator: " ").map(String.init)
            names.insert(try #require(words.last))
        }
        return names
    }

    /// Words of an expression or a search that may be fields: no texts, numbers, functions, commands.
    private func fieldWords(_ text: String) -> [String] {
        var rest = text.replacing(#/"[^"]*"/#, with: " ").replacing(#/`[^`]*`/#, with: " ")
        // Values of comparisons and lists are no fields.
        rest = rest.replacing(#/\bIN \([^)]*\)/#, with: " ").replacing(#/=[a-z][a-z_:]*/#, with: "= ")
        var words: [String] = []
        for match in rest.matches(of: #/'([^']+)'|(\b[A-Za-z_][A-Za-z0-9_.]*\b)(\s*\()?/#) {
            if let quoted = match.output.1 {
                words.append(String(quoted))
            } else if match.output.3 == nil, let word = match.output.2, !Self.wordsOfSearch.contains(String(word)) {
                words.append(String(word))
            }
        }
        return words
    }

    private static let wordsOfSearch: Set<String> = [
        "search", "stats", "where", "eval", "sort", "fields", "convert", "table", "dedup", "count", "AS", "BY", "AND",
        "OR", "NOT", "IN", "fillnull", "value", "eventstats", "streamstats", "time_window",
    ]

    @Test func `every field that a search or a mapping names is in an event that we send, or made by the add-on`()
        throws
    {
        let known = try sent(.fields).reduce(into: Set<String>()) { $0.formUnion(names($1)) }
        let lines = try sent(.line).reduce(into: Set<String>()) { $0.formUnion(names($1)) }
        let added = try added()
        for line in try conf("props").flatMap(\.lines) where line.key.hasPrefix("EVAL-") {
            for word in fieldWords(line.value) {
                let isThere = known.contains(word) || lines.contains(word) || word == "user"
                #expect(isThere, "props.conf \(line.key): \(word)")
            }
        }
        var all = try searches("savedsearches", "search")
        all += try searches("eventtypes", "search")
        all += try searches("macros", "definition")
        #expect(all.count == 19)
        for (name, search) in all.map({ ($0.name, $0.text) }) {
            #expect(!search.isEmpty, "\(name)")
            // And what the macros that it names make.
            let text = all.filter { search.contains("`\($0.name)`") }.reduce(search) { $0 + " " + $1.text }
            let own = Set(text.matches(of: #/(?:AS|eval) ([a-z_]+)/#).map { String($0.output.1) })
            for word in fieldWords(search) {
                let isThere =
                    known.contains(word) || added.contains(word) || own.contains(word) || Self.ofSplunk.contains(word)
                #expect(isThere, "\(name): \(word)")
            }
        }
    }

    @Test func `every field that we send is in the mapping of the other form too`() throws {
        let known = try sent(.fields).reduce(into: Set<String>()) { $0.formUnion(names($1)) }
        // Indexed beside the event in both forms; the event's time is _time; a session of clients is rare.
        let elsewhere: Set = ["connection_type", "connection_status", "time", "client_session_id"]
        let mapped = try added().union(elsewhere)
        #expect(known.subtracting(mapped) == [])
    }

    @Test func `each event has the event types that its action and kind say`() throws {
        let types = try searches("eventtypes", "search")
        var seen: Set<String> = []
        for envelope in try sent(.fields) {
            let event = try #require(envelope["event"] as? [String: Any])
            let found = types.filter { matches($0.text, envelope, event) }.map(\.name)
            seen.formUnion(found)
            let expected: Set<String>
            switch (event["signature_id"] as? String ?? "", event["action"] as? String ?? "") {
            case ("workspace_app", "failure"), ("port_forwarding", "failure"):
                expected = ["coder_connection", "coder_web_access", "coder_web_failure"]
            case ("workspace_app", _), ("port_forwarding", _): expected = ["coder_connection", "coder_web_access"]
            case ("tunnel", "success"): expected = ["coder_connection", "coder_tunnel_allowed"]
            case ("tunnel", _): expected = ["coder_connection", "coder_tunnel_denied"]
            case (_, "started"): expected = ["coder_connection", "coder_session_start"]
            case (_, "ended"): expected = ["coder_connection", "coder_session_end"]
            default: expected = ["coder_connection"]
            }
            #expect(Set(found) == expected, "\(event)")
        }
        let tagged = try conf("tags").map { $0.name.replacing("eventtype=", with: "") }
        #expect(Set(tagged).isSubset(of: Set(types.map(\.name))))
        #expect(seen.isSuperset(of: ["coder_session_start", "coder_session_end", "coder_tunnel_denied"]))
    }

    /// Terms `name=value` and `name IN (values)`, all of which must hold.
    private func matches(_ search: String, _ envelope: [String: Any], _ event: [String: Any]) -> Bool {
        search.matches(of: #/(\w+)(?:=([\w:]+)| IN \(([^)]*)\))/#).allSatisfy { match in
            let values = (match.output.2 ?? match.output.3 ?? "").split(separator: ", ").map(String.init)
            let name = String(match.output.1)
            let value = event[name] ?? envelope[name]
            return values.contains { $0 == value as? String }
        }
    }

    @Test func `the dashboard has the six searches, as they are`() throws {
        let path = Self.folder.appending(path: "default/data/ui/views/coder_connections.xml")
        let text = try String(contentsOf: path, encoding: .utf8)
        let queries = text.matches(of: #/<query>(.*)<\/query>/#).map {
            String($0.output.1).replacing("&lt;", with: "<").replacing("&gt;", with: ">").replacing("&amp;", with: "&")
        }
        let saved = try searches("savedsearches", "search").filter { !$0.name.hasPrefix("Coder alert:") }.map(\.text)
        #expect(queries == saved)
        #expect(queries.count == 6)
        for tag in ["dashboard", "row", "panel", "table", "search", "query"] {
            #expect(text.components(separatedBy: "<\(tag)").count == text.components(separatedBy: "</\(tag)>").count)
        }
    }

    @Test func `every lookup and macro that is named is there`() throws {
        let lookups = Set(try conf("transforms").map(\.name))
        for line in try conf("props").flatMap(\.lines) where line.key.hasPrefix("LOOKUP-") {
            #expect(lookups.contains(String(line.value.prefix { $0 != " " })))
        }
        let header = try String(contentsOf: Self.folder.appending(path: "lookups/coder_users.csv"), encoding: .utf8)
        #expect(header == "user_id,user\n")
        let macros = Set(try conf("macros").map(\.name))
        for search in try conf("savedsearches").flatMap(\.lines) where search.key == "search" {
            for match in search.value.matches(of: #/`([^`]+)`/#) { #expect(macros.contains(String(match.output.1))) }
        }
        let sourcetypes = try conf("props").map(\.name)
        #expect(sourcetypes == ["coder:connection"])
    }

    @Test func `alerts are whole, and off until somebody turns them on`() throws {
        let alerts = try conf("savedsearches").filter { $0.name.hasPrefix("Coder alert:") }
        #expect(alerts.count == 4)
        for alert in alerts {
            let values = Dictionary(alert.lines.map { ($0.key, $0.value) }, uniquingKeysWith: { first, _ in first })
            #expect(values.count == alert.lines.count, "\(alert.name): a key twice")
            #expect(values["disabled"] == "1" && values["enableSched"] == "1")
            #expect(values["cron_schedule"]?.split(separator: " ").count == 5)
            #expect(values["counttype"] != nil && values["relation"] != nil && values["quantity"] != nil)
            // One alert for all rows would be quiet by the first row's fields.
            guard let fields = values["alert.suppress.fields"] else { continue }
            #expect(values["alert.digest_mode"] == "0", "\(alert.name)")
            let grouped = Set(groups(values["search"] ?? "").flatMap(\.fields))
            #expect(grouped.isSuperset(of: fields.split(separator: ",").map(String.init)), "\(alert.name): \(fields)")
        }
    }

    /// What each `stats` of a search counts by, and what stands before it.
    private func groups(_ search: String) -> [(before: String, fields: [String])] {
        search.matches(of: #/\| stats [^|]* BY ([^|]*)/#).map { match in
            let fields = match.output.1.split(separator: " ").map(String.init)
            return (before: String(search[..<match.range.lowerBound]), fields: fields)
        }
    }

    // `stats` leaves out what lacks one of the fields that it counts by.
    @Test func `no search leaves out an event for a field that it lacks`() throws {
        let events = try sent(.fields).compactMap { $0["event"] as? [String: Any] }
        var count = 0
        for search in try searches("savedsearches", "search") {
            for (before, fields) in groups(search.text) {
                count += 1
                let filled = Set(
                    before.matches(of: #/fillnull value="[^"]+" ([^|]*)/#)
                        .flatMap { $0.output.1.split(separator: " ").map(String.init) })
                let isOfSessions = before.contains("action IN (started, ended)")
                let candidates = events.filter { event in
                    !isOfSessions || ["started", "ended"].contains(event["action"] as? String)
                }
                #expect(!candidates.isEmpty)
                for field in fields where !filled.contains(field) {
                    let isInAll = candidates.allSatisfy { $0[field] != nil }
                    #expect(isInAll, "\(search.name): \(field) is not in every event")
                }
            }
        }
        #expect(count == 7)
    }

    @Test func `the app says of itself what AppInspect asks for`() throws {
        func value(_ stanza: String, _ key: String) throws -> String? {
            try conf("app").first { $0.name == stanza }?.lines.first { $0.key == key }?.value
        }
        #expect(try value("id", "name") == value("package", "id"))
        #expect(try value("id", "version") == value("launcher", "version"))
        #expect(try value("install", "is_configured") == "false")
        let rights = try String(contentsOf: Self.folder.appending(path: "metadata/default.meta"), encoding: .utf8)
        #expect(rights.contains("sc_admin"), "Splunk Cloud's administrators may change it")
    }
}
