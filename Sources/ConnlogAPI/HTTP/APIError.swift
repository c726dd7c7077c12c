#if Server
import ConnlogCore
import HTTPTypes
import Hummingbird

/// An answer that is not what was asked for, in the shape of Coder's API.
struct APIError: Error {
    var status: HTTPResponse.Status
    var message: String
    var detail = ""
    var validations: [Validation] = []
    var headers = HTTPFields()
    /// What connlog's own log gets beside it: places and paths that are nobody else's.
    var logged: String?

    struct Validation: Equatable {
        var field: String
        var detail: String
        /// Where in the query, in bytes; ours, for pages that mark the word.
        var range: Range<Int>?
    }

    static let notFound = APIError(status: .notFound, message: "Route not found.")
    static let notLoggedIn = APIError(
        status: .unauthorized, message: "You must be logged in.",
        detail: "Send a token as Coder-Session-Token or Authorization: Bearer.",
        headers: [.wwwAuthenticate: "Bearer realm=\"connlog\""])
    static let sessionOver = APIError(
        status: .unauthorized, message: "You must be logged in.",
        detail:
            "This login is over: it ended after some hours, by a log-out, with its token, or when connlog started anew.",
        headers: [.wwwAuthenticate: "Bearer realm=\"connlog\""])
    static let forbidden = APIError(status: .forbidden, message: "Forbidden.")

    var json: JSONValue {
        var members = [JSONValue.Member(key: "message", value: .string(message))]
        if !detail.isEmpty { members.append(.init(key: "detail", value: .string(detail))) }
        if !validations.isEmpty { members.append(.init(key: "validations", value: .array(validations.map(\.json)))) }
        return .object(members)
    }

    var response: Response {
        var response = Response.json(json, status: status)
        for field in headers { response.headers[field.name] = field.value }
        return response
    }
}

extension APIError.Validation {
    var json: JSONValue {
        var members = [
            JSONValue.Member(key: "field", value: .string(field)), .init(key: "detail", value: .string(detail)),
        ]
        if let range {
            members.append(.init(key: "start", value: JSONValue(range.lowerBound)))
            members.append(.init(key: "end", value: JSONValue(range.upperBound)))
        }
        return .object(members)
    }
}

extension Response {
    static func json(_ value: JSONValue, status: HTTPResponse.Status = .ok) -> Response {
        text(value.line + "\n", "application/json; charset=utf-8", status: status)
    }

    static func text(_ text: String, _ type: String, status: HTTPResponse.Status = .ok) -> Response {
        Response(status: status, headers: [.contentType: type], body: .text(text))
    }
}
#endif
