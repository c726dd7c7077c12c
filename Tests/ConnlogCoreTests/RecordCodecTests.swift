import ConnlogSystem
import ConnlogTestSupport
import Testing

@testable import ConnlogCore

/// What goes into the queue comes out of it, bit for bit.
@Suite struct RecordCodecTests {
    private func payload(_ line: [UInt8], _ codec: inout RecordCodec) -> [UInt8] {
        var lines = EventBatch()
        lines.append(line.span)
        var payloads = EventBatch()
        codec.encode(lines, into: &payloads)
        return payloads.bytes.array
    }

    /// Encodes and decodes, and looks that line and fields are the same again.
    private func check(_ line: [UInt8], _ codec: inout RecordCodec, _ comment: String = "") {
        let payload = payload(line, &codec)
        let shown = "\(String(decoding: line.prefix(2000), as: UTF8.self)) \(comment)"
        #expect(RecordCodec.lineBytes(payload.span) == line.count, "\(shown)")
        #expect(payload.count <= line.count + 1, "\(shown)")
        var payloads = EventBatch()
        payloads.append(payload.span)
        var lines = EventBatch()
        #expect(codec.decode(payloads, into: &lines).isEmpty)
        guard lines.count == 1 else {
            Issue.record("lost: \(shown)")
            return
        }
        #expect(lines.bytes.array == line + [0x0a], "\(shown)")
        #expect(codec.decode(payload.span) ?? [] == line, "\(shown)")
        guard lines.hasNote(0) else { return }
        let known = EventIndex(lines.note(0))
        let scanned = Scanned(line)
        #expect(scanned.kind == .connectionLog, "\(shown)")
        for field in Field.allCases { #expect(known[field] == scanned.index[field], "\(field) of \(shown)") }
    }

    @Test func `the golden lines of every generation come back the same, and smaller`() {
        var codec = RecordCodec()
        for line in Vectors.json {
            check(Array(line.utf8), &codec)
            guard Scanned(line).kind == .connectionLog, Scanned(line).fields.shape == .slog, !line.contains(": ") else {
                continue
            }
            let payload = payload(Array(line.utf8), &codec)
            #expect(payload[0] == RecordCodec.version, "\(line)")
            #expect(payload.count * 5 < line.utf8.count * 3, "\(line)")
        }
    }

    /// Around every place where a length takes another form, and as long as a line may be.
    static let sizes: [Int] = [
        0, 1, 19, 20, 21, 29, 30, 31, 35, 36, 37, 126, 127, 128, 129, 254, 255, 256, 257, 16_383, 16_384, 16_385,
        65_534, 65_535,
        65_536, 65_537, 1_048_575, 1_048_576, 1_048_577,
    ]

    @Test(arguments: sizes) func `a value of any size comes back the same, wherever it stands`(size: Int) {
        var codec = RecordCodec()
        for field in [
            "ts", "level", "caller", "ID", "Type", "Code", "UserAgent", "DisconnectReason", "ConnectionStatus", "New",
        ] {
            for filler in ["x", "<", "é", "\\u003c", "\\\\", "1"] {
                // Lengths have one form from 256 on, so the long ones need not be tried everywhere.
                if size > 20_000, !["UserAgent", "Code", "New"].contains(field) || filler == "<" || filler == "é" {
                    continue
                }
                let length = filler.utf8.count
                let value =
                    String(repeating: filler, count: size / length) + String(repeating: "y", count: size % length)
                let isNumber = filler == "1" && size > 0
                let json = isNumber ? value : "\"\(value)\""
                let inFields = field.first?.isUppercase == true
                let line =
                    inFields
                    ? #"{"ts":"2025-07-03T05:09:41Z","msg":"connection_log","fields":{"ID":"a","\#(field)":\#(json),"Time":"b"}}"#
                    : #"{"\#(field)":\#(json),"msg":"connection_log","fields":{"ID":"a"}}"#
                check(Array(line.utf8), &codec, "\(field) of \(size)")
            }
        }
    }

    @Test func `events of every size come back the same, alone and among others`() {
        var codec = RecordCodec()
        for size in RecordCodecTests.sizes where size >= TestEvents.shortest {
            var lines = EventBatch()
            for number in 0..<3 {
                lines.append(Array(TestEvents.line(number, bytes: number == 1 ? size : 0).utf8).span)
            }
            var payloads = EventBatch()
            codec.encode(lines, into: &payloads)
            var back = EventBatch()
            #expect(codec.decode(payloads, into: &back).isEmpty)
            for index in 0..<3 {
                let same = back.bytes.text(back.records[index].range) == lines.bytes.text(lines.records[index].range)
                #expect(same, "\(index) of \(size)")
            }
        }
    }

    @Test(
        arguments: [
            "", "x", "\u{1}", "\u{1}\u{1}", "\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}", "\u{2}", "\u{2}\u{1}{}", "{}",
            "[]",
            #"{"msg":"connection_log","fields":{}}"#, #"{"msg":"connection_log","fields":{"ID":""}}"#,
            #"{"msg":"connection_log","fields":{"ID":"a","ID":"b"}}"#, #"{"fields":{"ID":"a"},"msg":"connection_log"}"#,
            #"{"msg":"connection_log","fields":{"New":"a"}}"#, #"{"msg": "connection_log","fields":{"ID":"a"}}"#,
            #"{"msg":"connection_log","fields":{"Ip":"1","IP":"2"}}"#,
            #" {"msg":"connection_log","fields":{"ID":"a"}}"#,
            #"{"msg":"connection_log","fields":{"ID":"a"},"fields":{"ID":"b"}}"#,
            #"{"msg":"connection_log","fields":{"ID":"a"},"trace":"x","span":null}"#,
            #"{"ID":"x","msg":"connection_log","fields":{"ID":"a"}}"#,
            #"{"msg":"connection_log","fields":{"fields":{"ID":"a"}}}"#,
            #"{"m\u0073g":"connection_log","fields":{"ID":"a"}}"#,
            #"{"msg":"connection\u005flog","fields":{"ID":"a"}}"#,
            #"{"msg":"connection_log","fields":{"Code":[{"ID":1}],"Time":{"ts":[]},"Type":true,"UserID":false}}"#,
            #"{"msg":"connection_log","fields":{"Code":-1.5e+7,"Time":"2025-07-03T05:09:41Z","ID":"2025-07-03T05:09:41.1Z"}}"#,
            #"{"msg":"connection_log","fields":{"Time":"2025-99-99T99:99:99.000000000Z"}}"#,
            #"{"msg":"connection_log","fields":{"Time":"2025-07-03T05:09:4aZ","ID":"2025-07-03T05:09:41.Z"}}"#,
            #"{"msg":"connection_log","fields":{"ID":"6DEA5F8C-ecec-4cf0-a5bd-bc2c63af2efa"}}"#,
            #"{"msg":"connection_log","fields":{"ID":"6dea5f8c-ecec-4cf0-a5bd-bc2c63af2ef"}}"#,
            #"{"msg":"connection_log","fields":{"ID":"6dea5f8c-ecec-4cf0-a5bd-bc2c63af2efg"}}"#,
            #"{"msg":"connection_log","fields":{"ID":"6dea5f8c_ecec-4cf0-a5bd-bc2c63af2efa"}}"#,
            #"{"msg":"audit_log","fields":{"ID":"a"}}"#,
            #"{"logger_names":"[\"coderd\"]","msg":"connection_log","fields":{"ID":"a"}}"#,
            #"{"level":"[\"coderd\"]","msg":"connection_log","fields":{"ID":"a"}}"#,
            #"{"logger_names":["coderd"],"msg":"connection_log","fields":{"AgentName":"main","Type":"ssh"}}"#,
        ])
    func `what is odd comes back the same`(line: String) {
        var codec = RecordCodec()
        check(Array(line.utf8), &codec)
        // And also after one that has taught an order of keys.
        check(Array(Vectors.json[0].utf8), &codec)
        check(Array(line.utf8), &codec)
    }

    @Test func `texts of every length come back the same`() {
        var codec = RecordCodec()
        for length in Array(0...300) + [65_535, 65_536, 200_000] {
            for text in ["x", "\\n"] {
                let value = String(repeating: text, count: length)
                check(
                    Array(
                        #"{"msg":"connection_log","fields":{"UserAgent":"\#(value)","ID":"a","Code":1\#(value.isEmpty ? "" : String(repeating: "0", count: length % 400))}}"#
                            .utf8),
                    &codec, "\(length)")
            }
        }
    }

    @Test(arguments: 0..<6 as Range<UInt64>)
    func `damaged lines come back the same`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var codec = RecordCodec()
        let seeds = Vectors.json.map { Array($0.utf8) }
        let alphabet = Array("{}[]\",:\\u0123eE+-.truefalsn \t/é\u{7f}INFZT".utf8) + [0, 1, 2, 0x80, 0xff]
        for round in 0..<1500 {
            var line = seeds[Int.random(in: 0..<seeds.count, using: &generator)]
            for _ in 0..<Int.random(in: 0...3, using: &generator) where !line.isEmpty {
                let place = Int.random(in: 0..<line.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: line[place] = alphabet.randomElement(using: &generator) ?? 0
                case 1: line.insert(alphabet.randomElement(using: &generator) ?? 0, at: place)
                case 2: line.remove(at: place)
                default: line.removeSubrange(place..<min(line.count, place + Int.random(in: 1..<40, using: &generator)))
                }
            }
            check(line, &codec, "seed \(seed), round \(round)")
        }
    }

    @Test(arguments: 0..<6 as Range<UInt64>)
    func `damaged payloads are refused or give a line of the length they say, and nothing crashes`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var codec = RecordCodec()
        let seeds = Vectors.json.map { payload(Array($0.utf8), &codec) }
        for _ in 0..<4000 {
            var payload = seeds[Int.random(in: 0..<seeds.count, using: &generator)]
            for _ in 0..<Int.random(in: 1...4, using: &generator) where payload.count > 1 {
                let place = Int.random(in: 0..<payload.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0, 1: payload[place] = UInt8.random(in: 0...255, using: &generator)
                case 2: payload.insert(UInt8.random(in: 0...255, using: &generator), at: place)
                default: payload.removeSubrange(place...)
                }
            }
            guard let line = codec.decode(payload.span) else { continue }
            #expect(line.count == RecordCodec.lineBytes(payload.span), "seed \(seed)")
        }
    }

    @Test func `records that no version has written are left out and told`() {
        let codec = RecordCodec()
        var payloads = EventBatch()
        payloads.append(Array("{}".utf8).span)
        payloads.append([1, 99, 0, 0, 0, 0, 0, 0].span)
        payloads.append(Array("{}".utf8).span)
        var lines = EventBatch()
        #expect(codec.decode(payloads, into: &lines) == [1])
        #expect(lines.count == 2)
        #expect(lines.isLines)
    }

    @Test func `what the decoder knows of a line is what a scanner finds, in every format`() {
        var batch = EventBatch()
        for line in Vectors.json + Vectors.human {
            batch.bytes.append(line)
            batch.bytes.append(0x0a)
        }
        var decoder = EventDecoder()
        _ = decoder.decode(0..<batch.bytes.count, in: &batch, isEnd: true)
        var noted = 0
        for place in 0..<batch.count {
            guard batch.hasNote(place) else { continue }
            noted += 1
            let record = batch.record(place)
            var scanner = EventScanner()
            var index = EventFields()
            #expect(scanner.scan(record, into: &index) == .connectionLog)
            for field in Field.allCases {
                #expect(EventIndex(batch.note(place))[field] == index[field], "\(field) of \(place)")
            }
        }
        #expect(noted > batch.count / 2)
    }

    @Test func `an encoder writes the same whether it is told where the fields lie or not`() {
        var lines = EventBatch()
        for line in Vectors.json where Scanned(line).kind == .connectionLog && Scanned(line).fields.shape == .slog {
            lines.append(Array(line.utf8).span)
        }
        var codec = RecordCodec()
        var payloads = EventBatch()
        codec.encode(lines, into: &payloads)
        var decoded = EventBatch()
        #expect(codec.decode(payloads, into: &decoded).isEmpty)
        #expect(lines.count > 20 && (0..<lines.count).contains { decoded.hasNote($0) })
        for message in RFC5424Options.Message.allCases {
            var options = RFC5424Options()
            options.message = message
            compare(lines, decoded, RFC5424Encoder(options))
            compare(lines, decoded, RFC3164Encoder(options))
        }
        compare(lines, decoded, HumanEncoder())
        compare(lines, decoded, CSVEncoder())
    }

    private func compare(
        _ lines: EventBatch, _ decoded: EventBatch, _ encoder: some EventEncoder,
        at location: SourceLocation = #_sourceLocation
    ) {
        var (one, other) = (encoder, encoder)
        for place in 0..<lines.count {
            var told = ByteBuffer()
            var found = ByteBuffer()
            #expect(one.append(decoded, place, to: &told), sourceLocation: location)
            #expect(other.append(lines.record(place), to: &found), sourceLocation: location)
            #expect(told.text == found.text, sourceLocation: location)
        }
    }

    @Test func `the numbers on disk do not change`() {
        let known = RecordKeys.known
        #expect(known.keys.count == 32)
        #expect(known.orders.count == 7)
        #expect(RecordKeys.words.count == 15)
        #expect(RecordKeys.words[RecordKeys.connectionLog] == "connection_log")
        var checksum = CRC32C()
        for order in known.orders { checksum.update(order.span) }
        checksum.update(Array(RecordKeys.words.joined().utf8).span)
        #expect(known.keys.allSatisfy { $0.text.count <= RecordKeys.keyBytesMax })
        #expect(RecordKeys.words.allSatisfy { $0.utf8.count <= RecordKeys.wordBytesMax })
        // Adding at the end changes this number; changing what is there makes old queues unreadable.
        #expect(checksum.value == 0xe58e6b8e)
    }
}
