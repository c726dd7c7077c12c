internal import ConnlogSystem

/// The Common Event Format, version 0, in the keys of ArcSight's dictionary, always in this order:
///
///     CEF:0|Coder|Coder|1.0|ssh:opened|SSH session opened|2|rt=... start=... externalId=... cat=ssh act=opened ...
///
///     header: type:act, a sentence without data, and 2, 5 or 7 for syslog's severity 6, 5 or 4
///     rt                    Time, else ts; milliseconds
///     start, end            Time, of what began and of what ended
///     externalId            ID, else derived
///     cat                   the type, as the event has it; a method and an app as the type that follows
///     act                   opened, closed; allowed, denied, error; what ConnectionStatus says, or the code of web events
///     outcome               success, failure
///     reason                DisconnectReason; HTTP and the status of a web event that failed
///     src                   IP, if it is IPv4
///     c6a2                  IP, if it is IPv6, labelled Source IPv6 Address
///     suid, suser           UserID, and with `names = on` the name
///     duid, duser           WorkspaceOwnerID, and the name
///     dhost                 WorkspaceName
///     destinationServiceName, dpt    SlugOrPort: an app's slug, or a port
///     sourceServiceName     the client's app, AppNameOrPort of a session
///     requestClientApplication       UserAgent
///     dvchost               the host that connlog runs on
///     cn1                   Code, labelled httpStatus or exitCode
///     cs1 connectionId, cs2 workspaceId, cs3 agentName, cs4 organizationId, cs5 requestId, cs6 clientSessionId
///     flexString1           trace, labelled traceId
///     flexString2           the organization's name, labelled organizationName, with `names = on`
///
/// Left out: `ts` beside Time (the line's own time tells nothing of the event), `span` (a part of the trace; there is no
/// key left), and what is the same in every line of coderd (level, msg, caller, func, logger names). ConnectionMethod
/// follows from the type. An address that is none, and a code that is no whole number, have no place in typed keys.
///
/// Values are as long as the dictionary allows, in bytes, which no reader counts more strictly; a blank stands for control
/// characters, which CEF has no escape for.
enum CEF {
    /// All keys, labels and constants.
    static let overheadMax = 1024

    static func write(
        _ event: borrowing SIEMEvent, _ record: Span<UInt8>, _ shared: SIEMShared, _ text: inout SIEMText,
        _ writer: inout ByteWriter
    ) {
        header(event, record, &text, &writer)
        times(event, &writer)
        writer.append(event.time == nil ? "externalId=" : " externalId=")
        event.writeID(record, &text, as: .cef, bytesMax: 40, &writer)
        writer.append(" cat=")
        event.writeType(record, &text, as: .cef, bytesMax: 1023, &writer)
        happening(event, record, &text, &writer)
        people(event, record, shared.names, &text, &writer)
        destination(event, record, &text, &writer)
        value(" requestClientApplication=", event.index.value(.userAgent, in: record), 1023, record, &text, &writer)
        writer.append(shared.host.span)
        numbered(event, record, &text, &writer)
        if let name = shared.names?.organization, !name.isEmpty {
            writer.append(" flexString2=")
            SIEMText.append(name, as: .cef, bytesMax: 1023, to: &writer)
            writer.append(" flexString2Label=organizationName")
        }
    }

    /// `dvchost`, or nothing where the host is not known.
    static func host(_ hostname: String) -> [UInt8] {
        guard !hostname.isEmpty else { return [] }
        var buffer = ByteBuffer()
        buffer.append(" dvchost=")
        let room = hostname.utf8.count * SIEMText.growthMax + SIEMText.slack
        buffer.withWriter(reserving: room) { SIEMText.append(hostname, as: .cef, bytesMax: 100, to: &$0) }
        return buffer.array
    }

    private static func header(
        _ event: borrowing SIEMEvent, _ record: Span<UInt8>, _ text: inout SIEMText, _ writer: inout ByteWriter
    ) {
        writer.append("CEF:0|Coder|Coder|1.0|")
        event.writeTypeHeader(record, &text, escapes: true, &writer)
        if let act = event.act {
            writer.append(UInt8(ascii: ":"))
            writer.append(act.word)
        }
        writer.append(UInt8(ascii: "|"))
        event.writeName(&writer)
        writer.append(UInt8(ascii: "|"))
        writer.append(event.risk)
        writer.append(UInt8(ascii: "|"))
    }

    /// The first key has no blank in front.
    private static func times(_ event: borrowing SIEMEvent, _ writer: inout ByteWriter) {
        guard let time = event.time else { return }
        writer.append("rt=")
        SIEMEvent.writeMilliseconds(time, &writer)
        guard event.hasOwnTime, let act = event.act else { return }
        writer.append(act == .closed ? " end=" : " start=")
        SIEMEvent.writeMilliseconds(time, &writer)
    }

    private static func happening(
        _ event: borrowing SIEMEvent, _ record: Span<UInt8>, _ text: inout SIEMText, _ writer: inout ByteWriter
    ) {
        if let act = event.act {
            writer.append(" act=")
            writer.append(act.word)
        }
        writer.append(event.isSuccess ? " outcome=success" : " outcome=failure")
        if let reason = event.index.value(.disconnectReason, in: record) {
            value(" reason=", reason, 1023, record, &text, &writer)
        } else if event.hasStatus, let code = event.code, code >= 400 {
            writer.append(" reason=HTTP ")
            SIEMEvent.writeNumber(code, &writer)
        }
        guard let address = event.address else { return }
        writer.append(address.isIPv6 ? " c6a2=" : " src=")
        writer.append(record.extracting(address.range))
        if address.isIPv6 { writer.append(" c6a2Label=Source IPv6 Address") }
    }

    private static func people(
        _ event: borrowing SIEMEvent, _ record: Span<UInt8>, _ names: EventNames?, _ text: inout SIEMText,
        _ writer: inout ByteWriter
    ) {
        value(" suid=", event.index.value(.userID, in: record), 1023, record, &text, &writer)
        name(" suser=", names?.user, &writer)
        value(" duid=", event.index.value(.workspaceOwnerID, in: record), 1023, record, &text, &writer)
        name(" duser=", names?.workspaceOwner, &writer)
    }

    private static func destination(
        _ event: borrowing SIEMEvent, _ record: Span<UInt8>, _ text: inout SIEMText, _ writer: inout ByteWriter
    ) {
        value(" dhost=", event.index.value(.workspaceName, in: record), 1023, record, &text, &writer)
        if let port = event.port(in: record) {
            writer.append(" dpt=")
            SIEMEvent.writeNumber(port, &writer)
        } else {
            value(" destinationServiceName=", event.app(in: record), 1023, record, &text, &writer)
        }
        value(" sourceServiceName=", event.clientApp(in: record), 1023, record, &text, &writer)
    }

    /// What has no key of its own: numbers and texts with labels.
    private static func numbered(
        _ event: borrowing SIEMEvent, _ record: Span<UInt8>, _ text: inout SIEMText, _ writer: inout ByteWriter
    ) {
        if let code = event.code {
            writer.append(" cn1=")
            SIEMEvent.writeNumber(code, &writer)
            writer.append(event.hasStatus ? " cn1Label=httpStatus" : " cn1Label=exitCode")
        }
        labelled(
            " cs1=", event.index.value(.connectionID, in: record), " cs1Label=connectionId", record, &text, &writer)
        labelled(" cs2=", event.index.value(.workspaceID, in: record), " cs2Label=workspaceId", record, &text, &writer)
        labelled(" cs3=", event.index.value(.agentName, in: record), " cs3Label=agentName", record, &text, &writer)
        labelled(
            " cs4=", event.index.value(.organizationID, in: record), " cs4Label=organizationId", record, &text, &writer)
        labelled(" cs5=", event.index.value(.requestID, in: record), " cs5Label=requestId", record, &text, &writer)
        labelled(
            " cs6=", event.index.value(.clientSessionID, in: record), " cs6Label=clientSessionId", record, &text,
            &writer)
        guard let trace = event.traceID(.trace, in: record) else { return }
        value(" flexString1=", trace, 1023, record, &text, &writer)
        writer.append(" flexString1Label=traceId")
    }

    private static func value(
        _ key: StaticString, _ value: TextRange?, _ bytesMax: Int, _ record: Span<UInt8>, _ text: inout SIEMText,
        _ writer: inout ByteWriter
    ) {
        guard let value else { return }
        writer.append(key)
        text.append(value, of: record, as: .cef, bytesMax: bytesMax, to: &writer)
    }

    private static func labelled(
        _ key: StaticString, _ value: TextRange?, _ label: StaticString, _ record: Span<UInt8>,
        _ text: inout SIEMText, _ writer: inout ByteWriter
    ) {
        guard let value else { return }
        writer.append(key)
        text.append(value, of: record, as: .cef, bytesMax: 4000, to: &writer)
        writer.append(label)
    }

    private static func name(_ key: StaticString, _ name: String?, _ writer: inout ByteWriter) {
        guard let name, !name.isEmpty else { return }
        writer.append(key)
        SIEMText.append(name, as: .cef, bytesMax: 1023, to: &writer)
    }
}

extension SIEMEvent {
    /// Syslog's severity 6, 5 or 4 on a scale from 0 to 10, on which 4 to 6 is medium and 7 high.
    var risk: StaticString {
        switch severity {
        case .warning: "7"
        case .notice: "5"
        default: "2"
        }
    }
}
