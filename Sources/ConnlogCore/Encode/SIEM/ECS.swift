internal import ConnlogSystem

/// A JSON object in the fields of the Elastic Common Schema 8.17 (all of them in 9.4 too), always in this order:
///
///     @timestamp                        Time, else ts: RFC 3339 with all digits (an event with neither: 1970, for there must be one)
///     message                           a sentence without data
///     event.id                          ID, else derived
///     event.action                      type-act, such as ssh-opened, workspace_app-denied
///     event.created                     ts
///     event.outcome                     success, failure
///     event.reason                      DisconnectReason
///     event.category, event.type        sessions: session, network / connection, start or end (info without a status)
///                                       web events: web, network / access, allowed, denied or error
///                                       tunnels: network, session / connection, start, allowed; or connection, denied
///     process.exit_code                 Code of sessions
///     http.response.status_code         Code of web events and tunnels
///     network.application               the type, as the event has it; a method and an app as the type that follows
///     network.protocol                  ssh, of SSH, VS Code and JetBrains
///     network.type                      ipv4, ipv6
///     source.ip, source.address, related.ip    IP
///     user.id, user.name                UserID, and with `names = on` the name
///     destination.user.id, .name        WorkspaceOwnerID, and the name
///     related.user                      these ids and names
///     destination.address               workspace.agent
///     destination.port                  SlugOrPort, if it is a port
///     organization.id, .name            OrganizationID, and the name
///     orchestrator.resource.id, .name   WorkspaceID, WorkspaceName
///     user_agent.original               UserAgent
///     http.request.id                   request_id
///     trace.id, span.id                 trace, span
///     coder.connection_id, coder.agent_name, coder.app (SlugOrPort, if it is no port), coder.client_app (AppNameOrPort of
///     a session), coder.client_session_id
///     ecs.version, event.kind, event.module, event.dataset, event.provider, observer.*, orchestrator.type   constants
///
/// Left out: what is the same in every line of coderd (level, msg, caller, func, logger names). ConnectionMethod follows
/// from the type. An address that is none, and a code that is no whole number, are left out: one such value in a typed field
/// and Elasticsearch refuses the document.
///
/// Values are whole, however long; a keyword field finds no more than 1024 characters of one.
enum ECS {
    /// All keys and constants.
    static let overheadMax = 2048

    static func write(
        _ event: borrowing SIEMEvent, _ record: Span<UInt8>, _ shared: SIEMShared, _ text: inout SIEMText,
        _ writer: inout ByteWriter
    ) {
        writer.append("{\"@timestamp\":\"")
        if let time = event.time {
            event.writeTime(event.hasOwnTime ? .time : .ts, time, record, &writer)
        } else {
            writer.append("1970-01-01T00:00:00Z")
        }
        writer.append("\",\"ecs\":{\"version\":\"8.17.0\"},\"message\":\"")
        event.writeName(&writer)
        writer.append("\",")
        happening(event, record, &text, &writer)
        let hasRequest = code(event, record, &text, &writer)
        network(event, record, &text, &writer)
        let source = SIEMJSON.open("\"source\":{", &writer)
        SIEMJSON.address("\"ip\":\"", event.address, record, &writer)
        SIEMJSON.address("\"address\":\"", event.address, record, &writer)
        SIEMJSON.close(source, "\"source\":{", &writer)
        related(event, record, shared.names, &text, &writer)
        let user = SIEMJSON.open("\"user\":{", &writer)
        SIEMJSON.text("\"id\":\"", event.index.value(.userID, in: record), record, &text, &writer)
        SIEMJSON.name("\"name\":\"", shared.names?.user, &writer)
        SIEMJSON.close(user, "\"user\":{", &writer)
        destination(event, record, shared.names, &text, &writer)
        workspace(event, record, shared.names, &text, &writer)
        let agent = SIEMJSON.open("\"user_agent\":{", &writer)
        SIEMJSON.text("\"original\":\"", event.index.value(.userAgent, in: record), record, &text, &writer)
        SIEMJSON.close(agent, "\"user_agent\":{", &writer)
        request(event, record, hasRequest: hasRequest, &text, &writer)
        writer.append("\"observer\":{\"vendor\":\"Coder\",\"product\":\"Coder\"},")
        own(event, record, &text, &writer)
        writer.removeLast(1)
        writer.append("}")
    }

    // MARK: What happened

    private static func happening(
        _ event: borrowing SIEMEvent, _ record: Span<UInt8>, _ text: inout SIEMText, _ writer: inout ByteWriter
    ) {
        writer.append("\"event\":{\"kind\":\"event\",\"id\":\"")
        event.writeID(record, &text, as: .json, &writer)
        writer.append(
            "\",\"module\":\"coder\",\"dataset\":\"coder.connection_log\",\"provider\":\"coderd\",\"action\":\"")
        event.writeType(record, &text, as: .json, &writer)
        if let act = event.act {
            writer.append("-")
            writer.append(act.word)
        }
        writer.append("\",")
        if let created = event.index.entryTime(in: record) {
            writer.append("\"created\":\"")
            event.writeTime(.ts, created, record, &writer)
            writer.append("\",")
        }
        writer.append(event.isSuccess ? "\"outcome\":\"success\"," : "\"outcome\":\"failure\",")
        SIEMJSON.text("\"reason\":\"", event.index.value(.disconnectReason, in: record), record, &text, &writer)
        writer.append(categories(event))
    }

    private static func categories(_ event: borrowing SIEMEvent) -> StaticString {
        switch (event.type, event.act) {
        case (.tunnel, .allowed):
            "\"category\":[\"network\",\"session\"],\"type\":[\"connection\",\"start\",\"allowed\"]},"
        case (.tunnel, _): "\"category\":[\"network\",\"session\"],\"type\":[\"connection\",\"denied\"]},"
        case (_, .opened): "\"category\":[\"session\",\"network\"],\"type\":[\"connection\",\"start\"]},"
        case (_, .closed): "\"category\":[\"session\",\"network\"],\"type\":[\"connection\",\"end\"]},"
        case (_, .allowed): "\"category\":[\"web\",\"network\"],\"type\":[\"access\",\"allowed\"]},"
        case (_, .denied): "\"category\":[\"web\",\"network\"],\"type\":[\"access\",\"denied\"]},"
        case (_, .error): "\"category\":[\"web\",\"network\"],\"type\":[\"access\",\"error\"]},"
        case (_, nil): "\"category\":[\"session\",\"network\"],\"type\":[\"connection\",\"info\"]},"
        }
    }

    /// - Returns: whether the request's id was written too, beside the status: a key may occur once.
    private static func code(
        _ event: borrowing SIEMEvent, _ record: Span<UInt8>, _ text: inout SIEMText, _ writer: inout ByteWriter
    ) -> Bool {
        guard let code = event.code else { return false }
        guard event.hasStatus else {
            writer.append("\"process\":{\"exit_code\":")
            SIEMEvent.writeNumber(code, &writer)
            writer.append("},")
            return false
        }
        writer.append("\"http\":{\"response\":{\"status_code\":")
        SIEMEvent.writeNumber(code, &writer)
        writer.append("},")
        requestID(event, record, &text, &writer)
        SIEMJSON.close(0, "", &writer)
        return true
    }

    private static func requestID(
        _ event: borrowing SIEMEvent, _ record: Span<UInt8>, _ text: inout SIEMText, _ writer: inout ByteWriter
    ) {
        let start = SIEMJSON.open("\"request\":{", &writer)
        SIEMJSON.text("\"id\":\"", event.index.value(.requestID, in: record), record, &text, &writer)
        SIEMJSON.close(start, "\"request\":{", &writer)
    }

    // MARK: Where from, and who

    private static func network(
        _ event: borrowing SIEMEvent, _ record: Span<UInt8>, _ text: inout SIEMText, _ writer: inout ByteWriter
    ) {
        writer.append("\"network\":{\"application\":\"")
        event.writeType(record, &text, as: .json, &writer)
        switch event.type {
        case .ssh, .vscode, .jetbrains: writer.append("\",\"protocol\":\"ssh\"")
        default: writer.append("\"")
        }
        if let address = event.address {
            writer.append(address.isIPv6 ? ",\"type\":\"ipv6\"" : ",\"type\":\"ipv4\"")
        }
        writer.append("},")
    }

    private static func related(
        _ event: borrowing SIEMEvent, _ record: Span<UInt8>, _ names: EventNames?, _ text: inout SIEMText,
        _ writer: inout ByteWriter
    ) {
        let related = SIEMJSON.open("\"related\":{", &writer)
        if event.address != nil {
            writer.append("\"ip\":[")
            SIEMJSON.address("\"", event.address, record, &writer)
            SIEMJSON.close(0, "", ending: "],", &writer)
        }
        let users = SIEMJSON.open("\"user\":[", &writer)
        let user = event.index.value(.userID, in: record)
        let owner = event.index.value(.workspaceOwnerID, in: record)
        SIEMJSON.text("\"", user, record, &text, &writer)
        if !isSame(user, owner, record) { SIEMJSON.text("\"", owner, record, &text, &writer) }
        SIEMJSON.name("\"", names?.user, &writer)
        if names?.workspaceOwner != names?.user { SIEMJSON.name("\"", names?.workspaceOwner, &writer) }
        SIEMJSON.close(users, "\"user\":[", ending: "],", &writer)
        SIEMJSON.close(related, "\"related\":{", &writer)
    }

    private static func isSame(_ one: TextRange?, _ other: TextRange?, _ record: Span<UInt8>) -> Bool {
        guard let one, let other, one.range.count == other.range.count else { return false }
        var place = other.range.lowerBound
        for byte in one.range {
            if record[byte] != record[place] { return false }
            place += 1
        }
        return true
    }

    // MARK: Where to

    private static func destination(
        _ event: borrowing SIEMEvent, _ record: Span<UInt8>, _ names: EventNames?, _ text: inout SIEMText,
        _ writer: inout ByteWriter
    ) {
        let start = SIEMJSON.open("\"destination\":{", &writer)
        let owner = SIEMJSON.open("\"user\":{", &writer)
        SIEMJSON.text("\"id\":\"", event.index.value(.workspaceOwnerID, in: record), record, &text, &writer)
        SIEMJSON.name("\"name\":\"", names?.workspaceOwner, &writer)
        SIEMJSON.close(owner, "\"user\":{", &writer)
        if let workspace = event.index.value(.workspaceName, in: record) {
            writer.append("\"address\":\"")
            text.append(workspace, of: record, as: .json, to: &writer)
            if let agent = event.index.value(.agentName, in: record) {
                writer.append(UInt8(ascii: "."))
                text.append(agent, of: record, as: .json, to: &writer)
            }
            writer.append("\",")
        }
        SIEMJSON.number("\"port\":", event.port(in: record), &writer)
        SIEMJSON.close(start, "\"destination\":{", &writer)
    }

    private static func workspace(
        _ event: borrowing SIEMEvent, _ record: Span<UInt8>, _ names: EventNames?, _ text: inout SIEMText,
        _ writer: inout ByteWriter
    ) {
        let organization = SIEMJSON.open("\"organization\":{", &writer)
        SIEMJSON.text("\"id\":\"", event.index.value(.organizationID, in: record), record, &text, &writer)
        SIEMJSON.name("\"name\":\"", names?.organization, &writer)
        SIEMJSON.close(organization, "\"organization\":{", &writer)
        writer.append("\"orchestrator\":{\"type\":\"coder\",\"resource\":{\"type\":\"workspace\",")
        SIEMJSON.text("\"id\":\"", event.index.value(.workspaceID, in: record), record, &text, &writer)
        SIEMJSON.text("\"name\":\"", event.index.value(.workspaceName, in: record), record, &text, &writer)
        SIEMJSON.close(0, "", ending: "}},", &writer)
    }

    // MARK: The rest

    private static func request(
        _ event: borrowing SIEMEvent, _ record: Span<UInt8>, hasRequest: Bool, _ text: inout SIEMText,
        _ writer: inout ByteWriter
    ) {
        if !hasRequest {
            let start = SIEMJSON.open("\"http\":{", &writer)
            requestID(event, record, &text, &writer)
            SIEMJSON.close(start, "\"http\":{", &writer)
        }
        let trace = SIEMJSON.open("\"trace\":{", &writer)
        SIEMJSON.text("\"id\":\"", event.traceID(.trace, in: record), record, &text, &writer)
        SIEMJSON.close(trace, "\"trace\":{", &writer)
        let span = SIEMJSON.open("\"span\":{", &writer)
        SIEMJSON.text("\"id\":\"", event.traceID(.span, in: record), record, &text, &writer)
        SIEMJSON.close(span, "\"span\":{", &writer)
    }

    /// What the schema has no field for.
    private static func own(
        _ event: borrowing SIEMEvent, _ record: Span<UInt8>, _ text: inout SIEMText, _ writer: inout ByteWriter
    ) {
        let start = SIEMJSON.open("\"coder\":{", &writer)
        SIEMJSON.text("\"connection_id\":\"", event.index.value(.connectionID, in: record), record, &text, &writer)
        SIEMJSON.text("\"agent_name\":\"", event.index.value(.agentName, in: record), record, &text, &writer)
        SIEMJSON.text("\"app\":\"", event.app(in: record), record, &text, &writer)
        SIEMJSON.text("\"client_app\":\"", event.clientApp(in: record), record, &text, &writer)
        SIEMJSON.text(
            "\"client_session_id\":\"", event.index.value(.clientSessionID, in: record), record, &text, &writer)
        SIEMJSON.close(start, "\"coder\":{", &writer)
    }
}
