import ConnlogSystem
import ConnlogTestSupport
import Testing

@testable import ConnlogCore

/// Splunk's export as CSV: a record is a line of a log, whatever stands in it.
@Suite struct SplunkCSVTests {
    private static let human = WrappedRecordTests.human
    private static let json = WrappedRecordTests.json
    private static let header = "\"_time\",host,\"_raw\",source\n"

    private static func quoted(_ text: String) -> String { "\"\(text.replacing("\"", with: "\"\""))\"" }

    private static func record(_ text: String) -> String {
        "\"2026-09-08T01:19:09.357+0000\",web1,\(quoted(text)),\"/var/log/coder.log\"\n"
    }

    private func run(
        _ text: String, _ origins: OriginConditions = OriginConditions(), maxLine: Int = 1 << 20, pieces: [Int] = []
    ) -> DecodeRun { DecodeRun(text, format: .splunkCSV, origins: origins, maxLine: maxLine, pieces: pieces) }

    @Test func `each record is a line, of any form, wherever its column stands`() {
        for header in [Self.header, "\u{feff}" + Self.header, Self.header.replacing("\"_raw\"", with: "_raw")] {
            let found = run(header + Self.record(Self.human) + Self.record(Self.json) + Self.record("chatter"))
            #expect(found.counts.events == 2 && found.counts.malformed.isEmpty, "\(found.counts)")
            #expect(found.rest.isEmpty)
        }
        for (before, after) in [("", ""), ("a,", ""), ("", ",b"), ("\"x\"\"y\",", ",\"z,\n\"")] {
            for end in ["\n", "\r\n", ""] {
                let text =
                    "\(before)\"_raw\"\(after)\(end.isEmpty ? "\n" : end)\(before)\(Self.quoted(Self.json))\(after)\(end)"
                let found = run(text)
                #expect(found.counts.events == 1 && found.counts.malformed.isEmpty, "\(text) \(found.counts)")
            }
        }
    }

    @Test func `the record is the line as the log had it`() {
        let found = run(Self.header + Self.record(Self.json))
        #expect(found.records == DecodeRun(Self.json + "\n").records)
        #expect(found.records.count == 1)
    }

    @Test func `a value of several lines is an entry and its block, and begins no other`() {
        let block = Self.human + " ...\n    DisconnectReason= one\n                      two"
        let found = run(Self.header + Self.record(block) + Self.record("foreign\n\(Self.json)") + Self.record("x"))
        #expect(found.counts.events == 1 && found.records.first?.contains("two") == true, "\(found.counts)")
    }

    @Test func `no text of a line ends its column`() {
        for text in [
            "\",\"\n\(Self.header)\(Self.record(Self.json))", "\"\n\(Self.json)\n\"", "\"\"\"\n\(Self.json)",
            "\\\"\n\(Self.json)",
        ] {
            let found = run(Self.header + Self.record(text) + Self.record(Self.human))
            #expect(found.counts.events == 1, "\(text) \(found.counts)")
        }
        // Other columns are nobody's line.
        let other = "a,\"_raw\",b\n\(Self.quoted(Self.json)),x,\(Self.quoted("\n" + Self.json))\n"
        #expect(run(other).counts.events == 0)
    }

    @Test func `it comes to the same in any pieces`() {
        let text =
            Self.header + Self.record(Self.human + " ...") + Self.record("    DisconnectReason= a\"b")
            + Self.record(Self.json)
            + "too,few\n" + Self.record("x\ny") + Self.record(Self.json.replacing("\"ID\":\"", with: "\"ID\":\"0"))
        let whole = run(text)
        #expect(whole.counts.events >= 2 && whole.counts.malformed == [.badContainerLine: 1], "\(whole.counts)")
        let count = text.utf8.count
        for size in [1, 2, 3, 7, 64, 1000] {
            let found = run(text, pieces: Array(repeating: size, count: count / size))
            #expect(found.records == whole.records && found.counts.malformed == whole.counts.malformed, "\(size)")
            #expect(
                found.counts.bytes == whole.counts.bytes && found.counts.bytes == count, "\(size) \(found.counts.bytes)"
            )
        }
        for cut in 1..<count { #expect(run(text, pieces: [cut]).records == whole.records, "\(cut)") }
    }

    @Test func `what is no CSV of Splunk's is told, and what came before it is read`() {
        for text in ["\(Self.json)\n", "host,source\nx,y\n", "_raw,_raw\nx,y\n", "\"_raw\"x,y\n1,2\n"] {
            let found = run(text + Self.record(Self.json))
            #expect(
                found.counts.events == 0 && found.counts.malformed == [.badContainerLine: 1], "\(text) \(found.counts)")
        }
        let broken = Self.header + Self.record(Self.json) + "\"a\"b,c,d,e\n" + Self.record(Self.human)
        let found = run(broken)
        #expect(found.counts.events == 1 && found.counts.malformed == [.badContainerLine: 1], "\(found.counts)")
        let open = run(Self.header + Self.record(Self.json) + "a,b,\"\(Self.human)")
        #expect(open.counts.events == 1 && open.counts.malformed == [.badContainerLine: 1], "\(open.counts)")
        #expect(run("").counts.malformed.isEmpty && run(Self.header).counts.malformed.isEmpty)
    }

    @Test(arguments: [100, 5000, 70_000, 75_000, 200_000])
    func `a record that is longer than can be held is passed over alone`(size: Int) {
        let maxLine = 2000
        let long = Self.record(String(repeating: "x\"\n", count: size / 4))
        let text = Self.header + Self.record(Self.human) + long + Self.record(Self.json)
        for piece in [1000, 40_000, text.utf8.count] {
            let found = run(text, maxLine: maxLine, pieces: Array(repeating: piece, count: text.utf8.count / piece))
            #expect(found.counts.events == 2, "\(piece) \(found.counts)")
            #expect(found.counts.tooLong + found.counts.other > 0, "\(piece) \(found.counts)")
        }
    }

    @Test func `with an origin asked for nobody in it is believed`() {
        let found = run(Self.header + Self.record(Self.json), OriginConditions(units: ["coder.service"]))
        #expect(found.counts.events == 0 && found.counts.foreign == 1)
    }
}
