#if Server
package import ConnlogCore
import ConnlogSystem
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import ServiceLifecycle

/// The HTTP server: Coder's API for connection logs, ours on top of it, ingest, metrics and health.
package struct APIServer: Sendable {
    /// How to serve.
    package struct Options: Sendable {
        package var host: String
        package var port: Int
        package var certificate: ServerCertificate?
        /// Of the lines of one ingest request, unpacked.
        package var bodyBytesMax: Int
        package var connectionsMax: Int
        /// From one address.
        package var connectionsOfAddressMax = 256
        /// Questions under way at once, and answers that go on: a quarter for one token, half for one address.
        package var questionsMax = 64
        package var streamsMax = 256
        /// Where browsers find the server behind a proxy.
        package var externalURL: ExternalURL?
        package var trustedProxies = TrustedProxies()
        /// How long a question may take, and how long a connection may be idle.
        package var timeout: Duration
        /// How long the rest of a body may come that nobody wants any more, since its answer has been given. Long enough
        /// for whoever sends it to see the answer, and short, since meanwhile it is taken as fast as it comes.
        package var restTimeout = Duration.seconds(5)

        package init(
            host: String, port: Int, certificate: ServerCertificate? = nil, bodyBytesMax: Int = 64 << 20,
            connectionsMax: Int = 1024, timeout: Duration = .seconds(30)
        ) {
            self.host = host
            self.port = port
            self.certificate = certificate
            self.bodyBytesMax = bodyBytesMax
            self.connectionsMax = connectionsMax
            self.timeout = timeout
        }
    }

    private let options: Options
    private let responder: APIResponder

    package init(_ options: Options, _ state: APIState, log: @escaping LogFunction) {
        self.options = options
        let counts = HTTPCounts()
        let connections = Connections(options, counts, log: log)
        let gate = Gate(
            state: state, external: options.externalURL, isTLS: options.certificate != nil, counts: counts)
        responder = APIResponder(
            answers: Answers(gate: gate, counts: counts, connections: connections, options: options),
            connections: connections, counts: counts, options: options, log: log)
    }

    /// Serves until `stop` returns, or the task is cancelled: then no more connections are taken, and those that are busy
    /// have two seconds.
    ///
    /// Cancelling alone would end the process when a connection has been taken and not yet looked at: NIO insists on its
    /// channels being finished.
    /// - Parameters:
    ///   - path: a local socket to listen at, without TLS, in the place of the options' address.
    ///   - ready: called with the port once connections are taken; with port 0 the machine has chosen one.
    /// - Throws: why the address cannot be used.
    package func run(
        at path: String? = nil, until stop: @escaping @Sendable () async -> Void,
        ready: @escaping @Sendable (Int) async -> Void = { _ in }
    ) async throws {
        // The library's own words are for its authors; requests are logged by the responder.
        var logger = Logger(label: "server")
        logger.logLevel = .critical
        var application = Application(
            responder: responder, server: builder(isLocal: path != nil),
            configuration: ApplicationConfiguration(
                address: path.map { .unixDomainSocket(path: $0) } ?? .hostname(options.host, port: options.port),
                serverName: "connlog", backlog: 1024,
                reuseAddress: true,
                availableConnectionsDelegate: MaximumAvailableConnections(connectionsMax)),
            onServerRunning: { [responder] channel in
                await responder.connections.restWhenNoneCanBeTaken(channel)
                await ready(channel.localAddress?.port ?? 0)
            }, logger: logger)
        application.services = []
        var configuration = ServiceGroupConfiguration(services: [application], logger: logger)
        configuration.maximumGracefulShutdownDuration = .seconds(2)
        let group = ServiceGroup(configuration: configuration)
        let stopping = Task {
            await stop()
            await group.triggerGracefulShutdown()
        }
        defer { stopping.cancel() }
        // Nobody else may cancel what the group runs.
        let running = Task { try await group.run() }
        try await withTaskCancellationHandler {
            try await running.value
        } onCancel: {
            Task { await group.triggerGracefulShutdown() }
        }
    }

    /// Descriptors are needed for the store, its readers and the log too.
    private var connectionsMax: Int { min(options.connectionsMax, max(16, Machine.descriptorLimit - 128)) }

    private func builder(isLocal: Bool) -> HTTPServerBuilder {
        let configuration = HTTP1Channel.Configuration(idleTimeout: TimeAmount(options.timeout))
        let (certificate, connections) = (isLocal ? nil : options.certificate, responder.connections)
        return HTTPServerBuilder { responder in
            ServerChannel(
                base: HTTP1Channel(responder: responder, configuration: configuration), connections: connections,
                certificate: certificate)
        }
    }
}

/// Takes one request from its route to its answer, counts it and says so in the log.
struct APIResponder: HTTPResponder {
    typealias Context = APIContext

    let answers: Answers
    let connections: Connections
    let counts: HTTPCounts
    let options: APIServer.Options
    let log: LogFunction
    private let refusals = RepeatedWords(first: 10)

    init(
        answers: Answers, connections: Connections, counts: HTTPCounts, options: APIServer.Options,
        log: @escaping LogFunction
    ) {
        self.answers = answers
        self.connections = connections
        self.counts = counts
        self.options = options
        self.log = log
    }

    func respond(to request: Request, context: APIContext) async throws -> Response {
        var context = context
        context.peer = options.trustedProxies.client(context.peer, request.headers[values: .forwardedFor])
        let client = context.client(connections)
        client?.begin()
        let start = ContinuousClock.now
        let id = String(UInt64.random(in: .min ... .max), radix: 16)
        var who = "-"
        counts.begin()
        let found = Route.find(request.uri.path)
        var response = await answer(found, id, request, context, &who)
        finish(&response, id)
        let time = ContinuousClock.now - start
        counts.end(found?.route.rawValue ?? "other", response.status.code, time)
        if APIResponder.hasBody(request), found?.route.readsBody != true || response.status.code >= 400 {
            client?.expectEnd(within: min(options.timeout, options.restTimeout))
        }
        tell(id, who, found?.route, request, context, response, time)
        return response
    }

    private static func hasBody(_ request: Request) -> Bool {
        request.headers[.transferEncoding] != nil || request.headers[.contentLength].map { $0 != "0" } ?? false
    }

    private func tell(
        _ id: String, _ who: String, _ route: Route?, _ request: Request, _ context: APIContext, _ response: Response,
        _ time: Duration
    ) {
        let milliseconds = String(Int(time / .milliseconds(1)))
        // Neither the query nor a header: they may hold what nobody should read.
        let path = route.map { $0.rawValue } ?? "unknown path"
        let peer = context.isLocalSocket ? "socket" : context.peer
        let what = "\(who)@\(peer) \(request.method) \(path): \(response.status.code)"
        let level: LogLevel = response.status.code >= 500 ? .warning : route?.isQuiet == true ? .debug : .info
        // Whoever tries tokens, asks too much, or asks while somebody else is down, could fill the disk with it.
        if [401, 403, 404, 429, 503].contains(response.status.code) {
            if let words = refusals.words(what) { log(level, "request \(id): \(words)") }
            return
        }
        log(level, "request \(id): \(what) in \(milliseconds) ms")
    }

    private func answer(
        _ found: (route: Route, id: String)?, _ requestID: String, _ request: Request, _ context: APIContext,
        _ who: inout String
    ) async -> Response {
        do {
            try RefusedHead.check(request)
        } catch {
            return error.response
        }
        guard let (route, id) = found else { return APIError.notFound.response }
        do {
            try answers.gate.admit(route.needs, request, context)
        } catch {
            return error.response
        }
        let isHead = request.method == .head && route.methods.contains(.get) && !route.isStreamed
        guard route.methods.contains(request.method) || isHead else {
            let methods = route.methods.map(\.rawValue)
            return APIError(
                status: .methodNotAllowed, message: "Only \(methods.joined(separator: " and ")) is known here.",
                headers: [.allow: methods.joined(separator: ", ")]
            ).response
        }
        do {
            let (response, name) = try await inTime(route, id, request, context)
            who = name
            return isHead ? response.createHeadResponse() : response
        } catch let error as Refused {
            who = error.who
            if let words = error.error.logged { log(.warning, "request \(requestID): \(words)") }
            return error.error.response
        } catch is ClientLeft {
            return APIError(
                status: .init(code: 499, reasonPhrase: "Client Closed Request"), message: "Nobody waits for it."
            ).response
        } catch {
            log(.warning, "request \(requestID): \(error)")
            return APIError(
                status: .internalServerError, message: "An internal error occurred.",
                detail: "connlog's own log says more, under the id of this request."
            ).response
        }
    }

    /// What went wrong, and for whom.
    private struct Refused: Error {
        let error: APIError
        let who: String
    }

    private func inTime(
        _ route: Route, _ id: String, _ request: Request, _ context: APIContext
    ) async throws -> (Response, String) {
        if route.isStreamed { return try await named(route, id, request, context) }
        return try await withThrowingTaskGroup(of: (Response, String)?.self) { group in
            group.addTask { try await named(route, id, request, context) }
            group.addTask {
                try await Task.sleep(for: options.timeout)
                return nil
            }
            defer { group.cancelAll() }
            if let answer = try await group.next() ?? nil { return answer }
            let error = APIError(
                status: .serviceUnavailable, message: "This takes too long.",
                detail: "Ask for less: a shorter time, or fewer conditions that look at every row.")
            throw Refused(error: error, who: "-")
        }
    }

    private func named(
        _ route: Route, _ id: String, _ request: Request, _ context: APIContext
    ) async throws -> (Response, String) {
        var who = "-"
        do {
            let response = try await answers.answer(route, id, request, context, &who)
            return (response, who)
        } catch let error as APIError {
            throw Refused(error: error, who: who)
        }
    }

    private func finish(_ response: inout Response, _ id: String) {
        response.headers[.requestID] = id
        response.headers[.contentTypeOptions] = "nosniff"
        response.headers[.frameOptions] = "DENY"
        response.headers[.referrerPolicy] = "no-referrer"
        if response.headers[.contentSecurityPolicy] == nil {
            response.headers[.contentSecurityPolicy] = "default-src 'none'; frame-ancestors 'none'"
        }
        if response.headers[.cacheControl] == nil { response.headers[.cacheControl] = "no-store" }
        if options.externalURL?.isSecure == true { response.headers[.strictTransportSecurity] = "max-age=31536000" }
    }
}
#endif
