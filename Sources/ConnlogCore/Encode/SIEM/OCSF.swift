internal import ConnlogSystem

/// A JSON object of the Open Cybersecurity Schema Framework 1.8.0, of one of four classes, always in this order:
///
///     ssh, vscode, jetbrains            SSH Activity 4007             activity 1 Open, 2 Close
///     reconnecting_pty, unknown types   Network Activity 4001         activity 1 Open, 2 Close
///     tunnel                            Tunnel Activity 4014          activity 1 Open
///     workspace_app, port_forwarding    Web Resources Activity 6001   activity 2 Read
///     (a session whose status is neither connected nor disconnected: 0 Unknown)
///
///     severity_id                       1, 2, 3 for syslog's severity 6, 5, 4
///     time                              Time, else ts; milliseconds (an event with neither: 0, for there must be one)
///     status_id                         1 success, 2 failure
///     message                           a sentence without data
///     status_code, status_detail        Code, DisconnectReason
///     metadata.uid                      ID, else derived
///     metadata.correlation_uid          ConnectionID
///     metadata.original_time            Time as it was received
///     metadata.logged_time              ts; milliseconds
///     metadata.tenant_uid               OrganizationID
///     metadata.event_code               the type, as the event has it; a method and an app as the type that follows
///     metadata.profiles                 host, where there is an actor: only then the schema has one
///     src_endpoint.ip                   IP
///     dst_endpoint.name, uid, svc_name  WorkspaceName, WorkspaceID, AgentName ("unknown" without any)
///     dst_endpoint.owner.uid, name      WorkspaceOwnerID, and with `names = on` the name
///     dst_endpoint.port                 SlugOrPort, if it is a port
///     actor.user.uid, name              UserID, and the name; `user` of tunnels
///     web_resources                     SlugOrPort; its uid is workspace id/agent/what was opened (6001)
///     http_request.user_agent, uid      UserAgent, request_id (6001)
///     http_response.code                Code (6001)
///     connection_info                   inbound, ConnectionID, and 4 or 6 (4001, 4007; tunnels that have an id or no address)
///     app_name                          the type again (4001, 4007)
///     unmapped                          what has no place: request_id, user_agent, app (SlugOrPort of others than web events),
///                                       client_app (AppNameOrPort of a session), client_session_id, trace_id, span_id,
///                                       organization_name (with `names = on`)
///     observables                       copies of the address, the user's id, the user agent of 6001
///
/// Left out: what is the same in every line of coderd (level, msg, caller, func, logger names). ConnectionMethod follows
/// from the type. An address that is none, and a code that is no whole number, are left out: the schema has none such.
enum OCSF {
    /// All keys and constants.
    static let overheadMax = 2048

    /// The schema's classes for connections.
    enum Class {
        case network, ssh, tunnel, web

        init(_ type: ConnectionType) {
            switch type {
            case .ssh, .vscode, .jetbrains: self = .ssh
            case .tunnel: self = .tunnel
            case .workspaceApp, .portForwarding: self = .web
            case .reconnectingPTY, .other: self = .network
            }
        }

        var uid: Int {
            switch self {
            case .network: 4001
            case .ssh: 4007
            case .tunnel: 4014
            case .web: 6001
            }
        }
    }

    static func write(
        _ event: borrowing SIEMEvent, _ record: Span<UInt8>, _ shared: SIEMShared, _ text: inout SIEMText,
        _ writer: inout ByteWriter
    ) {
        let kind = Class(event.type)
        classification(event, kind, record, &text, &writer)
        metadata(event, kind, record, &text, &writer)
        endpoints(event, record, shared.names, &text, &writer)
        user(event, kind, record, shared.names, &text, &writer)
        switch kind {
        case .web: web(event, record, &text, &writer)
        case .network, .ssh:
            connection(event, record, &text, &writer)
            writer.append("\"app_name\":\"")
            event.writeType(record, &text, as: .json, &writer)
            writer.append("\",")
        case .tunnel:
            if event.address == nil || event.index.value(.connectionID, in: record) != nil {
                connection(event, record, &text, &writer)
            }
        }
        unmapped(event, kind, record, shared.names, &text, &writer)
        observables(event, kind, record, &text, &writer)
        writer.removeLast(1)
        writer.append("}")
    }

    // MARK: What it is

    private static func classification(
        _ event: borrowing SIEMEvent, _ kind: Class, _ record: Span<UInt8>, _ text: inout SIEMText,
        _ writer: inout ByteWriter
    ) {
        let activity = activity(event, kind)
        SIEMJSON.number("{\"activity_id\":", activity, &writer)
        SIEMJSON.number("\"category_uid\":", kind == .web ? 6 : 4, &writer)
        SIEMJSON.number("\"class_uid\":", kind.uid, &writer)
        SIEMJSON.number("\"type_uid\":", kind.uid * 100 + activity, &writer)
        switch event.severity {
        case .warning: writer.append("\"severity_id\":3,\"time\":")
        case .notice: writer.append("\"severity_id\":2,\"time\":")
        default: writer.append("\"severity_id\":1,\"time\":")
        }
        SIEMEvent.writeMilliseconds(event.time ?? 0, &writer)
        writer.append(event.isSuccess ? ",\"status_id\":1,\"message\":\"" : ",\"status_id\":2,\"message\":\"")
        event.writeName(&writer)
        writer.append("\",")
        if let code = event.code {
            writer.append("\"status_code\":\"")
            SIEMEvent.writeNumber(code, &writer)
            writer.append("\",")
        }
        SIEMJSON.text(
            "\"status_detail\":\"", event.index.value(.disconnectReason, in: record), record, &text, &writer)
    }

    private static func activity(_ event: borrowing SIEMEvent, _ kind: Class) -> Int {
        switch (kind, event.act) {
        case (.web, _): 2
        case (.tunnel, _), (_, .opened): 1
        case (_, nil): 0
        default: 2
        }
    }

    private static func metadata(
        _ event: borrowing SIEMEvent, _ kind: Class, _ record: Span<UInt8>, _ text: inout SIEMText,
        _ writer: inout ByteWriter
    ) {
        writer.append(
            "\"metadata\":{\"version\":\"1.8.0\",\"product\":{\"name\":\"Coder\",\"vendor_name\":\"Coder\"},\"uid\":\"")
        event.writeID(record, &text, as: .json, &writer)
        writer.append("\",")
        SIEMJSON.text("\"correlation_uid\":\"", event.index.value(.connectionID, in: record), record, &text, &writer)
        writer.append("\"log_name\":\"connection_log\",\"log_provider\":\"coderd\",")
        SIEMJSON.text("\"original_time\":\"", event.index.value(.time, in: record), record, &text, &writer)
        if let logged = event.index.entryTime(in: record) {
            writer.append("\"logged_time\":")
            SIEMEvent.writeMilliseconds(logged, &writer)
            writer.append(UInt8(ascii: ","))
        }
        SIEMJSON.text("\"tenant_uid\":\"", event.index.value(.organizationID, in: record), record, &text, &writer)
        writer.append("\"event_code\":\"")
        event.writeType(record, &text, as: .json, &writer)
        let hasActor = kind != .tunnel && event.index.value(.userID, in: record) != nil
        writer.append(hasActor ? "\",\"profiles\":[\"host\"]}," : "\"},")
    }

    // MARK: Between whom

    private static func endpoints(
        _ event: borrowing SIEMEvent, _ record: Span<UInt8>, _ names: EventNames?, _ text: inout SIEMText,
        _ writer: inout ByteWriter
    ) {
        let source = SIEMJSON.open("\"src_endpoint\":{", &writer)
        SIEMJSON.address("\"ip\":\"", event.address, record, &writer)
        SIEMJSON.close(source, "\"src_endpoint\":{", &writer)
        let name = event.index.value(.workspaceName, in: record)
        let uid = event.index.value(.workspaceID, in: record)
        let agent = event.index.value(.agentName, in: record)
        writer.append("\"dst_endpoint\":{")
        SIEMJSON.text("\"name\":\"", name, record, &text, &writer)
        if name == nil, uid == nil, agent == nil { writer.append("\"name\":\"unknown\",") }
        SIEMJSON.text("\"uid\":\"", uid, record, &text, &writer)
        writer.append("\"type\":\"workspace\",\"type_id\":99,")
        SIEMJSON.text("\"svc_name\":\"", agent, record, &text, &writer)
        let owner = SIEMJSON.open("\"owner\":{", &writer)
        SIEMJSON.text("\"uid\":\"", event.index.value(.workspaceOwnerID, in: record), record, &text, &writer)
        SIEMJSON.name("\"name\":\"", names?.workspaceOwner, &writer)
        SIEMJSON.close(owner, "\"owner\":{", &writer)
        SIEMJSON.number("\"port\":", event.port(in: record), &writer)
        SIEMJSON.close(0, "", &writer)
    }

    private static func user(
        _ event: borrowing SIEMEvent, _ kind: Class, _ record: Span<UInt8>, _ names: EventNames?,
        _ text: inout SIEMText, _ writer: inout ByteWriter
    ) {
        guard let user = event.index.value(.userID, in: record) else { return }
        writer.append(kind == .tunnel ? "\"user\":{" : "\"actor\":{\"user\":{")
        SIEMJSON.text("\"uid\":\"", user, record, &text, &writer)
        SIEMJSON.name("\"name\":\"", names?.user, &writer)
        SIEMJSON.close(0, "", ending: kind == .tunnel ? "}," : "}},", &writer)
    }

    private static func connection(
        _ event: borrowing SIEMEvent, _ record: Span<UInt8>, _ text: inout SIEMText, _ writer: inout ByteWriter
    ) {
        writer.append("\"connection_info\":{\"direction_id\":1,")
        SIEMJSON.text("\"uid\":\"", event.index.value(.connectionID, in: record), record, &text, &writer)
        SIEMJSON.number("\"protocol_ver_id\":", event.address.map { $0.isIPv6 ? 6 : 4 }, &writer)
        SIEMJSON.close(0, "", &writer)
    }

    // MARK: Web events

    private static func web(
        _ event: borrowing SIEMEvent, _ record: Span<UInt8>, _ text: inout SIEMText, _ writer: inout ByteWriter
    ) {
        let opened = event.index.slugOrPort(event.type, in: record)
        writer.append("\"web_resources\":[{")
        SIEMJSON.text("\"name\":\"", opened, record, &text, &writer)
        writer.append("\"type\":\"")
        event.writeType(record, &text, as: .json, &writer)
        writer.append("\",\"uid\":\"")
        path(event.index.value(.workspaceID, in: record), UInt8(ascii: "/"), record, &text, &writer)
        path(event.index.value(.agentName, in: record), UInt8(ascii: "/"), record, &text, &writer)
        path(opened, UInt8(ascii: "\""), record, &text, &writer)
        writer.append("}],")
        let request = SIEMJSON.open("\"http_request\":{", &writer)
        SIEMJSON.text("\"user_agent\":\"", event.index.value(.userAgent, in: record), record, &text, &writer)
        SIEMJSON.text("\"uid\":\"", event.index.value(.requestID, in: record), record, &text, &writer)
        SIEMJSON.close(request, "\"http_request\":{", &writer)
        let response = SIEMJSON.open("\"http_response\":{", &writer)
        SIEMJSON.number("\"code\":", event.code, &writer)
        SIEMJSON.close(response, "\"http_response\":{", &writer)
    }

    /// A part of a resource's uid, empty if it is not known, and what follows it.
    private static func path(
        _ part: TextRange?, _ end: UInt8, _ record: Span<UInt8>, _ text: inout SIEMText, _ writer: inout ByteWriter
    ) {
        if let part { text.append(part, of: record, as: .json, to: &writer) }
        writer.append(end)
    }

    // MARK: The rest

    private static func unmapped(
        _ event: borrowing SIEMEvent, _ kind: Class, _ record: Span<UInt8>, _ names: EventNames?,
        _ text: inout SIEMText, _ writer: inout ByteWriter
    ) {
        let start = SIEMJSON.open("\"unmapped\":{", &writer)
        if kind != .web {
            SIEMJSON.text("\"request_id\":\"", event.index.value(.requestID, in: record), record, &text, &writer)
            SIEMJSON.text("\"user_agent\":\"", event.index.value(.userAgent, in: record), record, &text, &writer)
            SIEMJSON.text("\"app\":\"", event.app(in: record), record, &text, &writer)
        }
        SIEMJSON.text("\"client_app\":\"", event.clientApp(in: record), record, &text, &writer)
        SIEMJSON.text(
            "\"client_session_id\":\"", event.index.value(.clientSessionID, in: record), record, &text, &writer)
        SIEMJSON.text("\"trace_id\":\"", event.traceID(.trace, in: record), record, &text, &writer)
        SIEMJSON.text("\"span_id\":\"", event.traceID(.span, in: record), record, &text, &writer)
        SIEMJSON.name("\"organization_name\":\"", names?.organization, &writer)
        SIEMJSON.close(start, "\"unmapped\":{", &writer)
    }

    /// Copies under the keys by which investigations look for values across all classes.
    private static func observables(
        _ event: borrowing SIEMEvent, _ kind: Class, _ record: Span<UInt8>, _ text: inout SIEMText,
        _ writer: inout ByteWriter
    ) {
        let start = SIEMJSON.open("\"observables\":[", &writer)
        if let address = event.address {
            writer.append("{\"name\":\"src_endpoint.ip\",\"type_id\":2,\"value\":\"")
            writer.append(record.extracting(address.range))
            writer.append("\"},")
        }
        let user: StaticString =
            kind == .tunnel
            ? "{\"name\":\"user.uid\",\"type_id\":31,\"value\":\""
            : "{\"name\":\"actor.user.uid\",\"type_id\":31,\"value\":\""
        SIEMJSON.text(user, event.index.value(.userID, in: record), record, &text, &writer, closing: "\"},")
        if kind == .web {
            SIEMJSON.text(
                "{\"name\":\"http_request.user_agent\",\"type_id\":16,\"value\":\"",
                event.index.value(.userAgent, in: record), record, &text, &writer, closing: "\"},")
        }
        SIEMJSON.close(start, "\"observables\":[", ending: "],", &writer)
    }
}
