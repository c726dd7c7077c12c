internal import ConnlogSystem

/// One short English sentence about an event, for the MSG of a syslog message.
///
///     ssh session to dev (main) opened from fd7a:115c::1
///     ssh session to dev (main) from fd7a:115c::1 closed with code 1: signal: killed
///     6dea5f8c-ecec-4cf0-a5bd-bc2c63af2efa opened code-server in dev (main) from 127.0.0.1 with status 200
///     unauthenticated visitor was refused port 8080 in dev (main) from 203.0.113.7 with status 403
///     6dea5f8c-ecec-4cf0-a5bd-bc2c63af2efa was granted a tunnel to dev (main) from 203.0.113.7
///
/// What a record does not have is left out. It never ends in a full stop, so that the last word can be searched for.
struct Sentence {
    /// The words without the values, at most.
    static let wordsMax = 128

    let type: ConnectionType
    let status: ConnectionStatus?
    let code: Int?

    /// How much the event matters: 4 for a code from 500 and for a session that ended with another code than 0 and a
    /// reason, 5 for a web or tunnel event with code 401 or 403, 6 for the rest.
    func severity(_ index: EventIndex, _ record: Span<UInt8>) -> Severity {
        guard let code, code != 0 else { return .informational }
        if code >= 500 { return .warning }
        if type.isWeb { return code == 401 || code == 403 ? .notice : .informational }
        return index.value(.disconnectReason, in: record) != nil ? .warning : .informational
    }

    func write(
        _ index: EventIndex, _ record: Span<UInt8>, _ text: inout SyslogTextWriter, into writer: inout ByteWriter
    ) {
        switch type {
        case .workspaceApp, .portForwarding: web(index, record, &text, &writer)
        case .tunnel: tunnel(index, record, &text, &writer)
        default: session(index, record, &text, &writer)
        }
    }

    // MARK: What an agent reports

    private func session(
        _ index: EventIndex, _ record: Span<UInt8>, _ text: inout SyslogTextWriter, _ writer: inout ByteWriter
    ) {
        if let name = index.app(in: record) ?? index.typeText(in: record) {
            text.append(name, of: record, in: .message, to: &writer)
            writer.append(" session to ")
        } else {
            writer.append("session to ")
        }
        workspace(index, record, &text, &writer)
        switch status {
        case .connected:
            writer.append(" opened")
            address(index, record, &text, &writer)
        case .disconnected:
            address(index, record, &text, &writer)
            writer.append(" closed")
            ending(index, record, &text, &writer)
        case nil:
            address(index, record, &text, &writer)
        }
    }

    private func ending(
        _ index: EventIndex, _ record: Span<UInt8>, _ text: inout SyslogTextWriter, _ writer: inout ByteWriter
    ) {
        if let code = index.value(.code, in: record) {
            writer.append(" with code ")
            text.append(code, of: record, in: .message, to: &writer)
        }
        if let reason = index.value(.disconnectReason, in: record) {
            writer.append(": ")
            text.append(reason, of: record, in: .message, to: &writer)
        }
    }

    // MARK: What coderd sees

    private func web(
        _ index: EventIndex, _ record: Span<UInt8>, _ text: inout SyslogTextWriter, _ writer: inout ByteWriter
    ) {
        user(index, record, &text, &writer)
        switch code {
        case .some(400..<500): writer.append(" was refused ")
        case .some(500...): writer.append(" failed to open ")
        default: writer.append(" opened ")
        }
        if type == .portForwarding { writer.append("port ") }
        if let name = index.slugOrPort(in: record) {
            text.append(name, of: record, in: .message, to: &writer)
        } else {
            writer.append(type == .portForwarding ? "forwarding" : "an app")
        }
        writer.append(" in ")
        workspace(index, record, &text, &writer)
        address(index, record, &text, &writer)
        if let code = index.value(.code, in: record) {
            writer.append(" with status ")
            text.append(code, of: record, in: .message, to: &writer)
        }
    }

    private func tunnel(
        _ index: EventIndex, _ record: Span<UInt8>, _ text: inout SyslogTextWriter, _ writer: inout ByteWriter
    ) {
        user(index, record, &text, &writer)
        writer.append((code ?? 101) < 400 ? " was granted a tunnel to " : " was denied a tunnel to ")
        workspace(index, record, &text, &writer)
        address(index, record, &text, &writer)
    }

    // MARK: Parts

    private func user(
        _ index: EventIndex, _ record: Span<UInt8>, _ text: inout SyslogTextWriter, _ writer: inout ByteWriter
    ) {
        guard let user = index.value(.userID, in: record) else {
            return writer.append("unauthenticated visitor")
        }
        text.append(user, of: record, in: .message, to: &writer)
    }

    private func workspace(
        _ index: EventIndex, _ record: Span<UInt8>, _ text: inout SyslogTextWriter, _ writer: inout ByteWriter
    ) {
        if let name = index.value(.workspaceName, in: record) ?? index.value(.workspaceID, in: record) {
            text.append(name, of: record, in: .message, to: &writer)
        } else {
            writer.append("a workspace")
        }
        guard let agent = index.value(.agentName, in: record) else { return }
        writer.append(" (")
        text.append(agent, of: record, in: .message, to: &writer)
        writer.append(")")
    }

    private func address(
        _ index: EventIndex, _ record: Span<UInt8>, _ text: inout SyslogTextWriter, _ writer: inout ByteWriter
    ) {
        guard let address = index.value(.ip, in: record) else { return }
        writer.append(" from ")
        text.append(address, of: record, in: .message, to: &writer)
    }
}
