import CConnlog
import ConnlogSystem
import ConnlogTestSupport
import Testing

@testable import ConnlogCore

/// The kernels that go over a whole event do what the ways that take anything do, with vectors of either size.
@Suite(.serialized) struct RecordOrderTests {
    private static let layouts = RecordKeys.known.layouts.dropFirst()
    private static let message = (slot: UInt8(Field.msg.rawValue), word: RecordKeys.connectionLog)

    /// No other suite limits vectors, and what they do does not depend on it.
    private func withVectors(of bytes: Int32, _ body: () -> Void) {
        connlog_limit_vectors(bytes)
        body()
        connlog_limit_vectors(32)
    }

    private func canonical() -> [[UInt8]] {
        Vectors.json.map { Array($0.utf8) }.filter { line in
            RecordOrderTests.layouts.contains { layout in
                var index = EventFields()
                return layout.scan(line.span, message: RecordOrderTests.message, into: &index.ranges) == .event
            }
        }
    }

    @Test(arguments: [16, 32] as [Int32]) func `most golden lines that Coder writes have a known order`(bytes: Int32) {
        withVectors(of: bytes) { #expect(canonical().count >= 12, "\(canonical().count) of \(Vectors.json.count)") }
    }

    private func damage(_ line: [UInt8], _ generator: inout SeededGenerator) -> [UInt8] {
        let alphabet =
            Array("{}[]\",:\\u0123eE+-.truefalsn \t/é\u{7f}".utf8) + [0, 1, 0x80, 0xc2, 0xe0, 0xed, 0xf0, 0xf4, 0xff]
        var line = line
        for _ in 0..<Int.random(in: 0...3, using: &generator) where !line.isEmpty {
            let place = Int.random(in: 0..<line.count, using: &generator)
            switch Int.random(in: 0..<4, using: &generator) {
            case 0: line[place] = alphabet.randomElement(using: &generator) ?? 0
            case 1: line.insert(alphabet.randomElement(using: &generator) ?? 0, at: place)
            case 2:
                let end = min(line.count, place + Int.random(in: 1..<40, using: &generator))
                line.replaceSubrange(place..<end, with: Array("\\u00e9é\\n漢𝛑".utf8))
            default: line.removeSubrange(place..<min(line.count, place + Int.random(in: 1..<40, using: &generator)))
            }
        }
        return line
    }

    @Test(arguments: [16, 32] as [Int32], 0..<4 as Range<UInt64>)
    func `a line that an order takes is an event with the same fields for the scanner of any line`(
        bytes: Int32, seed: UInt64
    ) {
        var generator = SeededGenerator(seed: seed)
        let seeds = canonical()
        var taken = 0
        withVectors(of: bytes) {
            for round in 0..<3000 {
                let line = damage(seeds[round % seeds.count], &generator)
                for layout in RecordOrderTests.layouts {
                    var index = EventFields()
                    guard layout.scan(line.span, message: RecordOrderTests.message, into: &index.ranges) == .event
                    else {
                        continue
                    }
                    taken += 1
                    let any = Scanned(line)
                    let text = String(decoding: line, as: UTF8.self)
                    #expect(any.kind == .connectionLog && any.fields.shape == .slog, "seed \(seed): \(text)")
                    for field in Field.allCases where index[field] != any.index[field] {
                        Issue.record("seed \(seed): \(field) of \(text)")
                    }
                }
            }
        }
        #expect(taken > 500, "\(taken)")
    }

    private static let others = [
        #"{"ts":"2025-07-03T05:09:41.037Z","level":"DEBUG","msg":"GET","caller":"/a/b.go:101","func":"x.(*Y).Z","#
            + #""logger_names":["coderd"],"fields":{"host":"coder.example.com","status_code":200,"took":"2.1ms"}}"#,
        #"{"ts":"2025-07-03T05:09:41Z","level":"WARN","msg":"é é","caller":"","func":"","logger_names":["a","b"],"#
            + #""trace":"0","span":"1","fields":{"a":{"b":[1,-2.5e+3,{"c":[]},{}],"d":null},"ok":[true,false,"\n"]}}"#,
        #"{"ts":"2025-07-03T05:09:41Z","level":"INFO","msg":"no fields"}"#,
        #"{"ts":"2025-07-03T05:09:41Z","level":"INFO","msg":"more","message":"x","severity":"INFO","msgs":"y","n":0}"#,
        #"{"ts":"2025-07-03T05:09:41Z","level":"INFO","msg":"","fields":{"msg":"connection_log","fields":{}}}"#,
    ].map { Array($0.utf8) }

    @Test(arguments: [16, 32] as [Int32], 0..<4 as Range<UInt64>)
    func `a line between events is taken as one only if the scanner of any line says so too`(bytes: Int32, seed: UInt64)
    {
        var generator = SeededGenerator(seed: seed)
        let layout = RecordKeys.known.layouts[1]
        var taken = 0
        withVectors(of: bytes) {
            for round in 0..<6000 {
                var line = RecordOrderTests.others[round % RecordOrderTests.others.count]
                if round >= RecordOrderTests.others.count { line = damage(line, &generator) }
                var fields = EventFields()
                let found = layout.scan(line.span, message: RecordOrderTests.message, into: &fields.ranges)
                if round < RecordOrderTests.others.count { #expect(found == .other, "line \(round)") }
                guard found == .other else { continue }
                taken += 1
                let text = String(decoding: line, as: UTF8.self)
                #expect(Scanned(line).kind == .other && SlowJSON.accepts(line), "seed \(seed): \(text)")
            }
        }
        #expect(taken > 1000, "\(taken)")
    }

    @Test(
        arguments: [
            #","msg":"connection_log""#, #","ms\u0067":"connection_log""#, #","msg":"audit_log""#, #","msg":null"#,
        ])
    func `a line with a second message is left to the scanner of any line`(more: String) {
        for other in RecordOrderTests.others {
            let line = other.dropLast() + Array(more.utf8) + [UInt8(ascii: "}")]
            var fields = EventFields()
            let layout = RecordKeys.known.layouts[1]
            #expect(layout.scan(Array(line).span, message: RecordOrderTests.message, into: &fields.ranges) == .unknown)
        }
        let audit = Array(#"{"ts":"2025-07-03T05:09:41Z","level":"INFO","msg":"audit_log"}"#.utf8)
        var scanner = EventScanner()
        var fields = EventFields()
        #expect(scanner.scan(audit.span, into: &fields) == .auditLog)
    }

    @Test(arguments: [16, 32] as [Int32], 0..<4 as Range<UInt64>)
    func `values are packed and come back the same`(bytes: Int32, seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let seeds = canonical()
        var codec = RecordCodec()
        withVectors(of: bytes) {
            for round in 0..<2000 {
                let line = damage(seeds[round % seeds.count], &generator)
                var lines = EventBatch()
                lines.append(line.span)
                var payloads = EventBatch()
                codec.encode(lines, into: &payloads)
                #expect(
                    codec.decode(payloads.record(0)) == line, "seed \(seed): \(String(decoding: line, as: UTF8.self))")
            }
        }
    }

    @Test(arguments: [16, 32] as [Int32])
    func `a UUID is packed if each digit is one, and only then`(bytes: Int32) {
        let uuid = Array("0123abcd-89ef-4567-89ab-cdef01234567".utf8)
        func line(_ value: [UInt8]) -> [UInt8] {
            Array(#"{"msg":"connection_log","fields":{"ID":""#.utf8) + value + Array(#""}}"#.utf8)
        }
        var codec = RecordCodec()
        withVectors(of: bytes) {
            for place in uuid.indices {
                for byte in 0x20...0x7e as ClosedRange<UInt8> where byte != 0x22 && byte != 0x5c {
                    var text = uuid
                    text[place] = byte
                    var lines = EventBatch()
                    lines.append(line(text).span)
                    var payloads = EventBatch()
                    codec.encode(lines, into: &payloads)
                    let isDigit =
                        uuid[place] == 0x2d
                        ? byte == 0x2d : (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte)
                    #expect((payloads.bytes.count < uuid.count + 10) == isDigit, "\(byte) at \(place)")
                    #expect(codec.decode(payloads.record(0)) == line(text), "\(byte) at \(place)")
                }
            }
        }
    }

    @Test(arguments: [16, 32] as [Int32], 0..<4 as Range<UInt64>)
    func `parameters that are written together are those that are written one by one`(bytes: Int32, seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        withVectors(of: bytes) {
            for round in 0..<2000 {
                let line = damage(Array(Vectors.json[round % Vectors.json.count].utf8), &generator)
                let scanned = Scanned(line)
                guard scanned.kind == .connectionLog else { continue }
                var text = SyslogTextWriter()
                var together = ByteBuffer()
                var single = ByteBuffer()
                let room = 1024 + line.count * 4
                together.withWriter(reserving: room) {
                    StructuredData.writeAll(scanned.index, line.span, &text, into: &$0)
                }
                single.withWriter(reserving: room) { writer in
                    for number in 0..<StructuredData.parameterCount {
                        StructuredData.write(number, scanned.index, line.span, &text, into: &writer)
                    }
                }
                #expect(together.text == single.text, "seed \(seed)")
            }
        }
    }

    @Test(arguments: [16, 32] as [Int32]) func `a message is copied up to its first control character`(bytes: Int32) {
        let plain = Array("the text of a message, é and 漢, of which nearly all is ASCII, again and again and ".utf8)
        withVectors(of: bytes) {
            for length in 0..<200 {
                let text = (0..<length).map { plain[$0 % plain.count] }
                for place in stride(from: 0, through: length, by: 3) {
                    for byte in [0, 0x1f, 0x7f, 0x80, 0xff] as [UInt8] {
                        var message = text
                        if place < length { message[place] = byte }
                        let end = message.firstIndex { $0 < 0x20 || $0 == 0x7f } ?? length
                        var out = ByteBuffer()
                        var isASCII = true
                        out.withWriter(reserving: length + 64) {
                            _ = $0.appendSyslogMessage(message.span, from: 0, isASCII: &isASCII)
                        }
                        #expect(out.array == Array(message[..<end]), "\(byte) at \(place) of \(length)")
                        // It may have looked at a few bytes more.
                        if message[..<end].contains(where: { $0 >= 0x80 }) { #expect(!isASCII) }
                        if !message.contains(where: { $0 >= 0x80 }) { #expect(isASCII) }
                    }
                }
            }
        }
    }
}
