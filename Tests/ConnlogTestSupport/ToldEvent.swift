public import ConnlogCore
public import ConnlogSystem

/// An event of a test, in few words.
public struct ToldEvent: Sendable, Equatable {
    public var id: String?
    /// Seconds after the beginning of 2026.
    public var time: Int64
    public var isDisconnect = false
    public var type = "ssh"
    public var method: String?
    public var app: String?
    public var code: Int?
    public var reason: String?
    public var connection: String?
    public var organization = uuid(900)
    public var owner = uuid(100)
    public var workspace = uuid(200)
    public var workspaceName = "dev"
    public var agent = "main"
    public var ip: String? = "10.0.0.1"
    public var userAgent: String?
    public var user: String?
    public var slug: String?
    /// Of a newer Coder; 32 hexadecimal digits.
    public var clientSession: String?

    public init(
        id: String? = nil, time: Int64, isDisconnect: Bool = false, type: String = "ssh", code: Int? = nil,
        reason: String? = nil, connection: String? = nil, userAgent: String? = nil
    ) {
        self.id = id
        self.time = time
        self.isDisconnect = isDisconnect
        self.type = type
        self.code = code
        self.reason = reason
        self.connection = connection
        self.userAgent = userAgent
    }

    public static let start: Int64 = 1_767_225_600

    public static func uuid(_ number: Int) -> String {
        let digits = String(number, radix: 16)
        let tail = String(repeating: "0", count: 12 - digits.count) + digits
        return "11112222-3333-4444-8555-\(tail)"
    }

    public var microseconds: Int64 { (ToldEvent.start + time) * 1_000_000 }

    public var line: String {
        func text(_ text: String?) -> String { text.map { JSONText.quoted($0) } ?? "\"\"" }
        let when = EventTime.text((ToldEvent.start + time) * 1_000_000_000)
        var fields = [
            "\"ID\":\(text(id))", "\"Time\":\"\(when)\"", "\"OrganizationID\":\(text(organization))",
            "\"WorkspaceOwnerID\":\(text(owner))", "\"WorkspaceID\":\(text(workspace))",
            "\"WorkspaceName\":\(text(workspaceName))", "\"AgentName\":\(text(agent))",
            "\"Code\":\(code.map { String($0) } ?? "null")", "\"Ip\":\(text(ip))", "\"UserAgent\":\(text(userAgent))",
            "\"UserID\":\(text(user))", "\"ConnectionID\":\(text(connection))",
            "\"DisconnectReason\":\(text(reason))",
            "\"ConnectionStatus\":\"\(isDisconnect ? "disconnected" : "connected")\"",
        ]
        if let clientSession { fields.append("\"ClientSessionID\":\(text(clientSession))") }
        if let method {
            fields += ["\"ConnectionMethod\":\"\(method)\"", "\"AppNameOrPort\":\(text(app ?? slug))"]
        } else {
            fields += ["\"Type\":\"\(type)\"", "\"SlugOrPort\":\(text(slug))"]
        }
        return #"{"ts":"\#(when)","level":"INFO","msg":"connection_log","fields":{\#(fields.joined(separator: ","))}}"#
    }

    public static func batch(_ events: some Sequence<ToldEvent>) -> EventBatch {
        var batch = EventBatch()
        for event in events { batch.append(Array(event.line.utf8).span) }
        return batch
    }
}
