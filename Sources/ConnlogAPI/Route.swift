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
    case ways = "/login/ways"
    case signIn = "/login/oidc"
    case signedIn = "/login/oidc/callback"
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
    case people = "/api/v2/connectionlog/people"
    case watch = "/api/v2/connectionlog/watch"
    case names = "/api/v2/connectionlog/names"
    case status = "/api/v2/connectionlog/status"
    case ingest = "/api/v2/connectionlog/ingest"
    case audit = "/api/v2/connectionlog/audit"
    case views = "/api/v2/connectionlog/views"
    case view = "/api/v2/connectionlog/views/{id}"
    case details = "/api/v2/connectionlog/{id}"

    /// The route of a path, and what stands for `{id}` in it.
    static func find(_ path: String) -> (route: Route, id: String)? {
        if let route = Route(rawValue: path), ![.details, .file, .view].contains(route) { return (route, "") }
        if path.hasPrefix("/page/") { return (.file, String(path.dropFirst(6))) }
        return find(path, Route.views, .view) ?? find(path, Route.list, .details)
    }

    private static func find(_ path: String, _ parent: Route, _ route: Route) -> (route: Route, id: String)? {
        let start = parent.rawValue + "/"
        guard path.hasPrefix(start) else { return nil }
        let id = path.dropFirst(start.count)
        guard !id.isEmpty, !id.contains("/"), let id = Parameters.decoded(id.utf8) else { return nil }
        return (route, id)
    }

    var methods: [HTTPRequest.Method] {
        switch self {
        case .ingest, .login, .logout: [.post]
        case .views: [.get, .post]
        case .view: [.get, .put, .delete]
        default: [.get]
        }
    }

    /// What it wants of whoever asks. One that names nothing does not compile.
    var needs: Need {
        switch self {
        case .health: .life
        case .ready: .readiness
        case .page, .file, .openAPI, .buildInfo, .ways: .anyone
        case .login, .logout, .signIn: .visitor
        case .signedIn: .returner
        case .me: .holder
        case .organizations, .list, .export, .stats, .people, .watch, .names, .details, .views, .view: .reader
        case .audit: .overseer
        case .status: .watcher
        case .metrics: .watcherOfAll
        case .ingest: .writer
        }
    }

    /// Asked again and again by machines.
    var isQuiet: Bool { needs.isNobody || self == .metrics }

    var readsBody: Bool { [.ingest, .login, .views, .view].contains(self) }

    /// Takes as long as the client likes.
    var isStreamed: Bool { [.export, .watch, .ingest].contains(self) }
}

/// Answers requests.
struct Answers: Sendable {
    let gate: Gate
    let counts: HTTPCounts
    let connections: Connections
    let bodyBytesMax: Int
    let timeout: Duration
    let questions: Budget
    let streams: Budget
    private let certificate: ServerCertificate?
    let clock: any WallTime = SystemWallTime()
    private let people = KnownPeople()

    init(gate: Gate, counts: HTTPCounts, connections: Connections, options: APIServer.Options) {
        self.gate = gate
        self.counts = counts
        self.connections = connections
        bodyBytesMax = options.bodyBytesMax
        timeout = options.timeout
        certificate = options.certificate
        questions = Budget("questions", options.questionsMax)
        streams = Budget("streams", options.streamsMax)
    }

    func answer(
        _ route: Route, _ id: String, _ request: Request, _ context: APIContext, _ who: inout String
    ) async throws -> Response {
        let parts = gate.state.parts
        let client = context.client(connections)
        guard let caller = try await gate.letIn(route.needs, request, context, client, &who) else {
            return try await open(route, id, request, context, parts)
        }
        switch route {
        case .ingest: return try await ingest(request, caller, parts, context)
        case .me: return ClientInfoHandler.me(caller, parts.names)
        case .organizations: return ClientInfoHandler.organizations(caller, parts.names)
        case .metrics: return try await metrics(parts)
        case .status: return try await status(request, caller, parts)
        case .views, .view:
            let ticket = try questions.take(caller.share, context.peer)
            return try await ViewsHandler(caller, parts, begin: context.wantBody).respond(id, request).holding(ticket)
        case .list, .export, .stats, .people, .watch, .names, .details, .audit:
            let ticket = try (route.isStreamed ? streams : questions).take(caller.share, context.peer)
            var asker = Asker(caller: caller, gate: gate, client: context.client(connections))
            asker.seal = try await seal(asker, parts)
            let note = AuditNote.of(
                route, Parameters(request.uri.query), caller, request, context, gate.state, clock: clock)
            asker.audit = note
            let response = try await question(route, id, request, parts, asker).holding(ticket)
            return note?.following(response) ?? response
        case .page, .file, .login, .logout, .ways, .signIn, .signedIn, .health, .ready, .openAPI, .buildInfo:
            return try await open(route, id, request, context, parts)
        }
    }

    /// What the store's numbers become for whoever may see some organizations only.
    private func seal(_ asker: Asker, _ parts: APIParts) async throws -> NumberSeal? {
        guard asker.caller.isLimited, let store = parts.store?.store else { return nil }
        return NumberSeal(try await Question.ask(asker.client) { try await store.newestMark().store })
    }

    private func question(
        _ route: Route, _ id: String, _ request: Request, _ parts: APIParts, _ asker: Asker
    ) async throws -> Response {
        let parameters = Parameters(request.uri.query)
        if route != .list || parameters.isOn("connlog") { try parameters.refuseWhatIsNotRead() }
        let now = clock.now()
        switch route {
        case .audit: return try await AuditHandler(parameters, asker, parts).respond()
        case .names: return try await NamesHandler(asker: asker, parts: parts, memory: people).respond()
        case .list: return try await ListHandler(parameters, asker, parts, now: now).respond()
        case .export where parameters["format"] == "package":
            let version = try await overview(parts).version
            return try await PackageHandler(parameters, asker, parts, now: now, version: version).respond()
        case .export: return try await ExportHandler(parameters, asker, parts, now: now).respond()
        default: break
        }
        let question = try Question(parameters, asker, parts, dialect: .connlog, now: now)
        switch route {
        case .stats: return try await StatsHandler(parameters, question, now: now).respond()
        case .people: return try await PeopleHandler(parameters, question, now: now).respond()
        case .watch:
            return try await WatchHandler(parameters, request.headers[.lastEventID], question).respond()
        default: return try await DetailsHandler(id, question).respond()
        }
    }

    /// What wants nobody.
    private func open(
        _ route: Route, _ name: String, _ request: Request, _ context: APIContext, _ parts: APIParts
    ) async throws -> Response {
        let login = LoginHandler(gate: gate)
        switch route {
        case .page: return PageFile.index.response(request)
        case .file:
            guard let file = PageFile.named(name) else { throw APIError.notFound }
            return file.response(request)
        case .login: return try await whileThere(context) { try await login.logIn(request, context) }
        case .logout: return login.logOut(request)
        case .ways: return OIDCHandler(gate: gate).ways()
        case .signIn:
            return try await whileThere(context) { try await OIDCHandler(gate: gate).begin(request, context) }
        case .signedIn: return try await whileThere(context) { await OIDCHandler(gate: gate).finish(request, context) }
        case .ready: return await ready(parts)
        case .buildInfo: return ClientInfoHandler.buildInfo(try await overview(parts).version)
        case .openAPI:
            let found = (try? await overview(parts)) ?? Overview()
            return .text(OpenAPI.document(found, own), "application/json; charset=utf-8")
        case .health: return .json(["status": "ok"])
        case .me, .organizations, .list, .export, .stats, .people, .watch, .names, .details, .status, .metrics, .ingest,
            .audit, .views, .view:
            throw APIError.notLoggedIn
        }
    }

    /// Nobody else is asked for a client that has left.
    private func whileThere(
        _ context: APIContext, _ body: @escaping @Sendable () async throws -> Response
    ) async throws -> Response {
        guard let client = context.client(connections) else { return try await body() }
        return try await client.whileThere(body)
    }

    // MARK: - How connlog is

    private func overview(_ parts: APIParts) async throws -> Overview { try await parts.overview() }

    private func metrics(_ parts: APIParts) async throws -> Response {
        .text(Metrics.text(try await overview(parts), own), "text/plain; version=0.0.4; charset=utf-8")
    }

    private func status(_ request: Request, _ caller: Caller, _ parts: APIParts) async throws -> Response {
        var found = try await overview(parts)
        if caller.isLimited { found = found.withoutFigures }
        let parameters = Parameters(request.uri.query)
        if parameters["format"] != "text" { return .json(StatusJSON.value(found, own)) }
        let text = StatusText.text(found, own, figures: parameters["figures"] == "all")
        return .text(text, "text/plain; charset=utf-8")
    }

    private var own: Metrics.Own {
        Metrics.Own(
            http: counts.snapshot, connections: connections.count, questions: questions.underWay,
            streams: streams.underWay, certificateEnd: certificate?.end)
    }

    /// Whether events are taken and questions answered.
    private func ready(_ parts: APIParts) async -> Response {
        var reasons: [String] = []
        do {
            let found = try await overview(parts)
            if found.queue.state != "ok" { reasons.append("the queue takes nothing: \(found.queue.state)") }
            // Anyone may ask here, so the sentences are for the status.
            if !found.stuck.isEmpty { reasons.append("something is stuck: 'connlog status' says what") }
        } catch {
            reasons.append("\(error)")
        }
        if let store = parts.store, store.trouble != nil {
            reasons.append("the store cannot answer now: connlog's own log says why")
        }
        if reasons.isEmpty { return .json(["status": "ready"]) }
        return .json(
            ["status": "not ready", "reasons": .array(reasons.map { .string($0) })], status: .serviceUnavailable)
    }

    // MARK: - Ingest

    private func ingest(
        _ request: Request, _ caller: Caller, _ parts: APIParts, _ context: APIContext
    ) async throws -> Response {
        guard let intake = parts.intake else {
            throw APIError(
                status: .notFound, message: "Route not found.",
                detail: "This connlog has no [source] of type ingest.")
        }
        let ticket = try streams.take(caller.share, context.peer)
        let handler = IngestHandler(
            intake: intake, organizations: caller.organizations, bytesMax: bodyBytesMax, clock: clock,
            timeout: timeout, begin: context.wantBody)
        do {
            return try await handler.respond(request).holding(ticket)
        } catch is SlowBody {
            counts.cut("slow_body")
            throw APIError(
                status: .requestTimeout, message: "The body comes too slowly.",
                detail: "Send less at once, or over a faster way.")
        }
    }
}

/// Who waits for an answer.
struct Asker: Sendable {
    let caller: Caller
    let gate: Gate
    let client: ClientConnection?
    /// `nil` for whoever may see all organizations.
    var seal: NumberSeal?
    /// What is told of the answer.
    var audit: AuditNote?

    /// - Throws: when the caller's rights have changed since the answer began.
    func check() async throws {
        guard await gate.isStillGood(caller) else { throw RightsChanged() }
    }

    /// When at the latest `check` has to be asked again, from now on; `nil`: when the gate's bell rings.
    var patience: Duration? { gate.patience(caller) }

    struct RightsChanged: Error {}
}

extension Response {
    /// The same answer, with a place kept for it until it is written or dropped.
    func holding(_ ticket: Budget.Ticket) -> Response {
        guard body.contentLength == nil else { return self }
        var response = self
        let body = body
        response.body = ResponseBody { writer in
            try await body.write(writer)
            withExtendedLifetime(ticket) {}
        }
        return response
    }
}
#endif
