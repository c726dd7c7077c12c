#if Server
import ConnlogCore
import ConnlogStore
import ConnlogSystem
import Hummingbird

/// `GET /api/v2/connectionlog/stats?q=&from=&to=&interval=`: how many connections began when, by type, user and
/// workspace.
///
/// `from` and `to` are RFC 3339 times, the last 24 hours without them; `interval` is in seconds, by itself one that
/// makes some hundred buckets.
struct StatsHandler {
    static let bucketsMax = 2000
    private static let topMax = 20

    let question: Question
    let range: Range<Microseconds>
    let interval: Int64

    init(_ parameters: Parameters, _ question: Question, now: Nanoseconds) throws(APIError) {
        self.question = question
        let to = try StatsHandler.time(parameters, "to") ?? Microseconds(nanoseconds: now).advanced(by: 1)
        let from = try StatsHandler.time(parameters, "from") ?? to.advanced(by: .seconds(-86_400)).clamped
        guard from < to else { throw Parameters.invalid("from", "must be before 'to'") }
        range = from..<to
        let asked = try parameters.count("interval")
        let seconds = to.since(from) / 1_000_000
        interval = asked > 0 ? Int64(asked) : StatsHandler.usual.first { seconds / $0 <= 120 } ?? seconds / 120
        guard seconds / interval <= StatsHandler.bucketsMax else {
            throw Parameters.invalid("interval", "makes more than \(StatsHandler.bucketsMax) buckets")
        }
    }

    private static let usual: [Int64] = [60, 300, 900, 3600, 21_600, 86_400, 604_800]

    private static func time(_ parameters: Parameters, _ name: String) throws(APIError) -> Microseconds? {
        guard let text = parameters[name] else { return nil }
        guard let time = EventTime.parse(text.uppercased()) else {
            throw Parameters.invalid(name, "must be a time such as 2026-01-31T08:00:00Z")
        }
        return Microseconds(nanoseconds: time)
    }

    func respond() async throws -> Response {
        let (store, query, range, interval) = (question.store, question.query, range, interval)
        let stats = try await question.ask {
            try await store.stats(query, range, intervalSeconds: interval, top: StatsHandler.topMax)
        }
        return .json([
            "from": .string(range.lowerBound.text),
            "to": .string(range.upperBound.text), "interval_seconds": .integer(interval),
            "count": JSONValue(stats.count),
            "types": .object(
                stats.types.sorted { $0.key < $1.key }.map { .init(key: $0.key, value: JSONValue($0.value)) }),
            "buckets": .array(stats.buckets.map(bucket)),
            "durations": .array(
                zip(StatsHandler.lengthNames, stats.lengths).map { ["label": .string($0), "count": JSONValue($1)] }),
            "concurrent": .array(
                stats.concurrent.map {
                    ["time": .string($0.time.text), "count": JSONValue($0.count)]
                }),
            "users": .array(stats.users.map { person($0, "username") }),
            "workspace_owners": .array(stats.owners.map { person($0, "username") }),
            "workspaces": .array(
                stats.workspaces.map { ["id": .string($0.id), "name": .string($0.name), "count": JSONValue($0.count)] }),
        ])
    }

    /// Of `ConnectionStore.Stats.lengthBounds`.
    private static let lengthNames = ["< 1 min", "< 10 min", "< 1 h", "< 4 h", "< 8 h", "< 1 d", "longer"]

    private func bucket(_ bucket: ConnectionStore.Stats.Bucket) -> JSONValue {
        [
            "time": .string(bucket.start.text),
            "types": .object(
                bucket.types.sorted { $0.key < $1.key }.map { .init(key: $0.key, value: JSONValue($0.value)) }),
        ]
    }

    private func person(_ top: ConnectionStore.Stats.Top, _ key: String) -> JSONValue {
        [
            "id": .string(top.id), "username": .string(question.names.user(top.id)?.username ?? ""),
            "count": JSONValue(top.count),
        ]
    }
}
#endif
