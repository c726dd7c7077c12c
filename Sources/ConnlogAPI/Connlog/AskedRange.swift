#if Server
import ConnlogCore
import ConnlogStore
import ConnlogSystem

/// The range that is asked about: that of `from` and `to`, else that of the query, else the last 24 hours. It holds all that
/// the query asks for: of one that has an end only, it begins with the oldest connection that matches.
enum AskedRange {
    private static let usual = Duration.seconds(86_400)

    /// - Returns: the range, and whether only what began in it counts: not where it is the query's own.
    static func of(
        _ parameters: Parameters, _ question: Question, now: Nanoseconds
    ) async throws -> (range: Range<Microseconds>, isBounded: Bool) {
        let (from, to) = (try parameters.time("from"), try parameters.time("to"))
        let present = Microseconds(nanoseconds: now).advanced(by: 1)
        let begin = question.query.begin?.clamped
        if from == nil, to == nil, let range = try await own(question, begin, present) { return (range, false) }
        let end = to ?? present
        let first = from ?? begin.flatMap { $0 < end ? $0 : nil } ?? end.advanced(by: .zero - usual).clamped
        guard first < end else { throw Parameters.invalid("from", "must be before 'to'") }
        return (first..<end, true)
    }

    /// The query's own; `nil` if it has none. Of one that excludes itself, no longer than must be.
    private static func own(
        _ question: Question, _ begin: Microseconds?, _ present: Microseconds
    ) async throws -> Range<Microseconds>? {
        let query = question.query
        guard begin != nil || query.end != nil else { return nil }
        let end = query.end?.advanced(by: 1).clamped ?? max(present, (begin ?? present).advanced(by: 1).clamped)
        if let begin { return min(begin, end.advanced(by: -1))..<end }
        let store = question.store
        let oldest = try await question.ask { try await store.oldest(query) }
        return min(oldest?.clamped ?? end.advanced(by: .zero - usual).clamped, end.advanced(by: -1))..<end
    }
}
#endif
