#if Server
import ConnlogCore
import ConnlogSystem
import ConnlogTestSupport

/// An event of a test, in few words.
struct ToldEvent: Sendable, Equatable {
    var id: String?
    /// Seconds after the beginning of 2026.
    var time: Int64
    var isDisconnect = false
    var type = "ssh"
    var method: String?
    var app: String?
    var code: Int?
    var reason: String?
    var connection: String?
    var organization = uuid(900)
    var owner = uuid(100)
    var workspace = uuid(200)
    var workspaceName = "dev"
    var agent = "main"
    var ip: String? = "10.0.0.1"
    var userAgent: String?
    var user: String?
    var slug: String?

    static let start: Int64 = 1_767_225_600

    static func uuid(_ number: Int) -> String {
        let digits = String(number, radix: 16)
        let tail = String(repeating: "0", count: 12 - digits.count) + digits
        return "11112222-3333-4444-8555-\(tail)"
    }

    var microseconds: Int64 { (ToldEvent.start + time) * 1_000_000 }

    var line: String {
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
        if let method {
            fields += ["\"ConnectionMethod\":\"\(method)\"", "\"AppNameOrPort\":\(text(app ?? slug))"]
        } else {
            fields += ["\"Type\":\"\(type)\"", "\"SlugOrPort\":\(text(slug))"]
        }
        return #"{"ts":"\#(when)","level":"INFO","msg":"connection_log","fields":{\#(fields.joined(separator: ","))}}"#
    }

    static func batch(_ events: some Sequence<ToldEvent>) -> EventBatch {
        var batch = EventBatch()
        for event in events { batch.append(Array(event.line.utf8).span) }
        return batch
    }
}
#endif
