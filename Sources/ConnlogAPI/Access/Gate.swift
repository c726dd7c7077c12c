#if Server
import ConnlogCore
import HTTPTypes
import Hummingbird

/// Lets in whoever may.
struct Gate: Sendable {
    let state: APIState
    /// Where browsers find the server, if a proxy stands before it.
    let external: ExternalURL?
    let cookie: SessionCookie
    let signInCookie: SignInCookie
    let isTLS: Bool
    let counts: HTTPCounts
    let sessions = Sessions()
    let logins = LoginGuard()

    init(state: APIState, external: ExternalURL?, isTLS: Bool, counts: HTTPCounts) {
        self.state = state
        self.counts = counts
        self.external = external
        self.isTLS = isTLS
        cookie = SessionCookie(external, isTLS: isTLS)
        signInCookie = SignInCookie(external, isTLS: isTLS)
    }

    // MARK: - Before anything else

    /// What every request must keep, whoever asks.
    func admit(_ need: Need, _ request: Request, _ context: APIContext) throws(APIError) {
        // No browser gets there, and no proxy unless connlog's own user runs it.
        if context.isLocalSocket { return }
        let access = state.parts.access
        if access.isClosed, !need.isServedWhenClosed {
            throw APIError(
                status: .forbidden, message: "Forbidden.",
                detail: "There is no [access] section and no 'open = true' in [server], so only connlog's own commands "
                    + "are answered, through the socket in its data_dir.")
        }
        if access.isOpen, need.isOfThisMachine { try Gate.refuseOthers(request, context) }
        if !need.isForOtherSites, RequestOrigin.isForeign(request.head, own: external?.authority) {
            throw APIError(
                status: .forbidden, message: "Forbidden.",
                detail: "A page of another site made a browser ask this. If a proxy stands before connlog, say where "
                    + "browsers find it: 'external_url' in [server].")
        }
    }

    /// With `open = true`, whoever is on this machine; not a web page from elsewhere whose host name leads here, nor
    /// somebody from elsewhere whom a proxy brings.
    private static func refuseOthers(_ request: Request, _ context: APIContext) throws(APIError) {
        guard context.isLoopback else { throw notLocal("only this machine is served") }
        guard RequestOrigin.isLoopback(host: request.head.authority ?? "") else {
            throw notLocal("connlog answers to 'localhost' and addresses of this machine only")
        }
        if let header = RequestOrigin.proxyHeader(request.headers) {
            throw notLocal("nobody is served whom a proxy brings from elsewhere (\(header))")
        }
    }

    private static func notLocal(_ why: String) -> APIError {
        APIError(status: .forbidden, message: "Forbidden.", detail: "Without an [access] section \(why).")
    }

    // MARK: - Who it is

    /// Who asks and may; `nil` where that does not matter.
    /// - Parameter who: gets the name, as soon as it is known.
    /// - Throws: why whoever asks may not.
    func letIn(
        _ need: Need, _ request: Request, _ context: APIContext, _ who: inout String
    ) async throws(APIError) -> Caller? {
        if need.isNobody { return nil }
        let caller = try await caller(need, request, context)
        who = caller.name
        if let refusal = need.refusal(caller) { throw refusal }
        if need == .writer, case .open = caller.credential { try Gate.refuseForms(request) }
        return caller
    }

    /// What a page can make a browser send anywhere without asking.
    private static let formTypes = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]

    /// Where nobody needs a token, a page of another site could hand events in by a form.
    private static func refuseForms(_ request: Request) throws(APIError) {
        let type = (request.headers[.contentType] ?? "").prefix { $0 != ";" }.filter { $0 != " " }.lowercased()
        guard type.isEmpty || formTypes.contains(type) else { return }
        throw APIError(
            status: .unsupportedMediaType, message: "This Content-Type is not taken without a token.",
            detail: "Send Content-Type: application/jsonl, whatever format the lines have; forms of other sites cannot."
        )
    }
}

/// The cookie that holds a session's id, which scripts cannot read and other sites cannot send.
struct SessionCookie: Sendable {
    let name: String
    private let attributes: String

    /// A server of its own behind TLS gets a name that browsers take from it alone; under a path the cookie is sent to
    /// that path alone.
    init(_ external: ExternalURL?, isTLS: Bool) {
        let isSecure = external?.isSecure ?? isTLS
        let path = external?.path ?? "/"
        name = isSecure && path == "/" ? "__Host-connlog_session" : "connlog_session"
        attributes = "; Path=\(path); HttpOnly; SameSite=Strict" + (isSecure ? "; Secure" : "")
    }

    func set(_ id: String) -> String { "\(name)=\(id)\(attributes); Max-Age=\(Sessions.ageMax.components.seconds)" }

    var cleared: String { "\(name)=\(attributes); Max-Age=0" }

    func session(_ request: Request) -> String? { SessionCookie.value(of: name, request) }

    /// The value of a cookie; `nil` where there is none, or an empty one.
    static func value(of name: String, _ request: Request) -> String? {
        for cookies in request.headers[values: .cookie] {
            for pair in cookies.split(separator: ";") {
                let parts = pair.split(separator: "=", maxSplits: 1).map { $0.drop { $0 == " " } }
                if parts.count == 2, parts[0] == name, !parts[1].isEmpty { return String(parts[1]) }
            }
        }
        return nil
    }
}
#endif
