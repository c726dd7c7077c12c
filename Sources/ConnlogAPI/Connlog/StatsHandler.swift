#if Server
import ConnlogCore
import ConnlogStore
import ConnlogSystem
import Hummingbird

/// `GET /api/v2/connectionlog/stats?q=&from=&to=&interval=&zone=&facets=&limit=`: how many connections began when, by type,
/// user and workspace, how many were open at once, and how often each value of a facet comes.
///
/// `from` and `to` are RFC 3339 times. Without both, the range is the one that `q` has, and all that matches is counted: if it
/// has an end only, from the oldest connection that matches. Without that too, the last 24 hours. The answer says which it
/// was. `interval` is in seconds, by itself a nice one.
struct StatsHandler {
    private static let topMax = 20
    private static let limitMax = 1000

    let question: Question
    let range: Range<Microseconds>
    private let isBounded: Bool
    private let intervals: Intervals
    private let facets: [Facet]
    private let limit: Int

    init(_ parameters: Parameters, _ question: Question, now: Nanoseconds) async throws {
        self.question = question
        (range, isBounded) = try await AskedRange.of(parameters, question, now: now)
        guard
            let intervals = Intervals(range, length: Int64(try parameters.count("interval")), zone: question.zone)
        else { throw Parameters.invalid("interval", "makes more than \(Intervals.bucketsMax) buckets") }
        self.intervals = intervals
        facets = try StatsHandler.facets(parameters)
        let limit = try parameters.count("limit")
        guard limit <= StatsHandler.limitMax else {
            throw Parameters.invalid("limit", "must be at most \(StatsHandler.limitMax)")
        }
        self.limit = limit == 0 ? 10 : limit
    }

    private static func facets(_ parameters: Parameters) throws(APIError) -> [Facet] {
        var facets: [Facet] = []
        for name in (parameters["facets"] ?? "").split(separator: ",") {
            guard let facet = Facet(rawValue: String(name)) else {
                let known = Facet.allCases.map(\.rawValue).joined(separator: ", ")
                throw Parameters.invalid("facets", "must name some of \(known)")
            }
            if !facets.contains(facet) { facets.append(facet) }
        }
        return facets
    }

    func respond() async throws -> Response {
        let (store, query) = (question.store, question.query)
        // Without facets there are those that there always were.
        let wanted = StatsQuestion(
            range: range, isBounded: isBounded, buckets: intervals.starts,
            facets: Set(facets).union(facets.isEmpty ? [.user, .owner, .workspace] : []),
            limit: facets.isEmpty ? StatsHandler.topMax : limit, bounds: question.json.bounds)
        let stats = try await question.ask { try await store.stats(query, wanted) }
        question.asker.audit?.note(from: range.lowerBound, to: range.upperBound)
        question.asker.audit?.count(stats.count)
        let warnings = try await Warnings(question, isEmpty: stats.count == 0).all + uncounted(stats)
        var object = Members()
        object.add("from", range.lowerBound.text)
        object.add("to", range.upperBound.text)
        object.add("zone", question.zone.name)
        object.add("interval_seconds", .integer(intervals.length))
        object.add("count", JSONValue(stats.count))
        object.add("types", StatsHandler.counts(stats.types))
        object.add(
            "buckets",
            .array(stats.buckets.map { ["time": .string($0.start.text), "types": StatsHandler.counts($0.types)] }))
        object.add(
            "durations",
            .array(
                zip(StatsHandler.lengthNames, stats.lengths).map { ["label": .string($0), "count": JSONValue($1)] }))
        object.add(
            "concurrent",
            .array(stats.concurrent.map { ["time": .string($0.time.text), "count": JSONValue($0.count)] }))
        object.add("concurrent_seconds", .integer(stats.concurrentSeconds))
        let json = FacetJSON(question: question)
        if facets.isEmpty {
            object.add("users", json.people(stats.facets[.user]))
            object.add("workspace_owners", json.people(stats.facets[.owner]))
            object.add("workspaces", json.workspaces(stats.facets[.workspace]))
        } else {
            object.add(
                "facets",
                .object(facets.map { .init(key: $0.rawValue, value: json.value($0, stats.facets[$0] ?? .init())) }))
        }
        object.add("warnings", .array(warnings.map(\.json)))
        return .json(object.value)
    }

    /// Of facets that have more values than are counted at once.
    private func uncounted(_ stats: ConnectionStore.Stats) -> [Warning] {
        stats.facets.filter { !$0.value.isExact }.map(\.key.rawValue).sorted().map { name in
            Warning(
                field: "facets",
                detail:
                    "\(name) has more values than are counted at once: rare ones are missing, or counted too low; ask "
                    + "for a shorter range")
        }
    }

    /// Of `ConnectionStore.Stats.lengthBounds`.
    private static let lengthNames = ["< 1 min", "< 10 min", "< 1 h", "< 4 h", "< 8 h", "< 1 d", "longer"]

    private static func counts(_ types: [String: Int]) -> JSONValue {
        .object(types.sorted { $0.key < $1.key }.map { .init(key: $0.key, value: JSONValue($0.value)) })
    }
}

/// Facets with names, and with the filter that asks for each value alone.
struct FacetJSON {
    let question: Question

    /// People as `users` and `workspace_owners` have them.
    func people(_ counts: ConnectionStore.FacetCounts?) -> JSONValue {
        .array(
            (counts?.values ?? []).map {
                [
                    "id": .string($0.value), "username": .string(question.names.user($0.value)?.username ?? ""),
                    "count": JSONValue($0.count),
                ]
            })
    }

    func workspaces(_ counts: ConnectionStore.FacetCounts?) -> JSONValue {
        .array(
            (counts?.values ?? []).map {
                ["id": .string($0.value), "name": .string($0.name), "count": JSONValue($0.count)]
            })
    }

    func value(_ facet: Facet, _ counts: ConnectionStore.FacetCounts) -> JSONValue {
        [
            "distinct": JSONValue(counts.distinct), "without": JSONValue(counts.without),
            "is_exact": .boolean(counts.isExact), "values": .array(counts.values.map { value(facet, $0) }),
        ]
    }

    private func value(_ facet: Facet, _ found: ConnectionStore.FacetCounts.Value) -> JSONValue {
        var object = Members()
        object.add("value", found.value)
        object.add("name", name(facet, found))
        if facet == .workspace { object.add("owner", question.names.user(found.owner)?.username ?? "") }
        object.add("count", JSONValue(found.count))
        object.add("filter", JSONValue(FacetJSON.filter(facet, found.value)))
        return object.value
    }

    private func name(_ facet: Facet, _ found: ConnectionStore.FacetCounts.Value) -> String {
        switch facet {
        case .person, .user, .owner: question.names.user(found.value)?.username ?? ""
        case .workspace: found.name
        case .organization: question.names.organization(found.value)?.name ?? ""
        case .client: AppName.displayName(found.value)
        case .type: ConnectionType(rawValue: found.value)?.displayName ?? ""
        case .outcome, .ip: found.value
        }
    }

    /// `nil` where no filter says it.
    private static func filter(_ facet: Facet, _ value: String) -> String? {
        switch facet {
        case .person: UUIDText.normalized(value).map { "person:\($0)" }
        case .user: UUIDText.normalized(value).map { "user_id:\($0)" }
        case .owner: UUIDText.normalized(value).map { "owner_id:\($0)" }
        case .workspace: UUIDText.normalized(value).map { "workspace_id:\($0)" }
        case .organization: UUIDText.normalized(value).map { "organization:\($0)" }
        case .type: value == ConnectionType.other.rawValue ? nil : "type:\(value)"
        case .ip: AddressBlock(value) == nil || value.contains("/") ? nil : "ip:\(value)"
        case .client: value == "other" ? nil : "app:\(value)"
        case .outcome: outcomes[value]
        }
    }

    static let web = "type:workspace_app,port_forwarding,tunnel"
    private static let outcomes = [
        Outcome.refused.rawValue: "\(web) code:401,403", Outcome.failed.rawValue: "\(web) code:400,402,404-99999",
        Outcome.open.rawValue: "status:open", Outcome.unconfirmed.rawValue: "status:unconfirmed",
        Outcome.lost.rawValue: "status:lost",
    ]
}
#endif
