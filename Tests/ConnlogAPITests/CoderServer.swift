#if Server
import ConnlogCoder
import ConnlogConfig
import ConnlogCore
import ConnlogSystem
import ConnlogTestSupport
import Foundation
import Synchronization

@testable import ConnlogAPI

/// Coder's API as far as it is asked who people are, on 127.0.0.1, as strict as the real one: a token in a header alone, an
/// answer for whose it is, a role where the real one has it.
final class CoderServer: Sendable {
    struct Person: Sendable {
        var id = UUID().uuidString.lowercased()
        var username: String
        var status = "active"
        var roles: [String] = []
        /// By organization.
        var organizationRoles: [String: [String]] = [:]
        /// Roles of organizations stand with the user, as newer versions have them.
        var hasThemInUser = false
        var scope = "all"
    }

    struct State: Sendable {
        /// By token.
        var people: [String: Person] = [:]
        /// What comes first, a step for each request.
        var script: [(status: Int, headers: [(name: String, value: String)], body: String)] = []
        /// What comes in the place of every answer.
        var outage: (status: Int, headers: [(name: String, value: String)], body: String)?
        var asked: [String] = []
        var violations: [String] = []
        /// It has no route for roles, nor for keys.
        var isOld = false
    }

    private final class Shared: Sendable { let value = Mutex(State()) }
    private let server: HTTPServer
    private let state: Shared

    init(_ people: [String: Person] = [:]) throws {
        let state = Shared()
        state.value.withLock { $0.people = people }
        self.state = state
        server = try HTTPServer { request in state.value.withLock { CoderServer.answer(request, &$0) } }
    }

    var url: String { server.url }
    func stop() { server.stop() }
    func change(_ body: (inout State) -> Void) { state.value.withLock { body(&$0) } }
    /// Paths that were asked for.
    var asked: [String] { state.value.withLock { $0.asked } }
    func asked(for path: String) -> Int { asked.count { $0 == "/api/v2/" + path } }
    var violations: [String] { state.value.withLock { $0.violations } }

    static func token(_ number: Int) -> String {
        let digits = String(number)
        return "abcdefghij-" + String(repeating: "0", count: 22 - digits.count) + digits
    }

    func signIn(
        _ settings: CoderSignIn.Settings = .init(name: "coder"), _ clock: HandClock? = nil,
        _ limits: CoderSignIn.Limits = .init()
    ) -> CoderSignIn {
        let url = url
        var settings = settings
        settings.url = url
        return CoderSignIn(settings, limits: limits, clock: { clock?.now ?? .now }, log: { _, _ in }) {
            CoderAPI(url: url, token: nil, http: HTTPSettings(userAgent: "test"), timeout: .seconds(600))
        }
    }

    // MARK: - Answers

    private static func json(_ status: Int, _ value: [String: Any]) -> ServedReply {
        let data = (try? JSONSerialization.data(withJSONObject: value)) ?? Data()
        return .reply(
            status: status, headers: [("Content-Type", "application/json; charset=utf-8")],
            body: String(decoding: data, as: UTF8.self))
    }

    private static func answer(_ request: ServedRequest, _ state: inout State) -> ServedReply {
        state.asked.append(request.target)
        if request.method != "GET" { state.violations.append(request.method) }
        if request.target.contains("0000") { state.violations.append("a secret in a URL") }
        if request.header("cookie") != nil { state.violations.append("a cookie") }
        if let outage = state.outage {
            return .reply(status: outage.status, headers: outage.headers, body: outage.body)
        }
        if !state.script.isEmpty {
            let step = state.script.removeFirst()
            return .reply(status: step.status, headers: step.headers, body: step.body)
        }
        guard let token = request.header("coder-session-token"), let person = state.people[token] else {
            return json(
                401, ["message": "You are signed out or your session has expired. Please sign in again to continue."])
        }
        if person.status == "suspended" {
            return json(
                401,
                [
                    "message":
                        "User is not active (status = \"suspended\"). Contact an admin to reactivate your account."
                ])
        }
        let isWhole = person.scope == "all"
        switch request.path {
        case "/api/v2/users/me": return json(200, user(person))
        case "/api/v2/users/me/roles" where !state.isOld:
            return json(200, ["roles": person.roles, "organization_roles": person.organizationRoles])
        case "/api/v2/users/me/keys/abcdefghij" where !state.isOld:
            if !isWhole {
                return json(404, ["message": "Resource not found or you do not have access to this resource"])
            }
            return json(200, ["id": "abcdefghij", "user_id": person.id, "scope": "all", "scopes": ["coder:all"]])
        default: return json(404, ["message": "Route not found."])
        }
    }

    private static func user(_ person: Person) -> [String: Any] {
        var roles = person.roles.map { ["name": $0, "display_name": $0, "organization_id": ""] }
        if person.hasThemInUser {
            for (organization, names) in person.organizationRoles {
                roles += names.map { ["name": $0, "display_name": $0, "organization_id": organization] }
            }
        }
        return [
            "id": person.id, "username": person.username, "email": "\(person.username)@example.com", "name": "",
            "status": person.status, "organization_ids": Array(person.organizationRoles.keys), "roles": roles,
        ]
    }
}

/// A clock that goes on when it is told to.
final class HandClock: Sendable {
    private let time = Mutex(ContinuousClock.now)
    var now: ContinuousClock.Instant { time.withLock { $0 } }
    private let start = ContinuousClock.now
    /// How far it has gone on.
    var seconds: Int64 { (now - start + .milliseconds(500)).components.seconds }
    func advance(_ by: Duration) { time.withLock { $0 += by } }
}
#endif
