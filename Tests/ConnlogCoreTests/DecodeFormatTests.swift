import ConnlogSystem
import Foundation
import Testing

@testable import ConnlogCore

/// What a JSON text means, for comparing two of them whatever the order of their keys.
func meaning(_ text: String) -> NSDictionary? {
    (try? JSONSerialization.jsonObject(with: Data(text.utf8))) as? NSDictionary
}

@Suite struct DecodeFormatTests {
    @Test func `every JSON event becomes a record of the same bytes, the audit event none`() {
        let run = DecodeRun(Vectors.json[..<23].joined(separator: "\n") + "\n")
        #expect(run.records == Array(Vectors.json[..<22]))
        #expect(run.counts.slogJSON == 22)
        #expect(run.counts.auditLog == 1)
        #expect(run.counts.lines == 23)
        #expect(run.rest.isEmpty)
    }

    @Test func `a Stackdriver entry becomes the line that the JSON sink writes for the same event`() {
        let run = DecodeRun(Vectors.json[23] + "\n")
        #expect(run.counts.stackdriver == 1)
        #expect(run.records == [Vectors.json[0]])
    }

    @Test func `the human sample means the same as the JSON line of the same event`() throws {
        for sample in Vectors.human[..<2] {
            let run = DecodeRun(sample + "\n")
            let record = try #require(run.records.first)
            let other = try #require(meaning(Vectors.json[7])?.mutableCopy() as? NSMutableDictionary)
            other.removeObjects(forKeys: ["caller", "func"])
            #expect(meaning(record) == other)
            #expect(record.hasPrefix(#"{"ts":"2025-07-03T06:57:16.157Z","level":"INFO","msg":"connection_log","#))
        }
    }

    @Test(arguments: 1...8) func `each human golden entry is one event`(number: Int) throws {
        let run = DecodeRun(Vectors.human[number - 1] + "\n")
        #expect(run.counts.slogHuman == 1)
        #expect(run.counts.malformed.isEmpty)
        #expect(run.rest.isEmpty)
        let line = Scanned(try #require(run.records.first))
        #expect(line.kind == .connectionLog)
        #expect(line.index.status(in: line.bytes.span) != nil)
        #expect(line.index.time(in: line.bytes.span) != nil)
    }

    @Test func `human values keep their meaning`() throws {
        func record(_ number: Int) throws -> Scanned {
            Scanned(try #require(DecodeRun(Vectors.human[number - 1] + "\n").records.first))
        }
        let connect = try record(3)
        #expect(connect.text(.time) == "2025-07-10T10:14:38.942776145Z")
        #expect(connect.index[.code].kind == .null)
        #expect(connect.index[.userID].kind == .null)
        let disconnect = try record(4)
        #expect(disconnect.text(.time) == "2026-03-03T05:12:02.4Z")
        #expect(disconnect.text(.ts) == "2026-03-03T05:12:02.5Z")
        #expect(disconnect.index.code(in: disconnect.bytes.span) == 500)
        #expect(disconnect.text(.disconnectReason) == "because error says so")
        let refused = try record(5)
        #expect(refused.text(.ip) == nil)
        #expect(String(decoding: refused.bytes, as: UTF8.self).contains(#""Ip":"\u003cnil\u003e""#))
        #expect(refused.text(.userAgent) == "agent=x")
        #expect(refused.text(.connectionID) == nil)
        let lines = try record(6)
        #expect(lines.text(.disconnectReason) == "ssh: handshake failed\nread tcp: reset")
        let traced = try record(7)
        #expect(traced.text(.trace) == "4bf92f3577b34da6a3ce929d0e0e4736")
        #expect(traced.text(.span) == "00f067aa0ba902b7")
        #expect(traced.text(.requestID) == "a0000000-0000-4000-8000-000000000122")
        let quoted = try record(8)
        #expect(quoted.text(.userAgent) == #"probe "q" \x"#)
        #expect(quoted.text(.disconnectReason) == "服务器关闭")
    }
}
