internal import ConnlogSystem

/// The parameters of connlog's structured-data element, the most important first: trimming drops the tail.
///
///     eid     event id: the event's own, else derived from the record     reason  why a session ended
///     ev      connected | disconnected                                     owner   the workspace owner's UUID
///     type    ssh | vscode | workspace_app | ...                           wsid    the workspace's UUID
///     cid     connection id                                                org     the organization's UUID
///     ip      the client's address                                         csid    client session id
///     ws      workspace name                                               ua      user agent
///     agent   agent name                                                   req     request id
///     user    the user's UUID; absent when nobody is known
///     app     slug or port, or the client's app
///     code    exit code or HTTP status
///
/// A parameter without a value is left out. Names that a directory knows, `user_name`, `owner_name` and `org_name`, are the
/// encoder's and stand after these.
enum StructuredData {
    static let parameterCount = 17
    /// Names, quotes and blanks of all parameters, and an event id that is not in the record.
    static let overheadMax = 256

    /// Writes all parameters: the simple ones all together, the others each for itself.
    static func writeAll(
        _ index: EventIndex, _ record: Span<UInt8>, _ text: inout SyslogTextWriter, into writer: inout ByteWriter
    ) {
        var number = 0
        while true {
            number = simple.append(from: number, record, index.ranges, to: &writer)
            if number >= parameterCount { return }
            write(number, index, record, &text, into: &writer)
            number += 1
        }
    }

    /// What `write` does with each number, for values that are simply text.
    private static let simple: SyslogParameters = {
        func parameter(_ name: String, _ field: Field) -> SyslogParameters.Parameter {
            .init(name, UInt8(field.rawValue))
        }
        var eventID = parameter("eid", .id)
        eventID.isRequired = true
        var type = parameter("type", .type)
        type.isRequired = true
        var address = parameter("ip", .ip)
        address.isAddress = true
        var app = parameter("app", .slugOrPort)
        app.otherSlot = UInt8(Field.appNameOrPort.rawValue)
        return SyslogParameters([
            eventID, parameter("ev", .connectionStatus), type, parameter("cid", .connectionID), address,
            parameter("ws", .workspaceName), parameter("agent", .agentName), parameter("user", .userID), app,
            parameter("code", .code), parameter("reason", .disconnectReason), parameter("owner", .workspaceOwnerID),
            parameter("wsid", .workspaceID), parameter("org", .organizationID), parameter("csid", .clientSessionID),
            parameter("ua", .userAgent), parameter("req", .requestID),
        ])
    }()

    /// Writes parameter number `number`, if the record has it.
    static func write(
        _ number: Int, _ index: EventIndex, _ record: Span<UInt8>, _ text: inout SyslogTextWriter,
        into writer: inout ByteWriter
    ) {
        switch number {
        case 0: eventID(index, record, &text, &writer)
        case 1: parameter(" ev=\"", index.value(.connectionStatus, in: record), record, &text, &writer)
        case 2: type(index, record, &text, &writer)
        case 3: parameter(" cid=\"", index.value(.connectionID, in: record), record, &text, &writer)
        case 4: parameter(" ip=\"", index.value(.ip, in: record), record, &text, &writer)
        case 5: parameter(" ws=\"", index.value(.workspaceName, in: record), record, &text, &writer)
        case 6: parameter(" agent=\"", index.value(.agentName, in: record), record, &text, &writer)
        case 7: parameter(" user=\"", index.value(.userID, in: record), record, &text, &writer)
        case 8:
            let app = index.value(.slugOrPort, in: record) ?? index.value(.appNameOrPort, in: record)
            parameter(" app=\"", app, record, &text, &writer)
        case 9: parameter(" code=\"", index.value(.code, in: record), record, &text, &writer)
        case 10: parameter(" reason=\"", index.value(.disconnectReason, in: record), record, &text, &writer)
        case 11: parameter(" owner=\"", index.value(.workspaceOwnerID, in: record), record, &text, &writer)
        case 12: parameter(" wsid=\"", index.value(.workspaceID, in: record), record, &text, &writer)
        case 13: parameter(" org=\"", index.value(.organizationID, in: record), record, &text, &writer)
        case 14: parameter(" csid=\"", index.value(.clientSessionID, in: record), record, &text, &writer)
        case 15: parameter(" ua=\"", index.value(.userAgent, in: record), record, &text, &writer)
        default: parameter(" req=\"", index.value(.requestID, in: record), record, &text, &writer)
        }
    }

    private static func parameter(
        _ opening: StaticString, _ value: TextRange?, _ record: Span<UInt8>, _ text: inout SyslogTextWriter,
        _ writer: inout ByteWriter
    ) {
        guard let value else { return }
        writer.append(opening)
        text.append(value, of: record, in: .parameter, to: &writer)
        writer.append(UInt8(ascii: "\""))
    }

    private static func eventID(
        _ index: EventIndex, _ record: Span<UInt8>, _ text: inout SyslogTextWriter, _ writer: inout ByteWriter
    ) {
        if let value = index.value(.id, in: record) {
            return parameter(" eid=\"", value, record, &text, &writer)
        }
        writer.append(" eid=\"")
        DerivedEventID.write(record, into: &writer)
        writer.append(UInt8(ascii: "\""))
    }

    /// Builds that give a method and an app instead of a type get the type that Coder derives from the two.
    private static func type(
        _ index: EventIndex, _ record: Span<UInt8>, _ text: inout SyslogTextWriter, _ writer: inout ByteWriter
    ) {
        if let type = index.value(.type, in: record) {
            return parameter(" type=\"", type, record, &text, &writer)
        } else {
            switch index.connectionType(in: record) {
            case .vscode: return writer.append(" type=\"vscode\"")
            case .jetbrains: return writer.append(" type=\"jetbrains\"")
            default: break
            }
        }
        parameter(" type=\"", index.value(.connectionMethod, in: record), record, &text, &writer)
    }
}
