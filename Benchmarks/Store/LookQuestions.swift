#if Server
import ConnlogCore
import ConnlogStore
import Foundation

/// Measures what no index answers, as a list asks it: its first page and its count, with the list's limit of time and without;
/// and all pages until a list that has a limit is at its end.
struct LookQuestions {
    let store: ConnectionStore
    static let limit = Duration.milliseconds(150)

    func run() async throws {
        print(
            "not indexed: first page of 100 and count, in 150 ms, p50 p99 ms; without limit, median ms; rows, exact; all pages, ms"
        )
        for text in [
            "code:403", "code:101", "ip:100.64.3.0/24", "ip:100.64.3.7", "ip:10.0.0.0/8", "duration:>8h",
            "duration:<2m",
            "zebra", "\"agent 7\"", "hour:03", "hour:03 code:403", "type:tunnel code:403",
            "connected_after:2025-01-02 code:403",
        ] {
            let query = RowQuery(try FilterQuery(text, dialect: .connlog, now: 0), names: NoNames())
            var (times, rows, isExact) = ([Duration](), 0, false)
            for _ in 0..<50 {
                times.append(
                    try await ContinuousClock().measure {
                        let end = ContinuousClock.now + LookQuestions.limit
                        let page = try await page(query, nil, end)
                        rows = page.rows.count
                        isExact = page.isLast
                        guard page.reached == nil, !page.isLast else { return }
                        isExact = try await store.count(query, cap: 2000, until: end).isExact
                    })
            }
            times.sort()
            let whole = try await median {
                _ = try await store.page(query, limit: 100, bytesMax: .max)
                _ = try await store.count(query, cap: 2000)
            }
            let all = try await median {
                var (after, found): (RowPosition?, Int) = (nil, 0)
                repeat {
                    let page = try await page(query, after, ContinuousClock.now + LookQuestions.limit)
                    after = page.reached
                    found += page.rows.count
                } while after != nil && found < 100
            }
            print("\(text): \(ms(times[25])) \(ms(times[49])); \(ms(whole)); \(rows) \(isExact); \(ms(all))")
        }
    }

    private func page(
        _ query: RowQuery, _ after: RowPosition?, _ end: ContinuousClock.Instant
    ) async throws -> RowPage {
        try await store.page(
            query, after: after, limit: 100, bytesMax: .max,
            budget: .time(until: end, atLeast: LookQuestions.limit / 5))
    }

    private func median(_ ask: () async throws -> Void) async throws -> Duration {
        var times: [Duration] = []
        for _ in 0..<3 { times.append(try await ContinuousClock().measure { try await ask() }) }
        return times.sorted()[1]
    }

    private func ms(_ time: Duration) -> String { String(format: "%.1f", time / .milliseconds(1)) }
}
#endif
