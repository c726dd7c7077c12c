#if Server
import ConnlogCore
import ConnlogStore
import Hummingbird

/// `GET /api/v2/connectionlog/{id}`: one row and its events as they were received.
enum DetailsHandler {
    static func respond(_ id: String, _ question: Question) async throws -> Response {
        let (store, caller) = (question.store, question.asker.caller)
        let wanted = UUIDText.normalized(id) ?? id
        let row = try await question.ask { try await store.row(id: wanted) }
        guard let row, caller.maySee(row.organizationID) else {
            throw APIError(status: .notFound, message: "There is no connection of this id.")
        }
        var events = try await question.ask { try await store.events(of: row) }
        if caller.isLimited {
            // Events of two organizations may be one row, if somebody hands such in.
            var matcher = EventMatcher(caller.everything)
            events.removeAll { matcher.event($0.line) == nil }
        }
        return .json([
            "connection_log": question.json.value(row),
            "events": .array(
                events.map { event in
                    [
                        "number": .integer(event.number),
                        "line": .string(String(decoding: event.line, as: UTF8.self)),
                    ]
                }),
        ])
    }
}
#endif
