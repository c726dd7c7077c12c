#if Server
import ConnlogCore
import ConnlogStore
import ConnlogSystem
import ConnlogTestSupport
import Testing

/// Times at the ends of what a number can tell: nothing overflows, and what is stored can be asked for.
@Suite struct MicrosecondsTests {
    static let extremes: [Int64] =
        [.min, .min + 1, .min + 499, .min + 500, .min + 501, .min + 808, .min + 1000, .min + 1_000_000_000]
        + [-501, -1, 0, 1, 499, 500, 501]
        + [.max - 1_000_000_000, .max - 1000, .max - 808, .max - 807, .max - 308, .max - 307, .max - 1, .max]

    @Test(arguments: extremes) func `microseconds are the nearest that nanoseconds can tell too`(time: Int64) {
        let rounded = Microseconds(nanoseconds: time)
        #expect(rounded >= .earliest && rounded <= .latest)
        let back = rounded.nanoseconds
        #expect(back.isMultiple(of: 1000))
        #expect((Double(back) - Double(time)).magnitude <= 1024)
        #expect(Microseconds(nanoseconds: back) == rounded)
    }

    @Test func `half a microsecond and more is rounded up, away from 1970, as PostgreSQL does`() {
        let rounded = [(499, 0), (500, 1), (1499, 1), (1500, 2), (-500, 0), (-501, -1), (-1500, -1), (-1501, -2)]
        for (nanoseconds, expected) in rounded {
            #expect(Microseconds(nanoseconds: Int64(nanoseconds)).count == Int64(expected))
        }
    }

    @Test(arguments: [Int64.min, .min + 1, -1, 0, 1, .max - 1, .max])
    func `numbers that no time has, as a cursor may hold, have an end of the range for their time`(count: Int64) {
        let time = Microseconds(count)
        #expect(time.clamped >= .earliest && time.clamped <= .latest)
        #expect(EventTime.parse(time.clamped.text) != nil || time.clamped == .earliest)
        for other in [Int64.min, -1, 0, 1, .max] {
            #expect((time.since(Microseconds(other)) > 0) == (count > other))
            #expect((time.advanced(by: other) < time) == (other < 0 && count > .min))
        }
        #expect(Microseconds.length(seconds: count).signum() == count.signum())
    }

    @Test func `events of extreme times are listed, counted and summed up`() async throws {
        let folder = StoreFolder()
        let store = try folder.open()
        var batch = EventBatch()
        for (number, time) in Self.extremes.enumerated() {
            let event = ToldEvent(id: ToldEvent.uuid(number), time: 0, isDisconnect: true, type: "ssh")
            let text = EventTime.text(time)
            let line = event.line.replacing("2026-01-01T00:00:00Z", with: text)
            batch.append(Array(line.utf8).span)
        }
        _ = try store.apply(batch, at: nil, arrival: 0)
        let rows = try await store.everything()
        #expect(rows.count == Self.extremes.count)
        for row in rows { #expect(!row.session.connect.text.isEmpty) }
        for lower in Self.extremes {
            for upper in Self.extremes where upper > lower {
                let bounds = [
                    RowQuery.Term(.row(.connectedAfter(lower))), RowQuery.Term(.row(.connectedBefore(upper))),
                ]
                _ = try await store.rows(RowQuery(bounds), limit: 100)
                let (from, to) = (Microseconds(nanoseconds: lower), Microseconds(nanoseconds: upper))
                guard from < to else { continue }
                for interval in [Int64.min, 0, 1, 60, .max] {
                    // Some hundred millions of buckets are the caller's to refuse; here there are few events.
                    _ = try await store.stats(RowQuery(), from..<to, intervalSeconds: interval, top: 3)
                }
            }
        }
        let all = try await store.stats(RowQuery(), .earliest ..< .latest, intervalSeconds: 86_400, top: 3)
        #expect(all.count > 0)
    }
}
#endif
