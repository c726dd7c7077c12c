import ConnlogCore
import ConnlogTestSupport
import Testing

@testable import ConnlogTools

/// Connections as a table for people.
@Suite struct EventTableTests {
    private static let agent =
        #"{"connect_time":"2026-03-03T07:00:00Z","workspace_owner_username":"alice","workspace_name":"dev","ip":"10.20.0.7","#
        + #""type":"ssh","ssh_info":{"exit_code":0,"disconnect_reason":"closed"},"#
        + #""connlog":{"status":"completed","duration_ms":3900000,"person":"alice","person_basis":"only_candidate"}}"#
    private static let web =
        #"{"connect_time":"2026-03-03T06:58:12.5Z","workspace_owner_username":"alice","workspace_name":"prod","#
        + #""type":"port_forwarding","web_info":{"user":{"id":"u","username":"bob"},"slug_or_port":"8080","status_code":403},"#
        + #""connlog":{"status":"none"}}"#

    private func table(
        _ lines: [String], columns: Int? = nil, coloured: Bool = false, time: ShownTime = .utc, pieces: Int = 1000
    ) -> String {
        var style = EventTable.Style()
        (style.columns, style.isColoured, style.time) = (columns, coloured, time)
        var table = EventTable(style)
        let bytes = Array(lines.map { $0 + "\n" }.joined().utf8)
        var text = ""
        for start in stride(from: 0, to: bytes.count, by: pieces) {
            text += table.take(Array(bytes[start..<min(bytes.count, start + pieces)]))
        }
        return text + table.finish()
    }

    @Test(arguments: [1, 7, 100_000]) func `rows stand under their headings, whatever the pieces`(pieces: Int) {
        #expect(
            table([Self.agent, Self.web], pieces: pieces) == """
                TIME (UTC)            PERSON  WHAT       WORKSPACE   FROM       DURATION  OUTCOME
                2026-03-03 07:00:00Z  ≈alice  ssh        alice/dev   10.20.0.7      1h5m  exit 0, closed
                2026-03-03 06:58:12Z  bob     port 8080  alice/prod  -                    403

                """)
        #expect(table([]) == "")
    }

    @Test func `who is recorded is not marked as inferred`() {
        for (basis, person) in [("recorded", "alice"), ("session", "alice"), ("nearest_of_2", "≈alice")] {
            #expect(table([Self.agent.replacing("only_candidate", with: basis)]).contains("  \(person) "), "\(basis)")
        }
    }

    @Test func `a zone is named, and each time says how far it is ahead`() {
        let berlin = ShownTime(name: "Europe/Berlin") { _ in 3600 }
        let text = table([Self.agent], time: berlin)
        #expect(text.contains("TIME (Europe/Berlin)") && text.contains("2026-03-03 08:00:00+01:00"))
        let caracas = ShownTime(name: "x") { _ in -16_200 }
        #expect(table([Self.agent], time: caracas).contains("2026-03-03 02:30:00-04:30"))
    }

    @Test(arguments: [20, 40, 60, 73, 74, 75, 80, 120, 400])
    func `no line is longer than the terminal, whatever the names`(columns: Int) {
        let long = Self.agent.replacing("\"dev\"", with: "\"\(String(repeating: "日本", count: 300))\"")
            .replacing("closed", with: String(repeating: "because ", count: 1000))
        let lines = table([Self.agent, long, Self.web], columns: columns).split(separator: "\n")
        #expect(lines.count == 4 && lines.allSatisfy { DisplayWidth.of(String($0)) <= columns })
        // What says when it was is never cut while there is room for it.
        if columns >= 20 { #expect(lines[1].hasPrefix("2026-03-03 07:00:00Z") || columns == 20) }
    }

    @Test func `a long name does not put blanks behind all others`() {
        let long = Self.agent.replacing("\"dev\"", with: "\"\(String(repeating: "x", count: 100_000))\"")
        let lines = table([long, Self.web]).split(separator: "\n")
        #expect(lines[1].count > 100_000 && lines[2].count < 300)
    }

    @Test func `names do nothing to a terminal and begin no line`() {
        let evil = Self.agent.replacing("\"dev\"", with: #""a\u001b[2Jb\nc\u202ed\u0007\u009b31m""#)
        for columns in [nil, 80, 300] {
            let text = table([evil, "\u{1b}[31mno JSON", Self.web], columns: columns)
            #expect(text.split(separator: "\n").count == 4)
            #expect(text.unicodeScalars.allSatisfy { $0 == "\n" || !TerminalText.isActive($0) })
        }
    }

    @Test func `colours are for refusals and what is open, and only where they are wanted`() {
        let open = Self.agent.replacing("completed", with: "ongoing")
        let text = table([open, Self.web, Self.agent], coloured: true)
        let lines = text.split(separator: "\n")
        #expect(lines.map { $0.hasPrefix("\u{1b}[") } == [true, true, true, false])
        #expect(lines[1].hasPrefix("\u{1b}[32m") && lines[1].hasSuffix("\u{1b}[0m"))
        #expect(lines[2].hasPrefix("\u{1b}[33m"))
        #expect(!table([open, Self.web]).contains("\u{1b}"))
    }

    @Test(arguments: [EventTable.sampleMax - 1, EventTable.sampleMax, EventTable.sampleMax + 1])
    func `rows are shown before all have come, each once`(count: Int) {
        var table = EventTable(EventTable.Style())
        let early = table.take(Array(String(repeating: Self.web + "\n", count: count).utf8))
        #expect(early.isEmpty == (count < EventTable.sampleMax))
        #expect((early + table.finish()).split(separator: "\n").count == count + 1)
    }

    @Test func `a local time is read where clocks change`() {
        // Ahead by one hour, from 1000 s on by two.
        let zone = ShownTime(name: "x") { $0 < 1000 ? 3600 : 7200 }
        #expect(zone.time("1970-01-01T01:10:00") == Int64(600_000_000_000))
        #expect(zone.time("1970-01-01T02:30:00") == Int64(1_800_000_000_000))
        #expect(ShownTime.utc.time("2026-03-03") == Int64(1_772_496_000_000_000_000))
        #expect(ShownTime.utc.time("2026-03-03T07:00:00Z") == nil && ShownTime.utc.time("24h") == nil)
    }
}
