#if Server
import ConnlogCore
import ConnlogStore
import ConnlogSystem
import Hummingbird

/// `GET /api/v2/connectionlog/audit?from=&to=&limit=&before=&format=json|text`: who asked and exported what, the newest first.
///
/// `before` is the `next` of the answer before. Only admins of all organizations get it, and that they did is told too.
struct AuditHandler {
    private static let limitDefault = 100
    static let limitMax = 1000

    private let store: ConnectionStore
    private let asker: Asker
    private let from: Microseconds?
    private let to: Microseconds?
    private let range: Range<Microseconds>
    private let number: Int64
    private let limit: Int
    private let isText: Bool

    init(_ parameters: Parameters, _ asker: Asker, _ parts: APIParts) throws(APIError) {
        store = try Question.store(parts)
        self.asker = asker
        (from, to) = (try parameters.time("from"), try parameters.time("to"))
        let (first, last) = (from ?? .earliest, to ?? .latest)
        guard first < last else { throw Parameters.invalid("from", "must be before 'to'") }
        range = first..<last
        guard let number = Int64(parameters["before"] ?? "\(Int64.max)"), number >= 0 else {
            throw Parameters.invalid("before", "is no 'next' of this list")
        }
        self.number = number
        let limit = try parameters.count("limit")
        guard limit <= AuditHandler.limitMax else {
            throw Parameters.invalid("limit", "must be at most \(AuditHandler.limitMax)")
        }
        self.limit = limit == 0 ? AuditHandler.limitDefault : limit
        guard ["json", "text"].contains(parameters["format"] ?? "json") else {
            throw Parameters.invalid("format", "must be json or text")
        }
        isText = parameters["format"] == "text"
    }

    func respond() async throws -> Response {
        let (store, range, number, limit) = (store, range, number, limit)
        let found = try await Question.ask(asker.client) {
            try await store.audits(in: range, before: number, limit: limit)
        }
        asker.audit?.note(from: from, to: to)
        asker.audit?.note { $0.filter = "" }
        asker.audit?.count(found.count)
        if isText {
            let lines = found.map { "\(EventTime.text($0.event.time, .digits(3)))  \(AuditHandler.text($0.event))\n" }
            return .text(lines.joined(), "text/plain; charset=utf-8")
        }
        var object = Members()
        object.add("audit", .array(found.map(AuditHandler.value)))
        if found.count == limit, let last = found.last { object.add("next", .string(String(last.number))) }
        return .json(object.value)
    }

    private static func text(_ event: AuditEvent) -> String {
        TerminalText.line("\(AuditText(event).sentence) (from \(event.address))")
    }

    private static func value(_ audit: ConnectionStore.Audit) -> JSONValue {
        let event = audit.event
        var object = Members()
        object.add("number", .integer(audit.number))
        object.add("id", event.id)
        object.add("time", EventTime.text(event.time))
        object.add("who", event.who)
        object.add("role", event.role)
        object.add("action", event.action.rawValue)
        object.add("format", JSONValue(event.format))
        object.add("filter", event.filter)
        object.add("from", JSONValue(event.from.map { EventTime.text($0) }))
        object.add("to", JSONValue(event.to.map { EventTime.text($0) }))
        object.add("zone", event.zone)
        object.add("rows", event.rows.map { JSONValue($0) } ?? .null)
        object.add("complete", .boolean(event.isComplete))
        object.add("address", event.address)
        object.add("user_agent", JSONValue(event.userAgent))
        object.add("text", text(event))
        return object.value
    }
}
#endif
