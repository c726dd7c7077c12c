import ConnlogSystem
import Foundation
import ConnlogTestSupport
import Testing

@testable import ConnlogCore

@Suite struct EventTimeTests {
    @Test(
        arguments: [
            ("1970-01-01T00:00:00Z", 0), ("2025-07-03T05:09:41.929840747Z", 1_751_519_381_929_840_747),
            ("2025-07-03T05:09:41.9298407479999Z", 1_751_519_381_929_840_747), ("1969-12-31T23:59:59.5Z", -500_000_000),
            ("2023-01-16T00:00:00+12:00", 1_673_784_000_000_000_000),
            ("2025-07-03 06:57:16.144719 +0000 UTC", 1_751_525_836_144_719_000),
            ("2025-07-03 08:57:16.144719 +0200 CEST", 1_751_525_836_144_719_000),
            ("2025-07-03 06:57:16 +0000 UTC m=+0.1", 1_751_525_836_000_000_000),
            ("2025-07-03 01:57:16 -0500 EST", 1_751_525_836_000_000_000),
            ("2025-07-03t05:09:41z", 1_751_519_381_000_000_000),
        ] as [(String, Int64)])
    func `a time is read to the nanosecond`(text: String, time: Int64) {
        #expect(EventTime.parse(text) == time)
    }

    @Test(arguments: [
        "", "2025", "2025-07-03", "2025-07-03T05:09:41", "2025-13-03T05:09:41Z", "2025-00-03T05:09:41Z",
        "2025-02-29T05:09:41Z", "2025-07-32T05:09:41Z", "2025-07-03T24:09:41Z", "2025-07-03T05:60:41Z",
        "2025-07-03T05:09:60Z", "2025-07-03T05:09:41.Z", "2025-07-03T05:09:41Zx", "2025-07-03T05:09:41+0100",
        "2025-07-03T05:09:41+25:00", "2025-07-03 05:09:41 +0000", "0001-01-01T00:00:00Z", "9999-01-01T00:00:00Z",
        "20x5-07-03T05:09:41Z", "2025-07-03X05:09:41Z", "2025-07-03T05:09:41+", "2025-07-03T05:09:41 UTC",
    ])
    func `what is no time is none`(text: String) {
        #expect(EventTime.parse(text) == nil)
    }

    @Test func `every day from 1700 to 2240 is the calendar's`() {
        var date = EventTime.CivilDate(year: 1700, month: 1, day: 1)
        for number in EventTime.days(date)...EventTime.days(.init(year: 2240, month: 1, day: 1)) {
            if EventTime.civil(days: number) != date || EventTime.days(date) != number {
                Issue.record("day \(number) is \(date)")
                return
            }
            date.day += 1
            if date.day > EventTime.dayCount(year: date.year, month: date.month) {
                (date.month, date.day) = (date.month + 1, 1)
            }
            if date.month > 12 { (date.year, date.month) = (date.year + 1, 1) }
        }
        #expect(EventTime.days(.init(year: 1970, month: 1, day: 1)) == 0)
        #expect(EventTime.dayCount(year: 1900, month: 2) == 28)
        #expect(EventTime.dayCount(year: 2000, month: 2) == 29)
    }

    @Test func `what is written is read as the same`() {
        var generator = SeededGenerator(seed: 11)
        for _ in 0..<2000 {
            let time = Int64.random(in: -9_000_000_000_000_000_000...9_000_000_000_000_000_000, using: &generator)
            #expect(EventTime.parse(EventTime.text(time)) == time)
            #expect(EventTime.parse(EventTime.text(time, .digits(9))) == time)
        }
        for time in [-9_223_372_036_000_000_000, Int64.max, 0, -1, 1] {
            #expect(EventTime.parse(EventTime.text(time)) == time)
        }
    }

    @Test func `fractions are cut, not rounded`() {
        let time: Int64 = 1_751_519_381_999_999_999
        #expect(EventTime.text(time) == "2025-07-03T05:09:41.999999999Z")
        #expect(EventTime.text(time, .digits(6)) == "2025-07-03T05:09:41.999999Z")
        #expect(EventTime.text(time, .digits(0)) == "2025-07-03T05:09:41Z")
        #expect(EventTime.text(1_751_519_381_500_000_000) == "2025-07-03T05:09:41.5Z")
        #expect(EventTime.text(1_751_519_381_000_000_000) == "2025-07-03T05:09:41Z")
        #expect(EventTime.text(1_751_519_381_000_000_000, .digits(6)) == "2025-07-03T05:09:41.000000Z")
        var buffer = ByteBuffer()
        buffer.withWriter(reserving: EventTime.textMax) { EventTime.writeHuman(time, into: &$0) }
        #expect(buffer.text == "2025-07-03 05:09:41.999")
    }
}
