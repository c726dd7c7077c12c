#if Server
import ConnlogCore
import ConnlogStore
import ConnlogSystem
import Foundation

/// Measures what counts rows: facets, what was open at once, people, and exact counts, over a week and over everything.
struct CountQuestions {
    let store: ConnectionStore
    let rows: Int

    func run() async throws {
        let end = Microseconds(nanoseconds: Events.time(rows))
        let ranges = [
            ("a week", end.advanced(by: .seconds(-7 * 86_400))), ("a month", end.advanced(by: .seconds(-30 * 86_400))),
            ("everything", Microseconds(nanoseconds: Events.time(0))),
        ]
        print("counted: median of 5 in ms; rows counted")
        for (name, begin) in ranges {
            let range = begin..<end
            let starts = (0..<120).map { begin.advanced(by: end.since(begin) / 120 * $0) }
            let all = StatsQuestion(range: range, buckets: starts, facets: Set(Facet.allCases), limit: 10)
            try await measure("all facets, \(name)") { try await store.stats(RowQuery(), all).count }
            let plain = StatsQuestion(range: range, buckets: starts, limit: 10)
            try await measure("histogram, \(name)") { try await store.stats(RowQuery(), plain).count }
            try await measure("people, \(name)") { try await store.people(RowQuery(), in: range).people.count }
            for text in [
                "during:\(begin.text)..\(end.text)", "connected_after:\(begin.text) hour:08-18",
                "new:ip connected_after:\(begin.text)",
            ] {
                let query = RowQuery(try FilterQuery(text, dialect: .connlog, now: 0), names: NoNames())
                try await measure("count \(text)") { try await store.count(query, cap: 0) }
            }
        }
    }

    private func measure(_ name: String, _ ask: () async throws -> Int) async throws {
        let clock = ContinuousClock()
        var (times, counted) = ([Duration](), 0)
        for _ in 0..<5 {
            let start = clock.now
            counted = try await ask()
            times.append(clock.now - start)
        }
        times.sort()
        print("\(name): \(String(format: "%.1f", times[2] / .milliseconds(1))); \(counted)")
    }
}
#endif
