#if Server
import ConnlogCore
import HTTPTypes
import Hummingbird
import NIOCore

/// `POST /login` and `POST /logout`: the page's session is the token in a cookie that scripts cannot read and other sites
/// cannot send.
struct LoginHandler {
    let gate: Gate
    let isTLS: Bool

    private static let bodyMax = 4096

    func logIn(_ request: Request, _ context: APIContext) async throws -> Response {
        try LoginHandler.refuseOtherSites(request)
        var request = request
        let body = try? await request.collectBody(upTo: LoginHandler.bodyMax)
        guard let body, let token = LoginHandler.token(String(buffer: body)) else {
            throw APIError(status: .badRequest, message: #"Send {"token":"..."}."#)
        }
        let name = try gate.name(of: token, context)
        return cookie(token, age: 12 * 3600, ["username": .string(name)])
    }

    func logOut(_ request: Request) throws -> Response {
        try LoginHandler.refuseOtherSites(request)
        return cookie("", age: 0, [:])
    }

    /// A form of another site could log a browser in as somebody else.
    private static func refuseOtherSites(_ request: Request) throws(APIError) {
        let site = request.headers[.secFetchSite] ?? "same-origin"
        guard site == "same-origin" || site == "none" else { throw .forbidden }
    }

    private func cookie(_ token: String, age: Int, _ json: JSONValue) -> Response {
        var response = Response.json(json)
        response.headers[.setCookie] =
            "\(Gate.cookieName)=\(token); Path=/; HttpOnly; SameSite=Strict; Max-Age=\(age)" + (isTLS ? "; Secure" : "")
        return response
    }

    /// Tokens are letters, digits and a few signs that mean nothing in a cookie.
    private static func token(_ body: String) -> String? {
        let bytes = Array(body.utf8)
        var scanner = EventScanner()
        var index = EventFields()
        if case .malformed = scanner.scan(bytes.span, into: &index) { return nil }
        var members = JSONMembers(bytes.span, 0..<bytes.count)
        while let member = members.next() {
            guard JSONText.string(bytes.span, member.key) == "token" else { continue }
            let token = JSONText.string(bytes.span, member.value.range)
            let isPlain = token.utf8.allSatisfy {
                (0x21...0x7e).contains($0) && ![0x22, 0x2c, 0x3b, 0x5c].contains($0)
            }
            return isPlain && !token.isEmpty ? token : nil
        }
        return nil
    }
}

/// `GET /api/v2/connectionlog/names`: people and organizations that a directory knows, for menus and completion.
enum NamesHandler {
    private static let countMax = 5000

    static func respond(_ caller: Caller, _ names: any Names) throws(APIError) -> Response {
        guard caller.role.mayRead else { throw .forbidden }
        let users = names.users.filter { !$0.isDeleted }.sorted { $0.username < $1.username }.prefix(countMax)
        return .json([
            "users": .array(
                users.map { ["id": .string($0.id), "username": .string($0.username), "email": .string($0.email)] }),
            "organizations": .array(
                names.organizations.filter { caller.maySee($0.id) }.map {
                    ["id": .string($0.id), "name": .string($0.name), "display_name": .string($0.displayName)]
                }),
        ])
    }
}
#endif
