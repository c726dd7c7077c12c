#if Server
import ConnlogCore
import ConnlogStore
import Hummingbird

/// `GET /api/v2/connectionlog/{id}`: one row and its events as they were received.
enum DetailsHandler {
    static func respond(_ id: String, _ question: Question, _ caller: Caller) async throws(APIError) -> Response {
        let store = question.store
        let wanted = UUIDText.normalized(id) ?? id
        let row = try await Question.ask { () async throws(StoreProblem) in try await store.row(id: wanted) }
        guard let row, caller.maySee(row.organizationID) else {
            throw APIError(status: .notFound, message: "There is no connection of this id.")
        }
        let events = try await Question.ask { () async throws(StoreProblem) in try await store.events(of: row) }
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
