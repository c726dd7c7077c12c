public import ConnlogSystem

/// One connection event in full, for people: filters, tables, tests. The hot path copies ranges instead.
///
/// What a build of Coder does not write, or writes as null in one of its ways, is `nil`.
public struct ConnectionEvent: Sendable, Equatable {
    /// When coderd wrote the line.
    public var entryTime: Nanoseconds?
    /// slog's level, `INFO` as a rule.
    public var level: String?
    /// The id of the request to coderd.
    public var requestID: String?
    /// The trace of OpenTelemetry, where coderd writes one.
    public var trace: String?
    /// The span of it.
    public var span: String?

    /// The event's own id, a UUID.
    public var id: String?
    /// When it happened, by the clock of whoever reported it.
    public var time: Nanoseconds?
    /// The organization's id, a UUID.
    public var organizationID: String?
    /// The id of the workspace's owner, a UUID.
    public var workspaceOwnerID: String?
    /// The workspace's id, a UUID.
    public var workspaceID: String?
    /// Chosen by its owner.
    public var workspaceName: String?
    /// Chosen by the template's author.
    public var agentName: String?
    /// What kind of connection it is.
    public var type: ConnectionType
    /// The type as the event writes it; the method in builds that have no type.
    public var typeText: String?
    /// How the connection was made.
    public var method: ConnectionMethod
    /// The client's app, of SSH and terminal connections only.
    public var appName: String?
    /// The exit code of an agent's connection, the HTTP status of a web one.
    public var code: Int?
    /// An address without mask or port; whatever text stands there if it is none.
    public var ip: String?
    /// What a browser calls itself; chosen by the client.
    public var userAgent: String?
    /// Who opened it, of web events; a UUID.
    public var userID: String?
    /// What was opened: an app's slug or a port, of web events only.
    public var slugOrPort: String?
    /// The connection, of events of agents; a UUID.
    public var connectionID: String?
    /// Why it ended, in words of Coder.
    public var disconnectReason: String?
    /// Whether it began or ended.
    public var status: ConnectionStatus?
    /// The client's session, where it tells one.
    public var clientSessionID: String?

    /// - Parameter index: what the scanner has found in the record.
    package init(_ record: Span<UInt8>, _ index: EventIndex) {
        entryTime = index.entryTime(in: record)
        level = index.string(.level, record)
        requestID = index.string(.requestID, record)
        trace = index.string(.trace, record)
        span = index.string(.span, record)
        id = index.string(.id, record)
        time = index.time(in: record)
        organizationID = index.string(.organizationID, record)
        workspaceOwnerID = index.string(.workspaceOwnerID, record)
        workspaceID = index.string(.workspaceID, record)
        workspaceName = index.string(.workspaceName, record)
        agentName = index.string(.agentName, record)
        type = index.connectionType(in: record)
        typeText = index.typeText(in: record).map { JSONText.string(record, $0.range) }
        method = index.connectionMethod(in: record)
        appName = index.app(in: record).map { JSONText.string(record, $0.range) }
        code = index.code(in: record)
        ip = index.string(.ip, record)
        userAgent = index.string(.userAgent, record)
        userID = index.string(.userID, record)
        slugOrPort = index.slugOrPort(in: record).map { JSONText.string(record, $0.range) }
        connectionID = index.string(.connectionID, record)
        disconnectReason = index.string(.disconnectReason, record)
        status = index.status(in: record)
        clientSessionID = index.string(.clientSessionID, record)
    }

    /// Reads one slog JSON line; `nil` if it is no connection event.
    public init?(line: String) {
        let bytes = Array(line.utf8)
        var scanner = EventScanner()
        var fields = EventFields()
        guard scanner.scan(bytes.span, into: &fields) == .connectionLog else { return nil }
        self.init(bytes.span, fields.index)
    }

    /// Recorded by coderd, so it names a user and has no end.
    public var isWeb: Bool { type.isWeb }

    /// The app's name for people.
    public var appDisplayName: String? { appName.map(AppName.displayName) }
}

extension EventIndex {
    /// A field's text, unescaped. Allocates.
    package func string(_ field: Field, _ record: Span<UInt8>) -> String? {
        value(field, in: record).map { JSONText.string(record, $0.range) }
    }
}
