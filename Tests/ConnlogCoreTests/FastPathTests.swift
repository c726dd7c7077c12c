import ConnlogSystem
import ConnlogTestSupport
import Testing

@testable import ConnlogCore

/// Short cuts beside the slow and obvious way, on random and hostile input.
@Suite struct FastPathTests {
    @Test(arguments: 0..<8 as Range<UInt64>)
    func `a time as coderd writes it is read as any other time`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let alphabet = Array("0123456789-:.TZ +m/ÿ".utf8)
        for _ in 0..<4000 {
            let time = Int64.random(in: -9_000_000_000_000_000_000...9_000_000_000_000_000_000, using: &generator)
            let digits = Int.random(in: 0...9, using: &generator)
            var text = Array(EventTime.text(time, .digits(digits)).utf8)
            for _ in 0..<Int.random(in: 0...2, using: &generator) {
                let place = Int.random(in: 0..<text.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: text.remove(at: place)
                case 1: text.insert(alphabet.randomElement(using: &generator) ?? 0, at: place)
                default: text[place] = alphabet.randomElement(using: &generator) ?? 0
                }
            }
            check(text, seed)
        }
    }

    @Test func `every day that may not exist is judged as any other time is`() {
        for year in ["1677", "1678", "1900", "2000", "2023", "2024", "2261", "2262", "0000", "9999"] {
            for month in 0...13 {
                for day in 0...32 {
                    let date = "\(year)-\(month < 10 ? "0" : "")\(month)-\(day < 10 ? "0" : "")\(day)"
                    check(Array("\(date)T23:59:59.25Z".utf8), 0)
                }
            }
        }
        for rest in [
            "24:00:00Z", "00:60:00Z", "00:00:60Z", "00:00:00.Z", "00:00:00z", "00:00:00", "00:00:00.1234567891Z",
        ] {
            check(Array("2025-07-03T\(rest)".utf8), 0)
        }
    }

    private func check(_ text: [UInt8], _ seed: UInt64) {
        let shown = String(decoding: text, as: UTF8.self)
        let slow = EventTime.parseByParts(text.span, 0..<text.count)
        #expect(EventTime.parse(text.span, 0..<text.count) == slow, "\(shown), seed \(seed)")
        var buffer = ByteBuffer()
        var isCopied = false
        buffer.withWriter(reserving: 64) {
            isCopied = EventTime.copyMicroseconds(text.span, 0..<text.count, into: &$0)
        }
        #expect(buffer.text == (isCopied ? slow.map { EventTime.text($0, .digits(6)) } : ""), "\(shown), seed \(seed)")
        let isShortest = EventTime.isShortest(text.span, 0..<text.count)
        #expect(!isShortest || slow.map { EventTime.text($0) } == shown, "\(shown), seed \(seed)")
    }

    private static let odd = [
        "null", "true", "-1", "2.5", "\"\"", "\"x\"", "\"/32\"", "\"/128\"", "\"1/32\"", "\"10.0.0.1/32\"",
        "\"::1/128\"",
        "\"::ffff:1.2.3.4/32\"", "\":\"", "\"::\"", "\"<nil>\"", "\"\\u003cnil\\u003e\"", "\"<\"", "\"0\"", "\"\\n\"",
        "\"00000000-0000-0000-0000-000000000000\"", "\"0dea5f8c-ecec-4cf0-a5bd-bc2c63af2efa\"", "[]", "[1]", "{}",
        "\"{String: Valid:false}\"", "\"{String:x Valid:true}\"", "{\"String\":\"x\",\"Valid\":true}", "\"a\\\"b\"",
        "\"fe80::1%eth0/64\"", "\"1/2/3\"", "\"/\"", "\"//\"", "\"///\"", "\"////\"",
    ]

    @Test func `a value that begins in no odd way is what the long way finds`() {
        let keys: [(String, Field)] = [
            ("Ip", .ip), ("ID", .id), ("Code", .code), ("UserID", .userID), ("WorkspaceName", .workspaceName),
            ("UserAgent", .userAgent), ("Time", .time), ("ConnectionStatus", .connectionStatus),
        ]
        for (key, field) in keys {
            for value in FastPathTests.odd {
                let bytes = Array("{\"msg\":\"connection_log\",\"fields\":{\"\(key)\":\(value)}}".utf8)
                var scanner = EventScanner()
                var fields = EventFields()
                #expect(scanner.scan(bytes.span, into: &fields) == .connectionLog)
                let short = fields.index.value(field, in: bytes.span)
                #expect(short == fields.index.oddValue(field, in: bytes.span), "\(key) \(value)")
            }
        }
    }
}
