import ConnlogCore
import Testing

@testable import ConnlogTools

@Suite struct OutputTests {
    @Test(arguments: [
        ("2026-03-03T07:00:00Z", 1_772_521_200), ("2026-03-03T08:00:00+01:00", 1_772_521_200),
        ("2026-03-03", 1_772_496_000),
        ("now", 2_000_000_000), ("-90s", 1_999_999_910), ("-2m", 1_999_999_880), ("-24h", 1_999_913_600),
        ("-7d", 1_999_395_200), ("-1w", 1_999_395_200),
    ])
    func `a time is one`(text: String, seconds: Int64) {
        #expect(TimePoint.time(text, now: 2_000_000_000_000_000_000) == seconds * 1_000_000_000)
    }

    @Test(arguments: [
        "", "24h", "-h", "-1y", "--1h", "-99999999999999999w", "tomorrow", "2026-13-01", "2026-03-03T25:00:00Z",
    ])
    func `what is no time is none`(text: String) {
        #expect(TimePoint.time(text, now: 0) == nil)
    }

    @Test func `so long before now is as long as nanoseconds can tell, with digits alone`() {
        let second: Int64 = 1_000_000_000
        for (text, seconds) in [("-36500d", 36_500 * 86_400), ("-9223372036s", 9_223_372_036)] as [(String, Int64)] {
            #expect(TimePoint.time(text, now: 5) == 5 - seconds * second)
        }
        for text in ["-9223372037s", "-106752d", "-+5d", "-d", "- 5d"] { #expect(TimePoint.time(text, now: 5) == nil) }
        // Further back than times go.
        #expect(TimePoint.time("-9223372036s", now: -second) == nil)
    }

    @Test func `a number is an offset where one may stand`() {
        #expect(TimePoint.parse("4711", now: 0, allowsOffset: true) == .offset(4711))
        #expect(TimePoint.parse("4711", now: 0, allowsOffset: false) == nil)
    }

    @Test func `a range has its beginning and not its end`() {
        let range = TimeRange(from: 10, to: 20)
        #expect([9, 10, 19, 20].map { range.contains($0) } == [false, true, true, false])
        #expect(!range.contains(nil) && TimeRange().contains(nil) && TimeRange(from: 10).contains(.max))
    }

    @Test func `columns stand under their headings`() {
        var table = Table(("NAME", .left), ("COUNT", .right), ("NOTE", .left))
        table.add("a", "1234567", "")
        table.add("longer", "1", "x")
        #expect(table.text == "NAME      COUNT  NOTE\na       1234567\nlonger        1  x\n")
    }

    @Test func `JSON comes in one line or in many`() {
        let value: JSONValue = [
            "a": .array([JSONValue(1), .null, .boolean(true)]), "b\"": ["c": "d\n"], "e": .array([]),
        ]
        #expect(value.line == #"{"a":[1,null,true],"b\"":{"c":"d\n"},"e":[]}"#)
        #expect(
            value.document == """
                {
                  "a": [
                    1,
                    null,
                    true
                  ],
                  "b\\"": {
                    "c": "d\\n"
                  },
                  "e": []
                }

                """)
    }

    @Test func `a bar shows how far it is`() {
        #expect(
            ProgressBar.line(done: 512 << 20, of: 1 << 30, "7 events", elapsed: .seconds(2))
                == "[##########----------]  50 %  7 events  256 MiB/s")
        #expect(ProgressBar.line(done: 5, of: 0, "", elapsed: .zero).hasPrefix("[####################] 100 %"))
    }

    @Test(arguments: [
        (0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (64 << 20, "64 MiB"), (13_260_711_526, "12.3 GiB"),
    ])
    func `bytes are told as people read them`(count: Int, text: String) {
        #expect(Quantity.bytes(count) == text)
    }
}
