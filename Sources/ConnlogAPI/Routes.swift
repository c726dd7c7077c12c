#if Server
import ConnlogCore
import ConnlogStore
import ConnlogSystem
import HTTPTypes
import Hummingbird

/// What there is to ask for.
enum Route: String, CaseIterable {
    case page = "/"
    case file = "/page/{name}"
    case login = "/login"
    case logout = "/logout"
    case health = "/healthz"
    case ready = "/readyz"
    case metrics = "/metrics"
    case openAPI = "/openapi.json"
    case buildInfo = "/api/v2/buildinfo"
    case me = "/api/v2/users/me"
    case organizations = "/api/v2/organizations"
    case list = "/api/v2/connectionlog"
    case export = "/api/v2/connectionlog/export"
    case stats = "/api/v2/connectionlog/stats"
    case watch = "/api/v2/connectionlog/watch"
    case names = "/api/v2/connectionlog/names"
    case status = "/api/v2/connectionlog/status"
    case ingest = "/api/v2/connectionlog/ingest"
    case details = "/api/v2/connectionlog/{id}"

    /// The route of a path, and what stands for `{id}` in it.
    static func find(_ path: String) -> (route: Route, id: String)? {
        if let route = Route(rawValue: path), route != .details, route != .file { return (route, "") }
        if path.hasPrefix("/page/") { return (.file, String(path.dropFirst(6))) }
        let start = Route.list.rawValue + "/"
        guard path.hasPrefix(start) else { return nil }
        let id = path.dropFirst(start.count)
        guard !id.isEmpty, !id.contains("/"), let id = Parameters.decoded(id.utf8) else { return nil }
        return (.details, id)
    }

    var method: HTTPRequest.Method { [.ingest, .login, .logout].contains(self) ? .post : .get }

    /// Anyone may ask, without a token.
    var isOpen: Bool {
        [.page, .file, .login, .logout, .health, .ready, .buildInfo, .openAPI].contains(self)
    }

    /// Takes as long as the client likes.
    var isStreamed: Bool { [.export, .watch, .ingest].contains(self) }
}

/// Answers requests.
struct Answers: Sendable {
    let gate: Gate
    let counts: HTTPCounts
    let bodyBytesMax: Int
    let isTLS: Bool
    let clock: any WallTime

    func answer(
        _ route: Route, _ id: String, _ request: Request, _ context: APIContext, _ who: inout String
    ) async throws -> Response {
        let parts = gate.state.parts
        if route.isOpen { return try await open(route, id, request, context, parts) }
        let caller = try gate.caller(request, context)
        who = caller.name
        if route == .ingest { return try await ingest(request, caller, parts) }
        let parameters = Parameters(request.uri.query)
        let now = clock.now()
        switch route {
        case .me: return SurroundingHandler.me(caller, parts.names)
        case .names: return try NamesHandler.respond(caller, parts.names)
        case .organizations: return try SurroundingHandler.organizations(caller, parts.names)
        case .metrics, .status:
            guard caller.role.mayRead else { throw APIError.forbidden }
            if route == .status {
                let overview = try await parts.overview()
                if parameters["format"] != "text" { return .json(StatusJSON.value(overview)) }
                return .text(StatusText.text(overview, now: now), "text/plain; charset=utf-8")
            }
            let text = Metrics.text(try await parts.overview(), counts.snapshot)
            return .text(text, "text/plain; version=0.0.4; charset=utf-8")
        case .list: return try await ListHandler(parameters, caller, parts, now: now).respond()
        case .export: return try await ExportHandler(parameters, caller, parts, now: now).respond()
        default: break
        }
        let question = try Question(parameters, caller, parts, dialect: .connlog, now: now)
        switch route {
        case .stats: return try await StatsHandler(parameters, question, now: now).respond()
        case .watch:
            return try await WatchHandler(parameters, request.headers[.lastEventID], question).respond()
        default: return try await DetailsHandler.respond(id, question, caller)
        }
    }

    private func open(
        _ route: Route, _ name: String, _ request: Request, _ context: APIContext, _ parts: APIParts
    ) async throws -> Response {
        let login = LoginHandler(gate: gate, isTLS: isTLS)
        switch route {
        case .page: return PageFile.index.response(request)
        case .file:
            guard let file = PageFile.named(name) else { throw APIError.notFound }
            return file.response(request)
        case .login: return try await login.logIn(request, context)
        case .logout: return try login.logOut(request)
        case .ready: return await ready(parts)
        case .buildInfo: return try await SurroundingHandler.buildInfo(parts)
        case .openAPI: return .text(OpenAPI.document, "application/json; charset=utf-8")
        default: return .json(["status": "ok"])
        }
    }

    /// Whether events are taken and questions answered.
    private func ready(_ parts: APIParts) async -> Response {
        var reasons: [String] = []
        do {
            let queue = try await parts.overview().queue
            if queue.state != "ok" { reasons.append("the queue takes nothing: \(queue.state)") }
        } catch {
            reasons.append("\(error)")
        }
        if let store = parts.store, store.store == nil { reasons.append("the store is not open") }
        if reasons.isEmpty { return .json(["status": "ready"]) }
        return .json(
            ["status": "not ready", "reasons": .array(reasons.map { .string($0) })], status: .serviceUnavailable)
    }

    private func ingest(_ request: Request, _ caller: Caller, _ parts: APIParts) async throws -> Response {
        // A browser sends cookies along with what other sites make it send.
        guard caller.role.mayWrite, !caller.isByCookie else { throw APIError.forbidden }
        guard let intake = parts.intake else {
            throw APIError(
                status: .notFound, message: "Route not found.",
                detail: "This connlog has no [source] of type ingest.")
        }
        return try await IngestHandler(intake: intake, bytesMax: bodyBytesMax).respond(request)
    }
}
#endif
