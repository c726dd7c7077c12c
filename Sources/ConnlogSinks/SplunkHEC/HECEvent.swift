internal import ConnlogCore
internal import ConnlogSystem

/// The flat object under `event`; its keys are described at the head of `HECEnvelope`.
struct HECEvent: ~Escapable {
    private let index: EventIndex
    // Needed in several places, here and in the envelope.
    let time: Nanoseconds?
    let type: ConnectionType
    let status: ConnectionStatus?
    private let code: Int?

    @_lifetime(copy index)
    init(_ index: EventIndex, _ record: Span<UInt8>) {
        self.index = index
        time = index.time(in: record)
        type = index.connectionType(in: record)
        status = index.status(in: record)
        code = index.code(in: record)
    }

    /// - Parameter names: more members, each with a comma before it.
    func write(_ record: Span<UInt8>, _ names: ByteBuffer?, _ writer: inout ByteWriter) {
        // The constant comes first so that each further key can begin with its comma.
        writer.append("{\"vendor_product\":\"Coder\"")
        writeTime(record, &writer)
        writeID(record, &writer)
        writeKind(record, &writer)
        copy(.connectionID, ",\"session_id\":\"", record, &writer)
        copy(.clientSessionID, ",\"client_session_id\":\"", record, &writer)
        copy(.ip, ",\"src\":\"", record, &writer)
        copy(.ip, ",\"src_ip\":\"", record, &writer)
        writeDestination(record, &writer)
        writeCode(record, &writer)
        copy(.disconnectReason, ",\"reason\":\"", record, &writer)
        copy(.userAgent, ",\"http_user_agent\":\"", record, &writer)
        copy(.userID, ",\"user_id\":\"", record, &writer)
        copy(.workspaceOwnerID, ",\"workspace_owner_id\":\"", record, &writer)
        copy(.workspaceID, ",\"workspace_id\":\"", record, &writer)
        copy(.organizationID, ",\"vendor_account\":\"", record, &writer)
        copy(.requestID, ",\"request_id\":\"", record, &writer)
        if let names { writer.append(names.span) }
        writer.append("}")
    }

    private func copy(_ field: Field, _ key: StaticString, _ record: Span<UInt8>, _ writer: inout ByteWriter) {
        copy(index.value(field, in: record), key, record, &writer)
    }

    /// - Parameter key: with the comma before it and the quote after it.
    private func copy(_ text: TextRange?, _ key: StaticString, _ record: Span<UInt8>, _ writer: inout ByteWriter) {
        guard let text, isPlain(text.range, record) else { return }
        writer.append(key)
        writer.append(record.extracting(text.range))
        writer.append("\"")
    }

    /// Where a build writes an object or a list in place of a text, its quotes would end ours.
    private func isPlain(_ range: Range<Int>, _ record: Span<UInt8>) -> Bool {
        guard range.lowerBound > 0, let first = range.isEmpty ? nil : record[range.lowerBound] else { return false }
        guard first == UInt8(ascii: "{") || first == UInt8(ascii: "[") else { return true }
        return record[range.lowerBound - 1] == UInt8(ascii: "\"")
    }

    private func writeTime(_ record: Span<UInt8>, _ writer: inout ByteWriter) {
        guard let time, let text = index.value(.time, in: record), !EventTime.isShortest(record, text.range) else {
            return copy(.time, ",\"time\":\"", record, &writer)
        }
        writer.append(",\"time\":\"")
        EventTime.write(time, into: &writer)
        writer.append("\"")
    }

    /// Repeats are removed by it, so an event without one gets one that is always the same.
    private func writeID(_ record: Span<UInt8>, _ writer: inout ByteWriter) {
        if let id = index.value(.id, in: record), isPlain(id.range, record) {
            return copy(id, ",\"event_id\":\"", record, &writer)
        }
        writer.append(",\"event_id\":\"")
        DerivedEventID.write(record, into: &writer)
        writer.append("\"")
    }

    private func writeKind(_ record: Span<UInt8>, _ writer: inout ByteWriter) {
        if let action = HECAction(type, status, code: code) {
            writer.append(",\"action\":\"")
            writer.append(action.word)
            writer.append("\"")
        }
        guard let text = index.typeText(in: record), isPlain(text.range, record) else { return }
        copy(text, ",\"signature_id\":\"", record, &writer)
        writer.append(",\"signature\":\"")
        writer.append(record.extracting(text.range))
        if let status {
            writer.append(" ")
            writer.append(status.word)
        }
        writer.append("\"")
        copy(index.app(in: record) ?? text, ",\"app\":\"", record, &writer)
    }

    private func writeDestination(_ record: Span<UInt8>, _ writer: inout ByteWriter) {
        let workspace = index.value(.workspaceName, in: record).flatMap { isPlain($0.range, record) ? $0 : nil }
        let agent = index.value(.agentName, in: record).flatMap { isPlain($0.range, record) ? $0 : nil }
        if let workspace {
            writer.append(",\"dest\":\"")
            writer.append(record.extracting(workspace.range))
            if let agent {
                writer.append(".")
                writer.append(record.extracting(agent.range))
            }
            writer.append("\"")
        }
        copy(workspace, ",\"workspace_name\":\"", record, &writer)
        copy(agent, ",\"agent_name\":\"", record, &writer)
        let opened = index.slugOrPort(type, in: record)
        copy(opened, type == .portForwarding ? ",\"dest_port\":\"" : ",\"app_slug\":\"", record, &writer)
    }

    private func writeCode(_ record: Span<UInt8>, _ writer: inout ByteWriter) {
        guard let code else { return }
        writer.append(type.isWeb ? ",\"status\":" : ",\"exit_code\":")
        if code < 0 { writer.append("-") }
        writer.appendDecimal(UInt64(code.magnitude))
    }
}

/// What happened, in the Common Information Model's words.
///
///     ssh, vscode, jetbrains, reconnecting_pty, other    connected started, disconnected ended
///     workspace_app, port_forwarding                     below 400 allowed, 401 and 403 failure, other errors error
///     tunnel                                             below 400 (101) success, else (403) failure
enum HECAction: String, Sendable, CaseIterable {
    case started, ended, allowed, success, failure, error

    init?(_ type: ConnectionType, _ status: ConnectionStatus?, code: Int?) {
        switch (type, code ?? 0) {
        case (.workspaceApp, ..<400), (.portForwarding, ..<400): self = .allowed
        case (.workspaceApp, 401), (.portForwarding, 401), (.workspaceApp, 403), (.portForwarding, 403): self = .failure
        case (.workspaceApp, _), (.portForwarding, _): self = .error
        case (.tunnel, ..<400): self = .success
        case (.tunnel, _): self = .failure
        default:
            guard let status else { return nil }
            self = status == .connected ? .started : .ended
        }
    }

    var word: StaticString {
        switch self {
        case .started: "started"
        case .ended: "ended"
        case .allowed: "allowed"
        case .success: "success"
        case .failure: "failure"
        case .error: "error"
        }
    }
}
