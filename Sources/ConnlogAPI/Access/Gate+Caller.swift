#if Server
import ConnlogCore
import HTTPTypes
import Hummingbird

/// Who asks: by a token, by a session, or by the word of somebody else.
extension Gate {
    func caller(_ need: Need, _ request: Request, _ context: APIContext) async throws(APIError) -> Caller {
        if context.isLocalSocket { return .local(.localSocket) }
        let access = state.parts.access
        if access.isOpen { return .local(.open) }
        let proxied = try proxied(request, context, access)
        // A token of the configuration's own says more exactly who asks, and a proxy's word more than any other token.
        if let token = Gate.token(need, request),
            proxied == nil || access.holder(ofHash: TokenText.hash(of: token)) != nil
        {
            let (entry, grant) = try await entry(of: token, context)
            return try caller(entry, by: grant, .grant(grant, isFromBrowser: false))
        }
        if let (grant, verdict) = proxied {
            return try caller(
                try Gate.entry(verdict, or: .notLoggedIn), by: grant, .grant(grant, isFromBrowser: true))
        }
        if let id = cookie.value(request) {
            guard let grant = sessions.grant(of: id) else { throw .sessionOver }
            return try caller(try await entry(of: grant), by: grant, .session(id))
        }
        return try await callerByCodersCookie(request, context, access)
    }

    /// Whoever was let in, unless one of the names is shut out.
    private func caller(
        _ entry: AccessList.Entry, by grant: Grant, _ credential: Caller.Credential
    ) throws(APIError) -> Caller {
        let parts = state.parts
        let caller = Caller(entry, by: grant, credential, parts.names)
        guard !parts.access.shutsOut(entry, caller.user) else {
            throw APIError(
                status: .forbidden, message: "Forbidden.", detail: "This user is shut out here: 'revoked' names it.")
        }
        return caller
    }

    /// A session of the page's for whoever may see something there.
    /// - Returns: its id.
    func beginSession(_ entry: AccessList.Entry, _ grant: Grant) throws(APIError) -> String {
        _ = try caller(entry, by: grant, .grant(grant, isFromBrowser: true))
        guard case .oidc(let way, let person) = grant else { return sessions.begin(grant) }
        guard let issuer = state.parts.access.issuers.first(where: { $0.way == way }) else { throw .sessionOver }
        return sessions.begin(.oidc(way: way, issuer.onPage(person)))
    }

    /// Whom an authenticating proxy brings, and what that is worth.
    private func proxied(
        _ request: Request, _ context: APIContext, _ access: AccessList
    ) throws(APIError) -> (Grant, Verdict)? {
        var refused: (Grant, Verdict)?
        for proxy in access.proxies {
            switch proxy.word(request.headers, neighbour: context.neighbour) {
            case .none: continue
            case .foreign: counts.signIn("proxy", "foreign")
            case .wrongSecret: counts.signIn("proxy", "wrong_secret")
            case .twice(let header):
                counts.signIn("proxy", "twice")
                throw APIError(
                    status: .badRequest, message: "The header \(header) stands there twice.",
                    detail: "The proxy has to take away what others send under that name.")
            case .person(let user, let groups):
                let verdict = proxy.verdict(user: user, groups: groups)
                counts.signIn("proxy", verdict)
                let grant = Grant.proxy(way: proxy.way, user: user, groups: groups)
                guard case .refused = verdict else { return (grant, verdict) }
                // Another section of the same proxy may know the groups.
                refused = refused ?? (grant, verdict)
            }
        }
        return refused
    }

    /// Coder's cookie is Coder's: it is taken where the configuration says so.
    private func callerByCodersCookie(
        _ request: Request, _ context: APIContext, _ access: AccessList
    ) async throws(APIError) -> Caller {
        let coders = access.coders.filter { $0.settings.takesCookie }
        guard !coders.isEmpty, let token = OwnCookie.value(of: "coder_session_token", request),
            CoderSignIn.mayBe(token)
        else { throw .notLoggedIn }
        let (entry, grant) = try await person(of: token, coders, [], context)
        return try caller(entry, by: grant, .grant(grant, isFromBrowser: true))
    }

    /// Whose token it is, for a login too.
    func entry(
        of token: String, _ context: APIContext
    ) async throws(APIError) -> (entry: AccessList.Entry, grant: Grant) {
        // A good token always lets in: behind a proxy all have one address, and whoever tries tokens there must not
        // lock the others out.
        let (access, hash) = (state.parts.access, TokenText.hash(of: token))
        if let entry = access.holder(ofHash: hash) { return (entry, .token(hash)) }
        return try await person(of: token, access.coders, access.issuers, context)
    }

    /// Whom others know by a token. Whoever comes with wrong ones has to wait before others are asked for more of them.
    private func person(
        of token: String, _ coders: [CoderSignIn], _ issuers: [OIDCSignIn], _ context: APIContext
    ) async throws(APIError) -> (entry: AccessList.Entry, grant: Grant) {
        let attempt = LoginAttempt(logins, context.peer)
        defer { attempt.end(isWrong: false) }
        var refusal: APIError?
        var isRemembered = false
        for coder in coders where CoderSignIn.mayBe(token) {
            let verdict = await coder.verdict(token, mayAsk: attempt.mayAsk())
            if Task.isCancelled { break }
            counts.signIn("coder", verdict)
            if case .unknown = verdict {
                isRemembered = !attempt.hasAsked
                continue
            }
            do throws(APIError) {
                return (try Gate.entry(verdict, or: .notLoggedIn), .coder(way: coder.way, token: token))
            } catch {
                refusal = error
            }
        }
        for issuer in issuers where !Task.isCancelled {
            guard let outcome = await issuer.person(ofToken: token) else { continue }
            let (verdict, person) = issuer.verdict(outcome)
            counts.signIn("oidc", verdict)
            do throws(APIError) {
                let entry = try Gate.entry(verdict, or: .notLoggedIn)
                if let person { return (entry, .oidc(way: issuer.way, person)) }
            } catch {
                refusal = error
            }
        }
        throw await refusalOf(attempt, refusal, isRemembered: isRemembered)
    }

    /// What nobody is let in by counts as wrong, unless somebody is known by it who may not, or nobody can be asked.
    /// - Parameter isRemembered: Coder has said before that it knows nobody by it, so nothing is tried by it.
    private func refusalOf(_ attempt: LoginAttempt, _ refusal: APIError?, isRemembered: Bool) async -> APIError {
        if attempt.wait == nil {
            // Whoever does not wait for the answer has tried all the same.
            if Task.isCancelled { attempt.end(isWrong: true) }
            if let refusal, refusal.status != .unauthorized { return refusal }
            if refusal == nil, isRemembered { return .notLoggedIn }
            if attempt.mayAsk() {
                attempt.end(isWrong: true)
                return refusal ?? .notLoggedIn
            }
        }
        guard case .wrong(let left)? = attempt.wait else {
            return APIError(
                status: .tooManyRequests, message: "Too many unknown tokens of this address are being asked for.",
                detail: "Try again in a second.", headers: [.retryAfter: "1"])
        }
        // Whoever goes on trying is slowed on each connection too.
        try? await Task.sleep(for: LoginGuard.slowness)
        return APIError(
            status: .tooManyRequests, message: "Too many wrong tokens came from this address.",
            headers: [.retryAfter: String(left.components.seconds + 1)])
    }

    /// Who it is by what somebody else has said.
    /// - Parameter error: thrown when nobody is known.
    static func entry(_ verdict: Verdict, or error: APIError) throws(APIError) -> AccessList.Entry {
        switch verdict {
        case .person(let entry): return entry
        case .unknown: throw error
        case .invalid(let why):
            throw APIError(
                status: .unauthorized, message: "You must be logged in.", detail: why,
                headers: [.wwwAuthenticate: "Bearer realm=\"connlog\", error=\"invalid_token\""])
        case .refused(let why): throw APIError(status: .forbidden, message: "Forbidden.", detail: why)
        case .unavailable(let why):
            throw APIError(
                status: .serviceUnavailable, message: why,
                detail: "Nobody is let in without its word. Try again in a while; connlog's own log says more.",
                headers: [.retryAfter: "5"])
        case .tooMany:
            throw APIError(
                status: .tooManyRequests, message: "Too many unknown tokens have come lately.",
                detail: "Whoever is known is let in; try again in a minute.", headers: [.retryAfter: "60"])
        }
    }

    // MARK: - Again

    /// Who it is that was let in by this, now.
    /// - Throws: why whoever it was may not any more, or cannot be known now.
    func entry(of grant: Grant) async throws(APIError) -> AccessList.Entry {
        let access = state.parts.access
        switch grant {
        case .token(let hash):
            guard let entry = access.holder(ofHash: hash) else { throw .sessionOver }
            return entry
        case .proxy(let way, let user, let groups):
            guard let proxy = access.proxies.first(where: { $0.way == way }) else { throw .notLoggedIn }
            return try Gate.entry(proxy.verdict(user: user, groups: groups), or: .notLoggedIn)
        case .oidc(let way, let person):
            guard let issuer = access.issuers.first(where: { $0.way == way }) else { throw .sessionOver }
            return try Gate.entry(issuer.verdict(person), or: .sessionOver)
        case .coder(let way, let token):
            guard let coder = access.coders.first(where: { $0.way == way }) else { throw .sessionOver }
            return try Gate.entry(await coder.verdict(token, mayAsk: true), or: .sessionOver)
        }
    }

    /// Whether somebody who was let in still may the same: tokens are revoked, sessions end, people leave, organizations
    /// change.
    func isStillGood(_ caller: Caller) async -> Bool {
        let grant: Grant
        switch caller.credential {
        case .localSocket: return true
        case .open: return state.parts.access.isOpen
        case .grant(let given, _): grant = given
        case .session(let id):
            guard let kept = sessions.grant(of: id) else { return false }
            grant = kept
        }
        do throws(APIError) {
            return try self.caller(try await entry(of: grant), by: grant, caller.credential).mayAs(caller)
        } catch {
            return false
        }
    }

    /// When at the latest it has to be asked anew whether a caller still may, from now on; `nil`: whenever something
    /// changes, which the bell says.
    func patience(_ caller: Caller) -> Duration? {
        let grant: Grant?
        switch caller.credential {
        case .localSocket, .open: grant = nil
        case .grant(let given, _): grant = given
        case .session(let id): grant = sessions.grant(of: id)
        }
        let access = state.parts.access
        switch grant {
        case .coder(let way, let token): return access.coders.first { $0.way == way }?.patience(token)
        case .oidc(let way, let person): return access.issuers.first { $0.way == way }?.patience(person)
        case .token, .proxy, nil: return nil
        }
    }

    // MARK: - Tokens

    /// As Coder's clients send it, or as most others do; Firehose, which only hands events in, has a header of its own.
    static func token(_ need: Need, _ request: Request) -> String? {
        if let token = request.headers[.coderSessionToken], !token.isEmpty { return token }
        guard let value = request.headers[.authorization] else {
            return need == .writer ? request.headers[.firehoseAccessKey] : nil
        }
        let parts = value.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        return String(parts[1])
    }
}
#endif
