#if Server
import ConnlogCore
import ConnlogStore
import ConnlogSystem
import Hummingbird

/// `GET /api/v2/connectionlog/people?q=&from=&to=&zone=&sort=&limit=`: what each person did, over the same range as
/// `/stats` has. Whose a connection was is recorded or inferred, as `person:` finds it; how many are nobody's is said.
struct PeopleHandler {
    private static let limitMax = 5000

    let question: Question
    let range: Range<Microseconds>
    private let isBounded: Bool
    private let sort: Sort
    private let limit: Int

    /// Most, or latest, first; names from A to Z.
    private enum Sort: String, CaseIterable {
        case connections, refused, failed, seconds, workspaces, addresses, first, last, username
    }

    init(_ parameters: Parameters, _ question: Question, now: Nanoseconds) async throws {
        self.question = question
        (range, isBounded) = try await AskedRange.of(parameters, question, now: now)
        guard let sort = Sort(rawValue: parameters["sort"] ?? Sort.connections.rawValue) else {
            throw Parameters.invalid(
                "sort", "must be one of \(Sort.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        self.sort = sort
        let limit = try parameters.count("limit")
        guard limit <= PeopleHandler.limitMax else {
            throw Parameters.invalid("limit", "must be at most \(PeopleHandler.limitMax)")
        }
        self.limit = limit == 0 ? 100 : limit
    }

    func respond() async throws -> Response {
        let (store, query, bounds) = (question.store, question.query, isBounded ? range : nil)
        let found = try await question.ask { try await store.people(query, in: bounds) }
        question.asker.audit?.note(from: range.lowerBound, to: range.upperBound)
        question.asker.audit?.count(found.people.count)
        let isEmpty = found.people.isEmpty && found.without == 0
        let warnings = try await Warnings(question, isEmpty: isEmpty).all
        let people = found.people.map { (figures: $0, name: question.names.user($0.id)?.username ?? "") }
        let shown = people.sorted { isBefore($0, $1) }.prefix(limit)
        return .json([
            "from": .string(range.lowerBound.text), "to": .string(range.upperBound.text),
            "zone": .string(question.zone.name), "count": JSONValue(people.count), "without": JSONValue(found.without),
            "is_exact": .boolean(found.isExact), "people": .array(shown.map { value($0.figures, $0.name) }),
            "warnings": .array(warnings.map(\.json)),
        ])
    }

    private typealias Named = (figures: ConnectionStore.PersonFigures, name: String)

    private func isBefore(_ one: Named, _ other: Named) -> Bool {
        if sort == .username { return (one.name, one.figures.id) < (other.name, other.figures.id) }
        return (key(other.figures), one.figures.id) < (key(one.figures), other.figures.id)
    }

    private func key(_ figures: ConnectionStore.PersonFigures) -> Int64 {
        switch sort {
        case .connections, .username: Int64(figures.connections)
        case .refused: Int64(figures.refused)
        case .failed: Int64(figures.failed)
        case .seconds: figures.length
        case .workspaces: Int64(figures.workspaces)
        case .addresses: Int64(figures.addresses)
        case .first: figures.first.count
        case .last: figures.last.count
        }
    }

    private func value(_ figures: ConnectionStore.PersonFigures, _ name: String) -> JSONValue {
        var object = Members()
        object.add("id", figures.id)
        object.add("username", name)
        object.add("connections", JSONValue(figures.connections))
        object.add("refused", JSONValue(figures.refused))
        object.add("failed", JSONValue(figures.failed))
        object.add("seconds", .integer(figures.length / 1_000_000))
        object.add("workspaces", JSONValue(figures.workspaces))
        object.add("addresses", JSONValue(figures.addresses))
        object.add("first_seen", figures.first.text)
        object.add("last_seen", figures.last.text)
        object.add("filter", JSONValue(UUIDText.normalized(figures.id).map { "person:\($0)" }))
        return object.value
    }
}
#endif
