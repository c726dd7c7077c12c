package import ConnlogCore
import ConnlogSystem

/// An event of a test, in few words.
package struct ToldEvent: Sendable, Equatable {
    package var id: String?
    /// Seconds after the beginning of 2026.
    package var time: Int64
    /// Beside them.
    package var restMicroseconds: Int64 = 0
    package var isDisconnect = false
    package var type = "ssh"
    package var method: String?
    package var app: String?
    package var code: Int?
    package var reason: String?
    package var connection: String?
    package var organization = uuid(900)
    package var owner = uuid(100)
    package var workspace = uuid(200)
    package var workspaceName = "dev"
    package var agent = "main"
    package var ip: String? = "10.0.0.1"
    package var userAgent: String?
    package var user: String?
    package var slug: String?
    /// Of a newer Coder; 32 hexadecimal digits.
    package var clientSession: String?

    package init(
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

    package static let start: Int64 = 1_767_225_600

    package static func uuid(_ number: Int) -> String {
        let digits = String(number, radix: 16)
        let tail = String(repeating: "0", count: 12 - digits.count) + digits
        return "11112222-3333-4444-8555-\(tail)"
    }

    package var microseconds: Int64 { (ToldEvent.start + time) * 1_000_000 + restMicroseconds }

    package var line: String {
        func text(_ text: String?) -> String { text.map { JSONText.quoted($0) } ?? "\"\"" }
        let when = EventTime.text(microseconds * 1000)
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

    package static func batch(_ events: some Sequence<ToldEvent>) -> EventBatch {
        var batch = EventBatch()
        for event in events { batch.append(Array(event.line.utf8).span) }
        return batch
    }
}
