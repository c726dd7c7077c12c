import ConnlogSystem
import ConnlogTestSupport
import Foundation
import Testing

/// Zones show what Foundation's show, which has tables and a reader of its own.
@Suite struct ZoneTests {
    private static let names = [
        "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Europe/Dublin", "Asia/Kathmandu",
        "America/St_Johns", "Pacific/Auckland", "Asia/Tokyo", "Etc/GMT+5", "UTC",
    ]

    @Test(arguments: names) func `at any time between 1970 and 2100 clocks show what Foundation's show`(name: String)
        throws
    {
        let (zone, theirs) = (try Zone(named: name), try #require(TimeZone(identifier: name)))
        var random = SeededGenerator(seed: 7)
        for _ in 0..<4000 {
            let time = Int64.random(in: 0..<4_102_444_800, using: &random)
            let expected = theirs.secondsFromGMT(for: Date(timeIntervalSince1970: Double(time)))
            #expect(zone.offset(at: time) == Int64(expected), "\(name) at \(time)")
        }
    }

    @Test(arguments: names) func `the changes of a span are all that there are, and what clocks show leads back`(
        name: String
    )
        throws
    {
        let zone = try Zone(named: name)
        var random = SeededGenerator(seed: 8)
        for _ in 0..<200 {
            let from = Int64.random(in: -5_000_000_000..<9_000_000_000, using: &random)
            let through = from + Int64.random(in: 0..<400_000_000, using: &random)
            let (first, changes) = zone.offsets(from: from, through: through)
            #expect(first == zone.offset(at: from))
            for _ in 0..<20 {
                let time = Int64.random(in: from...through, using: &random)
                let expected = changes.last { $0.time <= time }?.offset ?? first
                #expect(zone.offset(at: time) == expected, "\(name) at \(time)")
                let local = time + zone.offset(at: time)
                let back = zone.seconds(showing: local)
                #expect(back + zone.offset(at: back) == local && back <= time, "\(name) shows \(local)")
            }
        }
    }

    @Test func `where clocks are put forward, a time that none shows is so much later`() throws {
        let zone = try Zone(named: "Europe/Berlin")
        let local = { (text: String) in Int64(ISO8601DateFormatter().date(from: text)?.timeIntervalSince1970 ?? 0) }
        #expect(zone.seconds(showing: local("2026-03-29T02:30:00Z")) == local("2026-03-29T01:30:00Z"))
        // Shown twice: the first.
        #expect(zone.seconds(showing: local("2026-10-25T02:30:00Z")) == local("2026-10-25T00:30:00Z"))
        for time in [Int64.min, .max] { _ = zone.seconds(showing: time) }
    }

    @Test(arguments: [
        "", "nowhere", "../../../etc/passwd", "/etc/passwd", "Europe/../Europe/Berlin", "Europe", "europe/berlin",
        "UTC\u{0}",
        "Europe/Berlin\n", "tzdata.zi", "posix/../UTC", String(repeating: "A", count: 65),
    ])
    func `what is no zone is refused with what can be written`(name: String) {
        #expect { try Zone(named: name) } throws: {
            "\($0)".contains("is no time zone; write one such as Europe/Berlin")
        }
    }
}
