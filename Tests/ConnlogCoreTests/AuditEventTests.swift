import ConnlogSystem
import ConnlogTestSupport
import Foundation
import Testing

@testable import ConnlogCore

/// Who asked what: as a line, and as sinks write it.
@Suite struct AuditEventTests {
    private static func event(_ filter: String = "type:ssh") -> AuditEvent {
        var event = AuditEvent(
            .export, by: "token:jane", role: "auditor", filter: filter, address: "10.0.0.1", userAgent: "curl/8",
            at: 1_767_225_600_123_456_789)
        (event.id, event.format, event.rows) = ("11112222-3333-4444-8555-000000000001", "csv", 123)
        return event
    }

    private static func batch(_ lines: [String]) -> EventBatch {
        var batch = EventBatch()
        for line in lines { batch.append(Array(line.utf8).span) }
        return batch
    }

    private static let hostile = [
        "\" ] \\ = \n\r\t\u{1b}[2J\u{0}\u{7f}\u{85}\u{2028}\u{202e}🧑‍💻", String(repeating: "é", count: 3000),
        "a:\"\n<134>1 - - - - - -", "=cmd|' /C calc'!A0", #"{"msg":"connection_log"}"#,
    ]

    @Test(arguments: hostile + ["", "type:ssh"]) func `a line says all of an event, and is one line`(filter: String) {
        var event = Self.event(filter)
        (event.from, event.to, event.isComplete) = (1_000, 2_000, false)
        let line = Array(event.line.utf8)
        #expect(AuditEvent(line: line) == event)
        #expect(line.count < AuditEvent.lineBytesMax)
        #expect(line.allSatisfy { $0 >= 0x20 })
        var scanner = EventScanner()
        let batch = Self.batch([event.line])
        let isOne = AuditEvent.isOne(batch, 0, &scanner)
        #expect(isOne)
    }

    @Test(arguments: [-1, 0, 1]) func `a long filter is cut, and says so`(more: Int) {
        let filter = String(repeating: "x", count: AuditEvent.filterBytesMax + more)
        let event = Self.event(filter)
        #expect(event.filter == filter || more > 0 && event.filter.contains("cut; 4097 bytes"))
    }

    @Test func `nothing that a source can read is taken for one`() throws {
        let connection = ToldEvent(id: ToldEvent.uuid(1), time: 1).line
        // The line of a connection that begins as an audit event's does, and has what those have.
        let audit = Self.event().line
        let forged = [
            #"{"msg":"connlog_audit","# + connection.dropFirst(),
            audit.dropLast() + "," + connection.dropFirst(),
        ].map { String($0) }
        for line in forged {
            var scanner = EventScanner()
            var fields = EventFields()
            let bytes = Array(line.utf8)
            let isTaken = scanner.takes(bytes.span, into: &fields)
            let batch = Self.batch([line])
            let isOne = AuditEvent.isOne(batch, 0, &scanner)
            // Whatever a source gives to the queue is what the scanner takes.
            #expect(isTaken && !isOne, "\(line)")
        }
        for line in [audit, audit + "\n", " " + audit] {
            var decoder = EventDecoder(format: .auto)
            var batch = EventBatch()
            batch.bytes.append(contentsOf: Array((line + "\n").utf8))
            let count = batch.bytes.count
            _ = decoder.decode(0..<count, in: &batch, isEnd: true)
            #expect(batch.isEmpty, "a source gives out \(line)")
        }
    }

    // MARK: - As sinks write it

    private static func encoded(_ filter: String, _ change: (inout RFC5424Options) -> Void = { _ in }) -> [UInt8] {
        var options = RFC5424Options()
        (options.hostname, options.pid) = ("h", 7)
        change(&options)
        var encoder = RFC5424Encoder(options)
        var output = ByteBuffer()
        let isTaken = encoder.append(Array(event(filter).line.utf8).span, to: &output)
        #expect(isTaken)
        return output.array
    }

    @Test func `RFC 5424 has its parts as parameters and a sentence`() {
        let text = String(decoding: Self.encoded("type:ssh"), as: UTF8.self)
        let wanted =
            #"<134>1 2026-01-01T00:00:00.123456Z h coder 7 AUDIT [connlog@32473 eid="11112222-3333-4444-8555-000000000001" "#
            + #"ev="audit" who="token:jane" role="auditor" action="export" format="csv" filter="type:ssh" zone="UTC" "#
            + #"rows="123" complete="true" address="10.0.0.1" user_agent="curl/8"] "#
            + "token:jane exported connections as csv (123 rows): type:ssh"
        #expect(text == wanted)
        let json = String(decoding: Self.encoded("type:ssh") { $0.message = .json }, as: UTF8.self)
        #expect(json.hasSuffix("] " + Self.event().line))
    }

    @Test(arguments: hostile) func `no filter ends a message, a parameter or a line`(filter: String) {
        let message = Self.encoded(filter)
        #expect(message.allSatisfy { $0 >= 0x20 && $0 != 0x7f })
        // Without what is escaped, the element ends once.
        let text = String(decoding: message, as: UTF8.self).replacing(#"\]"#, with: "").replacing(#"\""#, with: "")
        let element = text.prefix { $0 != "]" }
        #expect(element.count(where: { $0 == "\"" }) == 24)
        var options = RFC5424Options()
        options.bytesMax = 1024
        var legacy = RFC3164Encoder(options)
        var output = ByteBuffer()
        let isTaken = legacy.append(Array(Self.event(filter).line.utf8).span, to: &output)
        #expect(isTaken && output.count <= 1024 && output.array.allSatisfy { $0 >= 0x20 && $0 != 0x7f })
        let human = AuditText(Self.event(filter)).human
        #expect(!human.contains(0x0a) && !human.contains(0x1b))
    }

    @Test func `a message is as long as it may be, and says what was cut`() {
        let whole = Self.encoded("type:ssh", { _ in })
        for bytesMax in [480, whole.count - 1, whole.count, whole.count + 1, 481, 500, 520] {
            let message = Self.encoded("type:ssh") { $0.bytesMax = bytesMax }
            #expect(message.count <= max(480, bytesMax))
            #expect((message == whole) == (max(480, bytesMax) >= whole.count), "\(bytesMax)")
            let text = String(decoding: message, as: UTF8.self)
            #expect(text.contains("trunc=\"1\"]") == (message != whole), "\(text)")
        }
        let long = String(
            decoding: Self.encoded(String(repeating: "é", count: 900)) { $0.bytesMax = 700 }, as: UTF8.self)
        #expect(long.utf8.count <= 700 && !long.contains("\u{fffd}") && long.contains("trunc=\"1\"]"))
    }
}
