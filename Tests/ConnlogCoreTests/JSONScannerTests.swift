import ConnlogSystem
import Foundation
import ConnlogTestSupport
import Testing

@testable import ConnlogCore

@Suite struct JSONScannerTests {
    private func isMalformed(_ kind: LineKind) -> Bool {
        if case .malformed = kind { return true }
        return false
    }

    @Test(arguments: JSONSuite.accepted) func `what RFC 8259 allows is taken`(example: JSONSuite.Case) {
        #expect(Scanned(example.bytes).kind == .other)
        #expect(SlowJSON.accepts(example.bytes))
        #expect(Scanned(inEvent(example.bytes)).kind == .connectionLog)
    }

    @Test(arguments: JSONSuite.refused) func `what RFC 8259 forbids is refused`(example: JSONSuite.Case) {
        #expect(isMalformed(Scanned(example.bytes).kind))
        if example.bytes.count < 10_000 { #expect(!SlowJSON.accepts(example.bytes)) }
        if !example.bytes.isEmpty { #expect(isMalformed(Scanned(inEvent(example.bytes)).kind)) }
    }

    /// The same as the value of an unknown field, where the scanner takes another way.
    private func inEvent(_ bytes: [UInt8]) -> [UInt8] {
        Array(#"{"msg":"connection_log","fields":{"x":"#.utf8) + bytes + Array("}}".utf8)
    }

    @Test func `every cut of every golden line is refused, and so is every byte after it`() {
        for line in Vectors.json {
            let bytes = Array(line.utf8)
            for length in 0..<bytes.count where !isMalformed(Scanned(Array(bytes[..<length])).kind) {
                Issue.record("\(length) bytes of \(line)")
            }
            #expect(isMalformed(Scanned(bytes + [0x7d]).kind))
            #expect(isMalformed(Scanned(bytes + [0]).kind))
        }
    }

    @Test func `faults say what and where`() {
        func fault(_ text: String) -> LineFault? {
            guard case .malformed(let fault) = Scanned(text).kind else { return nil }
            return fault
        }
        #expect(fault(#"{"a":tru}"#) == LineFault(.badLiteral, at: 5))
        #expect(fault(#"{"a":01}"#) == LineFault(.badNumber, at: 6))
        #expect(fault(#"{"a":"\q"}"#) == LineFault(.badEscape, at: 6))
        #expect(fault("{\"a\":\"\u{1}\"}") == LineFault(.controlCharacter, at: 6))
        #expect(fault(#"{"a":1}x"#) == LineFault(.trailingBytes, at: 7))
        #expect(fault(#"{"a":1"#) == LineFault(.truncated, at: 6))
        #expect(fault(#"{"a" 1}"#) == LineFault(.unexpectedByte, at: 5))
        #expect(fault(String(repeating: "[", count: 600)) == LineFault(.tooDeep, at: 512))
        guard case .malformed(let bad) = Scanned([0x22, 0x61, 0xff, 0x22]).kind else {
            Issue.record("taken")
            return
        }
        #expect(bad == LineFault(.badUTF8, at: 2))
        #expect(Set(LineFault.Reason.allCases.map(\.label)).count == LineFault.Reason.allCases.count)
    }

    @Test func `nesting is allowed to 512 and refused beyond, however deep`() {
        for (depth, isTaken) in [(511, true), (512, true), (513, false), (100_000, false)] {
            for (open, close) in [("[", "]"), (#"{"a":"#, "}")] {
                let middle = open == "[" ? "" : "1"
                let text = String(repeating: open, count: depth) + middle + String(repeating: close, count: depth)
                #expect(isMalformed(Scanned(text).kind) != isTaken, "\(depth) of \(open)")
            }
        }
    }

    @Test func `a line of 64 MiB is an event like any other`() {
        var text = Array(#"{"msg":"connection_log","fields":{"UserAgent":""#.utf8)
        let start = text.count
        text += [UInt8](repeating: 0x61, count: 64 << 20)
        text += Array(#"","ID":"a"}}"#.utf8)
        let line = Scanned(text)
        #expect(line.kind == .connectionLog)
        #expect(line.index[.userAgent].range == start..<(start + 64 << 20))
        #expect(line.text(.id) == "a")
    }

    @Test func `NUL bytes are refused wherever they stand`() {
        let line = Array(Vectors.json[0].utf8)
        for place in stride(from: 0, through: line.count, by: 3) {
            var bytes = line
            bytes.insert(0, at: place)
            #expect(isMalformed(Scanned(bytes).kind))
        }
    }

    @Test(arguments: 0..<4) func `the scanner agrees with the slow parser on damaged lines`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var scanner = EventScanner()
        var index = EventFields()
        let seeds = Vectors.json.map { Array($0.utf8) } + JSONSuite.accepted.map(\.bytes).filter { $0.count < 200 }
        let alphabet =
            Array("{}[]\",:\\u0123eE+-.truefalsn \t\r\n\u{1}/é\u{7f}".utf8) + [0, 0x80, 0xc0, 0xe2, 0xed, 0xf4, 0xff]
        for round in 0..<2500 {
            var bytes = seeds[Int.random(in: 0..<seeds.count, using: &generator)]
            for _ in 0..<Int.random(in: 0...3, using: &generator) where !bytes.isEmpty {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                let byte = alphabet[Int.random(in: 0..<alphabet.count, using: &generator)]
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: bytes[place] = byte
                case 1: bytes.insert(byte, at: place)
                case 2: bytes.remove(at: place)
                default:
                    bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 1..<20, using: &generator)))
                }
            }
            let kind = scanner.scan(bytes.span, into: &index)
            if isMalformed(kind) == SlowJSON.accepts(bytes) {
                Issue.record("seed \(seed), round \(round): \(kind) for \(String(decoding: bytes, as: UTF8.self))")
                return
            }
        }
    }

    @Test func `a scanner that has learnt an order of keys finds the same as a fresh one`() {
        var scanner = EventScanner()
        var generator = SeededGenerator(seed: 5)
        for round in 0..<3000 {
            let text = Vectors.json[Int.random(in: 0..<Vectors.json.count, using: &generator)]
            let bytes = Array((round % 7 == 0 ? text.replacingOccurrences(of: ":", with: " : ") : text).utf8)
            var index = EventFields()
            let kind = scanner.scan(bytes.span, into: &index)
            let fresh = Scanned(bytes)
            #expect(kind == fresh.kind)
            for field in Field.allCases where kind == .connectionLog && index[field] != fresh.index[field] {
                Issue.record("round \(round): \(field) of \(text)")
                return
            }
        }
    }

    /// What a guess has taken must leave the parser where the general way stands, whatever comes next.
    @Test(arguments: 0..<4) func `after a learnt order, blanks and damage mean what they mean alone`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let outside = Array(" \t\r\n".utf8)
        for _ in 0..<3000 {
            let lesson = Array(Vectors.json[Int.random(in: 0..<Vectors.json.count, using: &generator)].utf8)
            var scanner = EventScanner()
            var index = EventFields()
            _ = scanner.scan(lesson.span, into: &index)
            var bytes = Array(Vectors.json[Int.random(in: 0..<Vectors.json.count, using: &generator)].utf8)
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: bytes.remove(at: place)
                case 1: bytes[place] = UInt8.random(in: 0...255, using: &generator)
                default:
                    // After a comma or a colon, most of which are between members.
                    let mark = bytes[place...].firstIndex { $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: ":") }
                    bytes.insert(outside.randomElement(using: &generator) ?? 0x20, at: (mark ?? 0) + 1)
                }
            }
            let fresh = Scanned(bytes)
            let kind = scanner.scan(bytes.span, into: &index)
            let text = String(decoding: bytes, as: UTF8.self)
            #expect(kind == fresh.kind, "seed \(seed): \(text)")
            for field in Field.allCases where kind == .connectionLog && index[field] != fresh.index[field] {
                Issue.record("seed \(seed): \(field) of \(text)")
                return
            }
        }
    }

    @Test func `a plain prefix ends where a byte loop ends, at every length and place`() {
        for length in 0..<70 {
            for stop in 0...length {
                for byte in [0x22, 0x5c, 0x00, 0x1f, 0x80, 0xff, 0x20, 0x7f] as [UInt8] {
                    var bytes = [UInt8](repeating: 0x61, count: length)
                    if stop < length { bytes[stop] = byte }
                    for start in [0, 1, 7, 15, 16, 17] where start <= length {
                        let expected = bytes[start...].prefix { $0 >= 0x20 && $0 < 0x80 && $0 != 0x22 && $0 != 0x5c }
                            .count
                        if plainPrefix(bytes, from: start) != expected {
                            Issue.record("\(length) bytes, \(byte) at \(stop), from \(start)")
                            return
                        }
                    }
                }
            }
        }
    }

    /// Whether `bc` stands at `place` of `abc`.
    private func isAt(_ place: Int) -> Bool {
        let bytes = Array("abc".utf8)
        return hasPrefix(bytes.span, at: place, "bc")
    }

    @Test func `searches find what a byte loop finds`() {
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<2000 {
            let bytes = (0..<Int.random(in: 0..<60, using: &generator)).map { _ in
                UInt8.random(in: 0...3, using: &generator)
            }
            let lower = Int.random(in: 0...bytes.count, using: &generator)
            let range = lower..<Int.random(in: lower...bytes.count, using: &generator)
            #expect(firstIndex(of: 2, in: bytes.span, range) == bytes[range].firstIndex(of: 2))
            let pair = range.dropLast().first { bytes[$0] == 1 && bytes[$0 + 1] == 2 }
            #expect(firstIndex(of: "\u{1}\u{2}", in: bytes.span, range) == pair)
        }
        #expect(isAt(1))
        #expect(!isAt(2))
        #expect(!isAt(9))
    }

    @Test func `strings are escaped as Go does and come back the same`() {
        let samples: [(String, String)] = [
            ("a", "a"), ("<a&b> \"q\" \\x", #"\u003ca\u0026b\u003e \"q\" \\x"#),
            ("\n\r\t\u{8}\u{c}\u{1}\u{7f}", #"\n\r\t\b\f\u0001"# + "\u{7f}"),
            ("\u{2028}\u{2029}\u{202a}", #"\u2028\u2029"# + "\u{202a}"), ("é服😀/", "é服😀/"), ("", ""),
        ]
        for (plain, escaped) in samples {
            var buffer = ByteBuffer()
            JSONText.escape(plain, into: &buffer)
            #expect(buffer.text == escaped)
            #expect(JSONText.string(buffer.span, 0..<buffer.count) == plain)
        }
        var buffer = ByteBuffer()
        JSONText.escape([0x61, 0xff, 0xc3, 0x28, 0xed, 0xa0, 0x80].span, 0..<7, into: &buffer)
        #expect(buffer.text == #"a\ufffd\ufffd(\ufffd\ufffd\ufffd"#)
    }

    @Test(arguments: [
        (#"\ud83d\ude00"#, "😀"), (#"\ud83d"#, "\u{fffd}"), (#"\ude00\ud83d"#, "\u{fffd}\u{fffd}"),
        (#"\ud83dx"#, "\u{fffd}x"),
        (#"\ud83d\u0041"#, "\u{fffd}A"), (#"\/\b\f\n\r\t\"\\"#, "/\u{8}\u{c}\n\r\t\"\\"), (#"\u00e9\u670d"#, "é服"),
        (#"\u0000"#, "\u{0}"),
    ])
    func `escapes mean what JSON says`(escaped: String, plain: String) {
        let bytes = Array(escaped.utf8)
        #expect(JSONText.string(bytes.span, 0..<bytes.count) == plain)
    }

    @Test func `what a string means is what Foundation finds`() throws {
        for line in Vectors.json {
            let whole = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            let scanned = Scanned(line)
            for (key, field) in [
                ("UserAgent", Field.userAgent), ("WorkspaceName", .workspaceName),
                ("DisconnectReason", .disconnectReason),
            ] {
                let fields = whole["fields"] as? [String: Any] ?? whole
                let expected = fields[key] as? String ?? ""
                #expect(scanned.kind == .auditLog || (scanned.text(field) ?? "") == expected)
            }
        }
    }
}
