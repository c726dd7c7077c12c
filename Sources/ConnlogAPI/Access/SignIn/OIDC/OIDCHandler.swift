#if Server
import ConnlogCore
import HTTPTypes
import Hummingbird
import NIOCore

/// Sign-in at the page by an issuer: `GET /login/oidc?way=` sends the browser there, `GET /login/oidc/callback` takes it
/// back. `GET /login/ways` says what ways in there are.
struct OIDCHandler {
    let gate: Gate

    // MARK: - What there is

    /// The same for everybody: what the configuration calls each way, and no address.
    func ways() -> Response {
        let access = gate.state.parts.access
        let issuers = access.issuers.map { way -> JSONValue in
            ["name": .string(way.name), "label": .string(way.settings.label)]
        }
        return .json([
            "tokens": .boolean(access.takesTokens), "coder": .boolean(!access.coders.isEmpty), "oidc": .array(issuers),
        ])
    }

    // MARK: - There

    func begin(_ request: Request, _ context: APIContext) async throws -> Response {
        let wanted = Parameters(request.uri.query)["way"]
        let issuers = gate.state.parts.access.issuers
        guard let way = wanted == nil ? issuers.first : issuers.first(where: { $0.name == wanted }) else {
            throw APIError.notFound
        }
        guard let redirect = redirect(request) else { throw APIError.notFound }
        guard let (location, browser) = await way.begin(redirect: redirect, address: context.peer) else {
            gate.counts.signIn("oidc", "unavailable")
            return failed(.serviceUnavailable, OIDCHandler.away, request)
        }
        var headers: HTTPFields = [.location: location, .cacheControl: "no-store"]
        headers[.setCookie] = gate.signInCookie.set(browser)
        return Response(status: .found, headers: headers)
    }

    private static let away =
        "The issuer does not answer as it should. Try again in a while; connlog's own log says more."

    /// Where the issuer shall send the browser back to.
    private func redirect(_ request: Request) -> String? {
        base(request).map { $0 + "login/oidc/callback" }
    }

    /// Where the page is, as the browser has it. Without `external_url` that is what it asked for: an issuer sends nobody
    /// to an address that it was not told of by its administrator.
    private func base(_ request: Request) -> String? {
        if let external = gate.external {
            let path = external.path == "/" ? "/" : external.path + "/"
            return (external.isSecure ? "https://" : "http://") + external.authority + path
        }
        return request.head.authority.map { (gate.isTLS ? "https://" : "http://") + $0 + "/" }
    }

    // MARK: - Back

    /// Anybody can come back, with anything: so whoever does so with what is nothing has to wait before the issuer is asked
    /// for more of it.
    func finish(_ request: Request, _ context: APIContext) async -> Response {
        let said = Parameters(request.uri.query)
        guard let state = said["state"], let browser = gate.signInCookie.value(request),
            let way = gate.state.parts.access.issuers.first(where: { $0.knows(state: state) })
        else {
            gate.counts.signIn("oidc", "unknown")
            return failed(.badRequest, OIDCSignIn.unknownState, request)
        }
        guard let code = said["code"] else {
            way.end(state: state)
            gate.counts.signIn("oidc", "refused")
            return failed(.forbidden, OIDCHandler.refusal(said["error"]), request)
        }
        let attempt = LoginAttempt(gate.returns, context.peer)
        defer { attempt.end(isWrong: true) }
        guard attempt.mayAsk() else { return tooMany(attempt.wait, request) }
        switch await way.finish(state: state, code: code, browser: browser, said: said["iss"]) {
        case .tooMany: return tooMany(nil, request)
        case .unavailable:
            gate.counts.signIn("oidc", "unavailable")
            return failed(.serviceUnavailable, OIDCHandler.away, request)
        case .invalid(let why):
            gate.counts.signIn("oidc", "invalid")
            return failed(.forbidden, why, request)
        case .person(let person):
            attempt.end(isWrong: false)
            let verdict = way.verdict(person)
            gate.counts.signIn("oidc", verdict)
            return letIn(verdict, .oidc(way: way.way, person), request)
        }
    }

    private func tooMany(_ wait: LoginGuard.Wait?, _ request: Request) -> Response {
        gate.counts.signIn("oidc", .tooMany)
        var seconds: Int64 = 1
        if case .wrong(let left)? = wait { seconds += left.components.seconds }
        var response = failed(
            .tooManyRequests, "Too many sign-ins come back now. Begin yours again in a while.", request)
        response.headers[.retryAfter] = String(seconds)
        return response
    }

    private func letIn(_ verdict: Verdict, _ grant: Grant, _ request: Request) -> Response {
        let session: String
        do throws(APIError) {
            let entry = try Gate.entry(verdict, or: .notLoggedIn)
            guard entry.role.mayRead else {
                return failed(
                    .forbidden, "Your role is '\(entry.role.rawValue)', which does not see connections.", request)
            }
            session = try gate.beginSession(entry, grant)
        } catch {
            return failed(error.status, error.detail, request)
        }
        var headers: HTTPFields = [.location: base(request) ?? "/", .cacheControl: "no-store"]
        headers.append(HTTPField(name: .setCookie, value: gate.cookie.set(session)))
        headers.append(HTTPField(name: .setCookie, value: gate.signInCookie.cleared))
        return Response(status: .found, headers: headers)
    }

    /// What the issuer says, if it is one of the words that RFC 6749 has for it.
    private static func refusal(_ word: String?) -> String {
        let known = [
            "access_denied", "invalid_request", "unauthorized_client", "unsupported_response_type", "invalid_scope",
            "server_error", "temporarily_unavailable", "login_required", "interaction_required", "consent_required",
        ]
        guard let word, known.contains(word) else { return "The issuer did not say who you are." }
        return "The issuer did not say who you are (\(word))."
    }

    /// For a browser that shows what it gets.
    private func failed(_ status: HTTPResponse.Status, _ why: String, _ request: Request) -> Response {
        var response = Response.text(
            "You are not signed in. \(why)\n\n\(base(request) ?? "")\n", "text/plain; charset=utf-8", status: status)
        response.headers[.setCookie] = gate.signInCookie.cleared
        return response
    }
}
#endif
