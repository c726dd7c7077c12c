#if Server
import ConnlogCore
import ConnlogStore
import ConnlogSystem
import ConnlogTestSupport
import Foundation

/// A directory for a store, which goes when the test is over.
final class StoreFolder: Sendable {
    let path = FileManager.default.temporaryDirectory.path + "/connlog-store-\(UUID().uuidString)"

    var file: String { path + "/connlog.db" }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// - Parameter partitionRows: few, so that what happens between partitions happens.
    func open(partitionRows: Int64 = 7) throws -> ConnectionStore {
        try ConnectionStore(
            file, cacheBytes: 1 << 20, partitionRows: partitionRows, questionLimit: StoreFolder.hangGuard)
    }

    /// As a process beside the one that writes does.
    func openForReading() -> ConnectionStore {
        ConnectionStore(readingOnly: file, cacheBytes: 1 << 20, questionLimit: StoreFolder.hangGuard)
    }

    /// Hundreds of tests at once on two cores may keep an answer waiting for minutes.
    static let hangGuard = Duration.seconds(600)
}

extension ConnectionStore {
    @discardableResult
    func apply(
        _ events: some Sequence<ToldEvent>, at place: EventPlace? = nil, arrival: Nanoseconds = 0
    ) throws -> Outcome {
        try apply(ToldEvent.batch(events), at: place, arrival: arrival)
    }

    func rows(
        _ query: RowQuery, after: RowPosition? = nil, offset: Int = 0, limit: Int, bytesMax: Int = .max
    ) async throws(StoreProblem) -> [ConnectionRow] {
        try await page(query, after: after, offset: offset, limit: limit, bytesMax: bytesMax).rows
    }

    func events(from number: Int64, limit: Int) async throws(StoreProblem) -> [ReceivedEvent] {
        try await events(from: number, limit: limit, bytesMax: .max)
    }

    func events(of row: ConnectionRow) async throws(StoreProblem) -> [ReceivedEvent] {
        try await events(of: row, bytesMax: .max)
    }

    /// In buckets of one length, the first of which begins with the range.
    func stats(
        _ query: RowQuery, _ range: Range<Microseconds>, intervalSeconds: Int64, top: Int
    ) async throws(StoreProblem) -> Stats {
        let step = Microseconds.length(seconds: max(1, intervalSeconds))
        let count = min(1000, range.upperBound.since(range.lowerBound) / step + 1)
        let starts = (0..<count).map {
            range.lowerBound.advanced(by: $0.multipliedReportingOverflow(by: step).partialValue)
        }
        return try await stats(
            query, StatsQuestion(range: range, buckets: starts, facets: [.person, .owner, .workspace], limit: top))
    }

    func everything() async throws -> [ConnectionRow] { try await rows(RowQuery(), limit: 100_000) }
}
#endif
