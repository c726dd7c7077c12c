#if Server
import ConnlogCore
import HTTPTypes
import Hummingbird

/// Lets in whoever may.
struct Gate: Sendable {
    let state: APIState
    /// Where browsers find the server, if a proxy stands before it.
    let external: ExternalURL?
    let cookie: OwnCookie
    let signInCookie: OwnCookie
    let isTLS: Bool
    let counts: HTTPCounts
    let logins = LoginGuard()
    /// Of what comes back from an issuer.
    let returns = LoginGuard()
    var sessions: Sessions { state.sessions }

    init(state: APIState, external: ExternalURL?, isTLS: Bool, counts: HTTPCounts) {
        self.state = state
        self.counts = counts
        self.external = external
        self.isTLS = isTLS
        cookie = OwnCookie.session(external, isTLS: isTLS)
        signInCookie = OwnCookie.signIn(external, isTLS: isTLS)
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
        guard LoopbackHost.isNamed(by: request.head.authority ?? "") else {
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
    /// - Parameters:
    ///   - client: whose leaving ends the asking of others.
    ///   - who: gets the name, as soon as it is known.
    /// - Throws: `APIError`, why whoever asks may not; `ClientLeft`.
    func letIn(
        _ need: Need, _ request: Request, _ context: APIContext, _ client: ClientConnection?, _ who: inout String
    ) async throws -> Caller? {
        if need.isNobody { return nil }
        let caller: Caller
        if let client, state.parts.access.asksOthers {
            caller = try await client.whileThere { try await self.caller(need, request, context) }
        } else {
            caller = try await self.caller(need, request, context)
        }
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
#endif
