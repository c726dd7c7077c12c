#if Server
import ConnlogConfig
import ConnlogCore
import ConnlogSystem
import ConnlogTestSupport
import Crypto
import Foundation
import Synchronization

@testable import ConnlogAPI

/// An OpenID Connect issuer on 127.0.0.1 with real keys, as strict as RFC 6749, RFC 7636 and OpenID Connect Core want it:
/// a code is good once, for its client, its address and its verifier.
final class IssuerServer: Sendable {
    struct Code: Sendable {
        var challenge: String
        var redirect: String
        var nonce: String
    }

    struct State: Sendable {
        var url = ""
        var key: SigningKey
        var published: [JSONValue]
        /// Of whoever says yes.
        var claims: [String: JSONValue] = ["sub": "s-1", "preferred_username": "jane", "groups": .array(["audit"])]
        var codes: [String: Code] = [:]
        var methods: [String]?
        var userInfo: JSONValue?
        /// What comes in the place of an answer, by path.
        var instead: [String: (status: Int, body: String)] = [:]
        var asked: [String] = []
        var violations: [String] = []
    }

    private final class Shared: Sendable {
        let value: Mutex<State>
        init(_ state: State) { value = Mutex(state) }
    }

    private let server: HTTPServer
    private let shared: Shared
    static let client = (id: "connlog", secret: "s3cret: &=+%")
    /// Seconds since 1970; everybody's.
    static let now: Int64 = 1_800_000_000

    init(key: SigningKey? = nil) throws {
        let key = try key ?? SigningKey.rsa("k1")
        let shared = Shared(State(key: key, published: [key.jwk]))
        self.shared = shared
        server = try HTTPServer { request in shared.value.withLock { IssuerServer.answer(request, &$0) } }
        let url = server.url
        shared.value.withLock { $0.url = url }
    }

    var url: String { server.url }
    func stop() { server.stop() }
    func change(_ body: (inout State) -> Void) { shared.value.withLock { body(&$0) } }
    var state: State { shared.value.withLock { $0 } }
    func asked(for path: String) -> Int { state.asked.count { $0 == path } }

    func signIn(
        _ clock: HandClock? = nil, wall: HandClock? = nil,
        roles: GroupRoles = GroupRoles(auditors: ["audit"], admins: ["root"]),
        change: (inout OIDCSignIn.Settings) -> Void = { _ in }
    ) -> OIDCSignIn {
        var settings = OIDCSignIn.Settings(
            name: "sso", issuer: url, clientID: Self.client.id, secret: SecretReference(literal: Self.client.secret),
            roles: roles, http: HTTPSettings(userAgent: "test"))
        settings.timeout = .seconds(600)
        change(&settings)
        return OIDCSignIn(
            settings, clock: { clock?.now ?? .now }, time: { Self.now + ((wall ?? clock)?.seconds ?? 0) },
            log: { _, _ in })
    }

    /// Claims that are right for a token.
    func claims(_ changes: [String: JSONValue?] = [:]) -> JSONValue {
        IssuerServer.claims(state, nonce: nil, changes)
    }

    func token(_ changes: [String: JSONValue?] = [:], header: [String: JSONValue] = [:]) throws -> String {
        try state.key.token(claims(changes), header: header)
    }

    private static func claims(_ state: State, nonce: String?, _ changes: [String: JSONValue?] = [:]) -> JSONValue {
        var claims: [String: JSONValue] = [
            "iss": .string(state.url), "aud": .string(client.id), "iat": .integer(now), "exp": .integer(now + 300),
        ]
        claims.merge(state.claims) { $1 }
        if let nonce { claims["nonce"] = .string(nonce) }
        for (key, value) in changes { claims[key] = value }
        return .object(claims.sorted { $0.key < $1.key }.map { .init(key: $0.key, value: $0.value) })
    }

    // MARK: - What somebody at a browser does

    /// Says yes at the authorization endpoint.
    /// - Returns: the query that the browser is sent back with.
    func consent(_ location: String) -> String {
        let items = URLComponents(string: location)?.queryItems ?? []
        let query = Dictionary(items.map { ($0.name, $0.value ?? "") }, uniquingKeysWith: { first, _ in first })
        let code = UUID().uuidString
        change { state in
            for (name, isRight) in [
                ("response_type", query["response_type"] == "code"),
                ("client_id", query["client_id"] == Self.client.id),
                ("PKCE", query["code_challenge_method"] == "S256" && query["code_challenge"]?.count == 43),
                ("scope", query["scope"]?.split(separator: " ").contains("openid") == true),
                ("state", (query["state"]?.count ?? 0) >= 32), ("nonce", (query["nonce"]?.count ?? 0) >= 32),
                ("names", items.count == query.count), ("place", location.hasPrefix(state.url + "/authorize?")),
            ] where !isRight { state.violations.append("authorize: \(name)") }
            state.codes[code] = Code(
                challenge: query["code_challenge"] ?? "", redirect: query["redirect_uri"] ?? "",
                nonce: query["nonce"] ?? "")
        }
        return "code=\(code)&state=\(query["state"] ?? "")"
    }

    // MARK: - Answers

    private static func json(_ status: Int, _ value: JSONValue) -> ServedReply {
        .reply(status: status, headers: [("Content-Type", "application/json")], body: value.line)
    }

    private static func answer(_ request: ServedRequest, _ state: inout State) -> ServedReply {
        state.asked.append(request.path)
        if let instead = state.instead[request.path] { return .reply(status: instead.status, body: instead.body) }
        switch (request.method, request.path) {
        case ("GET", "/.well-known/openid-configuration"):
            var members: [String: JSONValue] = [
                "issuer": .string(state.url), "authorization_endpoint": .string(state.url + "/authorize"),
                "token_endpoint": .string(state.url + "/token"), "jwks_uri": .string(state.url + "/keys"),
                "userinfo_endpoint": .string(state.url + "/userinfo"),
            ]
            if let methods = state.methods {
                members["token_endpoint_auth_methods_supported"] = .array(methods.map { .string($0) })
            }
            return json(200, .object(members.map { .init(key: $0.key, value: $0.value) }))
        case ("GET", "/keys"): return json(200, ["keys": .array(state.published)])
        case ("GET", "/userinfo"):
            guard request.header("authorization") == "Bearer access-1", let info = state.userInfo else {
                return json(401, ["error": "invalid_token"])
            }
            return json(200, info)
        case ("POST", "/token"): return token(request, &state)
        default: return json(404, [:])
        }
    }

    private static func token(_ request: ServedRequest, _ state: inout State) -> ServedReply {
        var form: [String: String] = [:]
        for pair in String(decoding: request.body, as: UTF8.self).split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1).map { String($0).removingPercentEncoding ?? "?" }
            if parts.count == 2 { form[parts[0]] = parts[1] }
        }
        let isBasic = state.methods?.contains("client_secret_basic") ?? true
        let pair = [client.id, client.secret].map {
            $0.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
        }
        let basic = "Basic " + Data(pair.joined(separator: ":").utf8).base64EncodedString()
        let isClient =
            isBasic
            ? request.header("authorization") == basic && form["client_secret"] == nil
            : form["client_id"] == client.id && form["client_secret"] == client.secret
        guard isClient else { return json(401, ["error": "invalid_client"]) }
        guard form["grant_type"] == "authorization_code", let code = form["code"],
            let known = state.codes.removeValue(forKey: code), form["redirect_uri"] == known.redirect,
            let verifier = form["code_verifier"], (43...128).contains(verifier.utf8.count),
            Base64URL.encoded(SHA256.hash(data: Array(verifier.utf8))) == known.challenge
        else { return json(400, ["error": "invalid_grant"]) }
        let token = (try? state.key.token(claims(state, nonce: known.nonce))) ?? ""
        return json(
            200,
            [
                "access_token": "access-1", "token_type": "Bearer", "expires_in": .integer(300),
                "id_token": .string(token),
            ])
    }
}

/// As much of a browser as a sign-in needs: cookies, and where it is sent.
final class SignInBrowser {
    struct Reply {
        var status: Int
        var location: String?
        var text: String
    }

    let port: Int
    private(set) var cookies: [String: String] = [:]
    private(set) var setCookies: [String] = []

    init(port: Int) { self.port = port }

    func forget(_ cookie: String) { cookies[cookie] = nil }
    func put(_ cookie: String, _ value: String) { cookies[cookie] = value }

    func get(_ path: String, _ headers: [String] = [], method: String = "GET", body: String = "") async throws -> Reply
    {
        let client = try RawClient(port: port)
        let jar = cookies.map { "\($0.key)=\($0.value)" }.sorted().joined(separator: "; ")
        let head = ["\(method) \(path) HTTP/1.1", "Host: 127.0.0.1:\(port)", "Connection: close"] + headers
        let more =
            (jar.isEmpty ? [] : ["Cookie: \(jar)"]) + (method == "POST" ? ["Content-Length: \(body.utf8.count)"] : [])
        await client.send((head + more).joined(separator: "\r\n") + "\r\n\r\n" + body)
        let text = await client.read()
        var reply = Reply(status: Int(text.split(separator: " ").dropFirst().first ?? "") ?? 0, text: text)
        setCookies = []
        for line in text.components(separatedBy: "\r\n\r\n")[0].components(separatedBy: "\r\n") {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let value = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
            switch line[..<colon].lowercased() {
            case "location": reply.location = value
            case "set-cookie":
                setCookies.append(value)
                let pair = value.prefix { $0 != ";" }.split(separator: "=", maxSplits: 1).map(String.init)
                if value.contains("Max-Age=0") { cookies[pair[0]] = nil } else { cookies[pair[0]] = pair.last }
            default: break
            }
        }
        return reply
    }
}
#endif
