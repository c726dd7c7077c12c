#if Server
import ConnlogCore
import ConnlogStore
import HTTPTypes
import Hummingbird

/// Who asks, and what for.
struct Caller {
    let name: String
    let role: Role
    /// Ids; `nil`: all.
    let organizations: [String]?
    let user: UserName?
    /// The token came in a cookie, which a browser sends along whoever asks.
    var isByCookie = false

    /// Somebody on this machine, when nobody needs a token.
    static let local = Caller(name: "local", role: .admin, organizations: nil, user: nil)

    private init(name: String, role: Role, organizations: [String]?, user: UserName?) {
        self.name = name
        self.role = role
        self.organizations = organizations
        self.user = user
    }

    init(_ entry: AccessList.Entry, _ names: any Names) {
        let ids = entry.organizations.flatMap { text in
            UUIDText.normalized(text).map { [$0] } ?? names.organizationIDs(named: text)
        }
        let userID = entry.user.flatMap { text in
            UUIDText.normalized(text) ?? names.userIDs(named: text, evenDeleted: false).first
        }
        self.init(
            name: entry.name, role: entry.role, organizations: entry.organizations.isEmpty ? nil : ids,
            user: userID.map { names.user($0) ?? UserName(id: $0, username: entry.user ?? "") })
    }

    func query(_ filter: FilterQuery, _ names: any Names) -> RowQuery {
        RowQuery(filter, names: names, caller: user?.id, organizations: organizations)
    }

    func maySee(_ organization: String?) -> Bool {
        guard let organizations else { return true }
        return organization.map(organizations.contains) ?? false
    }
}

/// Lets in whoever may.
struct Gate: Sendable {
    let state: APIState
    let logins = LoginGuard()

    static let cookieName = "coder_session_token"

    func caller(_ request: Request, _ context: APIContext) throws(APIError) -> Caller {
        let parts = state.parts
        if context.isLocalSocket { return .local }
        if parts.access.isOpen { return try local(request, context) }
        guard let (token, isByCookie) = Gate.token(request) else { throw .notLoggedIn }
        var caller = Caller(try entry(of: token, context), parts.names)
        caller.isByCookie = isByCookie
        return caller
    }

    /// Whose token it is, for a login.
    func name(of token: String, _ context: APIContext) throws(APIError) -> String {
        try entry(of: token, context).name
    }

    /// A good token always lets in: behind a proxy all have one address, and whoever tries tokens there must not lock the
    /// others out.
    private func entry(of token: String, _ context: APIContext) throws(APIError) -> AccessList.Entry {
        if let entry = state.parts.access.holder(of: token) { return entry }
        if let wait = logins.wait(context.peer) {
            throw APIError(
                status: .tooManyRequests, message: "Too many wrong tokens came from this address.",
                headers: [.retryAfter: String(wait.components.seconds + 1)])
        }
        logins.fail(context.peer)
        throw .notLoggedIn
    }

    /// Without `[access]`, whoever is on this machine; not a web page from elsewhere whose host name leads here, nor
    /// somebody from elsewhere whom a proxy brings.
    private func local(_ request: Request, _ context: APIContext) throws(APIError) -> Caller {
        guard context.isLoopback else { throw Gate.notLocal("only this machine is served") }
        guard Gate.isLocalName(request.head.authority ?? "") else {
            throw Gate.notLocal("connlog answers to 'localhost' and addresses of this machine only")
        }
        for header in [HTTPField.Name.forwarded, .forwardedFor, .realIP] where request.headers[header] != nil {
            throw Gate.notLocal("nobody is served whom a proxy brings from elsewhere (\(header))")
        }
        return .local
    }

    private static func notLocal(_ why: String) -> APIError {
        APIError(status: .forbidden, message: "Forbidden.", detail: "Without an [access] section \(why).")
    }

    static func isLocalName(_ host: String) -> Bool {
        let name =
            host.hasPrefix("[") ? String(host.prefix { $0 != "]" }.dropFirst()) : String(host.prefix { $0 != ":" })
        return name.isEmpty || name == "localhost" || name == "::1" || name.hasPrefix("127.")
            || name.hasSuffix(".localhost")
    }

    /// As Coder's clients send it, or as most others do.
    private static func token(_ request: Request) -> (String, isByCookie: Bool)? {
        if let token = request.headers[.coderSessionToken], !token.isEmpty { return (token, false) }
        if let value = request.headers[.authorization] {
            let parts = value.split(separator: " ", maxSplits: 1)
            if parts.count == 2, parts[0].lowercased() == "bearer" { return (String(parts[1]), false) }
        }
        for cookies in request.headers[values: .cookie] {
            for pair in cookies.split(separator: ";") {
                let parts = pair.split(separator: "=", maxSplits: 1).map { $0.drop { $0 == " " } }
                if parts.count == 2, parts[0] == cookieName, !parts[1].isEmpty { return (String(parts[1]), true) }
            }
        }
        return nil
    }
}

extension HTTPField.Name {
    static var coderSessionToken: HTTPField.Name { known("Coder-Session-Token") }
    static var lastEventID: HTTPField.Name { known("Last-Event-ID") }
    static var forwarded: HTTPField.Name { known("Forwarded") }
    static var forwardedFor: HTTPField.Name { known("X-Forwarded-For") }
    static var realIP: HTTPField.Name { known("X-Real-IP") }
    static var secFetchSite: HTTPField.Name { known("Sec-Fetch-Site") }
    static var requestID: HTTPField.Name { known("X-Request-Id") }
    static var contentTypeOptions: HTTPField.Name { known("X-Content-Type-Options") }
    static var frameOptions: HTTPField.Name { known("X-Frame-Options") }
    static var referrerPolicy: HTTPField.Name { known("Referrer-Policy") }

    /// - Parameter name: one that is a name by its looks.
    private static func known(_ name: String) -> HTTPField.Name { HTTPField.Name(name) ?? .cookie }
}
#endif
