#if Server
import ConnlogCore
import ConnlogStore
import HTTPTypes
import Hummingbird
import NIOCore

/// `POST /login` and `POST /logout`: the page's session is a random id in a cookie, which stands for what was shown.
struct LoginHandler {
    let gate: Gate

    private static let bodyMax = 4096

    func logIn(_ request: Request, _ context: APIContext) async throws -> Response {
        var request = request
        context.wantBody()
        let body = try? await request.collectBody(upTo: LoginHandler.bodyMax)
        guard let body, let token = LoginHandler.token(String(buffer: body)) else {
            throw APIError(status: .badRequest, message: #"Send {"token":"..."}."#)
        }
        let (entry, grant) = try await gate.entry(of: token, context)
        guard entry.role.mayRead else {
            throw APIError(
                status: .forbidden,
                message: "This token may not see connections: its role is '\(entry.role.rawValue)'.",
                detail: "The page needs one of the role 'auditor' or 'admin'.")
        }
        var response = Response.json(["username": .string(entry.name)])
        response.headers[.setCookie] = gate.cookie.set(try gate.beginSession(entry, grant))
        return response
    }

    func logOut(_ request: Request) -> Response {
        if let id = gate.cookie.value(request) { gate.sessions.end(id) }
        // Whoever watches with it is looked at again.
        gate.state.bell.ring()
        var response = Response.json([:])
        response.headers[.setCookie] = gate.cookie.cleared
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
#endif
