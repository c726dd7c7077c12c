import ConnlogTestSupport
import Foundation
import Synchronization

/// Coder's API as far as it is asked for names and rows, on 127.0.0.1, as strict as the real one: it refuses what that refuses, and
/// pages by the lower-case user name after the one of `after_id`.
final class CoderAPIServer: Sendable {
    struct Person: Sendable {
        var id: String
        var username: String
        var created = "2026-01-01T00:00:00Z"
        /// In no list, found by its id alone.
        var isDeleted = false
    }

    struct State: Sendable {
        var token = "abcdefghij-0123456789012345678901"
        var people: [Person] = []
        var organizations: [(id: String, name: String)] = []
        /// Whose token it is sees itself alone in the list, and the members of its organizations.
        var isLimited = false
        /// What comes first, a step for each request.
        var script: [(status: Int, headers: [(name: String, value: String)], body: String)] = []
        var requests: [String] = []
        var violations: [String] = []
        /// Called before each page of users.
        var beforePage: (@Sendable (inout State, _ page: Int) -> Void)?
        var pages = 0
        /// A Coder that does not know `created_after`.
        var isOld = false
        var countLie: Int?
        /// `after_id` means nothing.
        var repeatsPages = false
        /// No page has more.
        var pageMax = 1000
        var table = Table()
    }

    private let server: HTTPServer
    private let state: SharedState

    private final class SharedState: Sendable {
        let value = Mutex(State())
    }

    init(_ change: (inout State) -> Void = { _ in }) throws {
        let state = SharedState()
        state.value.withLock { change(&$0) }
        self.state = state
        server = try HTTPServer { request in state.value.withLock { CoderAPIServer.answer(request, &$0) } }
    }

    var url: String { server.url }
    func stop() { server.stop() }
    func change(_ body: (inout State) -> Void) { state.value.withLock { body(&$0) } }
    var requests: [String] { state.value.withLock { $0.requests } }
    var violations: [String] { state.value.withLock { $0.violations } }

    // MARK: - Answers

    static func json(_ status: Int, _ value: Any) -> ServedReply {
        let data = (try? JSONSerialization.data(withJSONObject: value)) ?? Data()
        return .reply(
            status: status, headers: [("Content-Type", "application/json; charset=utf-8")],
            body: String(decoding: data, as: UTF8.self))
    }

    private static func answer(_ request: ServedRequest, _ state: inout State) -> ServedReply {
        state.requests.append(request.target)
        if request.target.contains(state.token) { state.violations.append("the token is in a URL") }
        if request.header("user-agent") == nil { state.violations.append("no user agent") }
        if !state.script.isEmpty {
            let step = state.script.removeFirst()
            return .reply(status: step.status, headers: step.headers, body: step.body)
        }
        let parts = request.path.split(separator: "/").dropFirst(2).map(String.init)
        if parts == ["buildinfo"] { return json(200, ["version": "v2.30.1"]) }
        guard request.header("coder-session-token") == state.token else {
            return json(
                401, ["message": "You are signed out or your session has expired. Please sign in again to continue."])
        }
        switch (parts.first, parts.count) {
        case ("organizations", 1): return json(200, state.organizations.map { ["id": $0.id, "name": $0.name] })
        case ("organizations", 3): return json(200, state.people.map { member($0) })
        case ("connectionlog", 1): return table(request, &state)
        case ("users", 1): return users(request, &state)
        case ("users", 2): return user(parts[1], state)
        default: return json(404, ["message": "Route not found."])
        }
    }

    private static func member(_ person: Person) -> [String: Any] {
        ["user_id": person.id, "username": person.username, "email": "\(person.username)@example.com"]
    }

    private static func object(_ person: Person) -> [String: Any] {
        [
            "id": person.id, "username": person.username, "email": "\(person.username)@example.com", "name": "",
            "created_at": person.created, "status": "active", "organization_ids": [], "roles": [],
        ]
    }

    private static func user(_ id: String, _ state: State) -> ServedReply {
        if id == "me" {
            return json(200, ["id": UUID().uuidString, "username": "reader", "roles": [["name": "auditor"]]])
        }
        guard let found = state.people.first(where: { $0.id == id }) else {
            return json(400, ["message": "\"user\" must be an existing uuid or username."])
        }
        return json(200, object(found))
    }

    private static func users(_ request: ServedRequest, _ state: inout State) -> ServedReply {
        let items = URLComponents(string: "http://x\(request.target)")?.queryItems ?? []
        let query = Dictionary(items.map { ($0.name, $0.value ?? "") }, uniquingKeysWith: { first, _ in first })
        let unknown = Set(query.keys).subtracting(["limit", "after_id", "offset", "q"])
        if !unknown.isEmpty { state.violations.append("unknown parameters \(unknown)") }
        state.pages += 1
        let page = state.pages
        if let before = state.beforePage { before(&state, page) }
        var list = state.people.filter { !$0.isDeleted }.sorted { $0.username.lowercased() < $1.username.lowercased() }
        if state.isLimited { list = Array(list.prefix(1)) }
        if let words = query["q"] {
            let match = words.firstMatch(of: #/^created_after:"([^"]+)"$/#)
            guard !state.isOld, let match, let time = try? Date(String(match.1), strategy: .iso8601) else {
                return json(400, ["message": "Invalid user search query."])
            }
            list = list.filter { (try? Date($0.created, strategy: .iso8601)).map { $0 > time } ?? false }
        }
        if let after = query["after_id"], !state.repeatsPages {
            guard let last = state.people.first(where: { $0.id == after }) else {
                return json(200, ["users": [], "count": 0])
            }
            list = list.filter { $0.username.lowercased() > last.username.lowercased() }
        }
        guard let limit = query["limit"].flatMap({ Int($0) }), limit > 0 else {
            state.violations.append("no limit")
            return json(400, ["message": "limit"])
        }
        let shown = list.prefix(min(limit, state.pageMax)).map(object)
        return json(200, ["users": Array(shown), "count": state.countLie ?? list.count])
    }
}
