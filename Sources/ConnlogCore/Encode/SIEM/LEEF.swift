internal import ConnlogSystem

/// IBM's Log Event Extended Format, version 1.0, which every QRadar reads: attributes with tabs between, always in this order:
///
///     LEEF:1.0|Coder|Coder|1.0|ssh_opened|devTime=...⇥cat=ssh⇥sev=2⇥src=...⇥action=opened⇥outcome=success⇥...
///
///     header: type_act, which QRadar maps to a name
///     devTime               Time, else ts; milliseconds
///     cat                   the type, as the event has it; a method and an app as the type that follows
///     sev                   2, 5 or 7 for syslog's severity 6, 5 or 4
///     src                   IP
///     usrName, userId       UserID as usrName; with `names = on` and a name known, the name is usrName
///     accountName, ownerId  WorkspaceOwnerID, in the same way
///     app, dstPort          SlugOrPort: an app's slug, or a port
///     action                opened, closed; allowed, denied, error; what ConnectionStatus says, or the code of web events
///     outcome               success, failure
///     reason                DisconnectReason
///     eventId               ID, else derived
///     connectionId          ConnectionID
///     workspace, workspaceId, agentName, organizationId
///     httpStatus, exitCode  Code of web events and tunnels; Code of sessions
///     userAgent             UserAgent
///     requestId             request_id
///     clientSessionId, clientApp     ClientSessionID; AppNameOrPort of a session
///     traceId, spanId       trace, span
///     organization          the organization's name, with `names = on`
///
/// Left out: `ts` beside Time (the line's own time tells nothing of the event) and what is the same in every line of coderd
/// (level, msg, caller, func, logger names). ConnectionMethod follows from the type. An address that is none, and a code that
/// is no whole number, are left out too.
///
/// The format has no escape: tabs, line ends and other control characters are blanks. QRadar's own fields end at 255 bytes;
/// a user agent is cut to 512, everything else to 1023, so that no value pushes others out of a message.
enum LEEF {
    /// All keys and constants.
    static let overheadMax = 1024

    static func write(
        _ event: borrowing SIEMEvent, _ record: Span<UInt8>, _ shared: SIEMShared, _ text: inout SIEMText,
        _ writer: inout ByteWriter
    ) {
        header(event, record, &text, &writer)
        if let time = event.time {
            writer.append("devTime=")
            SIEMEvent.writeMilliseconds(time, &writer)
            writer.append(UInt8(ascii: "\t"))
        }
        writer.append("cat=")
        event.writeType(record, &text, as: .leef, bytesMax: 1023, &writer)
        writer.append("\tsev=")
        writer.append(event.risk)
        if let address = event.address {
            writer.append("\tsrc=")
            writer.append(record.extracting(address.range))
        }
        people(event, record, shared.names, &text, &writer)
        destination(event, record, &text, &writer)
        happening(event, record, &text, &writer)
        place(event, record, &text, &writer)
        request(event, record, &text, &writer)
        if let name = shared.names?.organization, !name.isEmpty {
            writer.append("\torganization=")
            SIEMText.append(name, as: .leef, bytesMax: 1023, to: &writer)
        }
    }

    private static func header(
        _ event: borrowing SIEMEvent, _ record: Span<UInt8>, _ text: inout SIEMText, _ writer: inout ByteWriter
    ) {
        writer.append("LEEF:1.0|Coder|Coder|1.0|")
        event.writeTypeHeader(record, &text, escapes: false, &writer)
        if let act = event.act {
            writer.append(UInt8(ascii: "_"))
            writer.append(act.word)
        }
        writer.append(UInt8(ascii: "|"))
    }

    private static func people(
        _ event: borrowing SIEMEvent, _ record: Span<UInt8>, _ names: EventNames?, _ text: inout SIEMText,
        _ writer: inout ByteWriter
    ) {
        let user = event.index.value(.userID, in: record)
        person("\tusrName=", "\tuserId=", user, names?.user, record, &text, &writer)
        let owner = event.index.value(.workspaceOwnerID, in: record)
        person("\taccountName=", "\townerId=", owner, names?.workspaceOwner, record, &text, &writer)
    }

    private static func person(
        _ key: StaticString, _ idKey: StaticString, _ id: TextRange?, _ name: String?, _ record: Span<UInt8>,
        _ text: inout SIEMText, _ writer: inout ByteWriter
    ) {
        guard let name, !name.isEmpty else { return value(key, id, 255, record, &text, &writer) }
        writer.append(key)
        SIEMText.append(name, as: .leef, bytesMax: 255, to: &writer)
        value(idKey, id, 255, record, &text, &writer)
    }

    private static func destination(
        _ event: borrowing SIEMEvent, _ record: Span<UInt8>, _ text: inout SIEMText, _ writer: inout ByteWriter
    ) {
        if let port = event.port(in: record) {
            writer.append("\tdstPort=")
            SIEMEvent.writeNumber(port, &writer)
        } else {
            value("\tapp=", event.app(in: record), 1023, record, &text, &writer)
        }
    }

    private static func happening(
        _ event: borrowing SIEMEvent, _ record: Span<UInt8>, _ text: inout SIEMText, _ writer: inout ByteWriter
    ) {
        if let act = event.act {
            writer.append("\taction=")
            writer.append(act.word)
        }
        writer.append(event.isSuccess ? "\toutcome=success" : "\toutcome=failure")
        value("\treason=", event.index.value(.disconnectReason, in: record), 1023, record, &text, &writer)
        writer.append("\teventId=")
        event.writeID(record, &text, as: .leef, bytesMax: 1023, &writer)
        value("\tconnectionId=", event.index.value(.connectionID, in: record), 1023, record, &text, &writer)
    }

    private static func place(
        _ event: borrowing SIEMEvent, _ record: Span<UInt8>, _ text: inout SIEMText, _ writer: inout ByteWriter
    ) {
        value("\tworkspace=", event.index.value(.workspaceName, in: record), 1023, record, &text, &writer)
        value("\tworkspaceId=", event.index.value(.workspaceID, in: record), 1023, record, &text, &writer)
        value("\tagentName=", event.index.value(.agentName, in: record), 1023, record, &text, &writer)
        value("\torganizationId=", event.index.value(.organizationID, in: record), 1023, record, &text, &writer)
    }

    private static func request(
        _ event: borrowing SIEMEvent, _ record: Span<UInt8>, _ text: inout SIEMText, _ writer: inout ByteWriter
    ) {
        if let code = event.code {
            writer.append(event.hasStatus ? "\thttpStatus=" : "\texitCode=")
            SIEMEvent.writeNumber(code, &writer)
        }
        value("\tuserAgent=", event.index.value(.userAgent, in: record), 512, record, &text, &writer)
        value("\trequestId=", event.index.value(.requestID, in: record), 1023, record, &text, &writer)
        value("\tclientSessionId=", event.index.value(.clientSessionID, in: record), 1023, record, &text, &writer)
        value("\tclientApp=", event.clientApp(in: record), 1023, record, &text, &writer)
        value("\ttraceId=", event.traceID(.trace, in: record), 1023, record, &text, &writer)
        value("\tspanId=", event.traceID(.span, in: record), 1023, record, &text, &writer)
    }

    private static func value(
        _ key: StaticString, _ value: TextRange?, _ bytesMax: Int, _ record: Span<UInt8>, _ text: inout SIEMText,
        _ writer: inout ByteWriter
    ) {
        guard let value else { return }
        writer.append(key)
        text.append(value, of: record, as: .leef, bytesMax: bytesMax, to: &writer)
    }
}
