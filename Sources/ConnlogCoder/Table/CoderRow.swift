package import ConnlogCore

/// A row of Coder's table, as `GET /api/v2/connectionlog` gives it, and our own server, which speaks the same.
///
/// Who may write these texts: owners of workspaces name those and their agents; agents report times, addresses and
/// reasons; browsers their user agents. They are texts here and become strings of JSON.
package struct CoderRow: Sendable, Equatable {
    package var id: RowID
    package var connect: TableTime
    /// Of an agent's connection that has ended.
    package var end: TableTime?
    /// An agent has reported it, so it has an end; the others are requests that coderd has recorded.
    package var isAgent: Bool
    /// `nil` where there is none, or the nil UUID.
    package var connection: RowID?
    package var organization = ""
    package var owner = ""
    package var workspace = ""
    package var workspaceName = ""
    package var agent = ""
    package var ip: String?
    package var type = ""
    /// Of newer builds, which have that in place of the type.
    package var method: String?
    package var app: String?
    package var userAgent = ""
    package var user: String?
    package var slugOrPort = ""
    /// An exit code, or the status of an HTTP answer.
    package var code: Int64?
    package var reason = ""
    package var clientSession: String?

    /// Why a row cannot be used.
    package struct Mistake: Error, Equatable {
        package let text: String
    }

    package init(_ value: JSONValue) throws(Mistake) {
        guard let id = value["id"]?.string.flatMap(RowID.init) else { throw Mistake(text: "no id") }
        guard let connect = value["connect_time"]?.string.flatMap({ TableTime($0) }) else {
            throw Mistake(text: "no connect_time")
        }
        self.id = id
        self.connect = connect
        let (web, agent) = (value["web_info"], value["ssh_info"])
        isAgent = agent != nil
        guard isAgent != (web != nil) else { throw Mistake(text: "neither web_info nor ssh_info, or both") }
        func text(_ key: String) -> String { CoderRow.cut(value[key]?.string ?? "") }
        organization = CoderRow.cut(value["organization"]?["id"]?.string ?? "")
        owner = text("workspace_owner_id")
        workspace = text("workspace_id")
        workspaceName = text("workspace_name")
        self.agent = text("agent_name")
        ip = value["ip"]?.string.map(CoderRow.cut)
        type = text("type")
        method = value["connection_method"]?.string.map(CoderRow.cut)
        app = value["app_name"]?.string.map(CoderRow.cut)
        if let web { take(web: web) }
        if let agent { try take(agent: agent) }
    }

    private mutating func take(web: JSONValue) {
        userAgent = CoderRow.cut(web["user_agent"]?.string ?? "")
        user = web["user"]?["id"]?.string.map(CoderRow.cut)
        slugOrPort = CoderRow.cut(web["slug_or_port"]?.string ?? "")
        code = web["status_code"]?.integer
    }

    private mutating func take(agent: JSONValue) throws(Mistake) {
        connection = agent["connection_id"]?.string.flatMap(RowID.init).flatMap { $0.isNil ? nil : $0 }
        reason = CoderRow.cut(agent["disconnect_reason"]?.string ?? "")
        code = agent["exit_code"]?.integer
        clientSession = agent["client_session_id"]?.string.map(CoderRow.cut)
        guard let time = agent["disconnect_time"], time != .null else { return }
        guard let end = time.string.flatMap({ TableTime($0) }) else { throw Mistake(text: "no disconnect_time") }
        self.end = end
    }

    /// So many bytes of one text are taken.
    static let textBytesMax = 32 << 10

    private static func cut(_ text: String) -> String { TerminalText.cut(text, bytesMax: textBytesMax) }

    /// About what the row takes in memory.
    var byteCount: Int {
        let texts = [
            organization, owner, workspace, workspaceName, agent, type, userAgent, slugOrPort, reason, ip ?? "",
            method ?? "", app ?? "", user ?? "", clientSession ?? "",
        ]
        return texts.reduce(400) { $0 + $1.utf8.count }
    }

    /// What makes two reports be of one connection, beside the row's id: Coder's own unique key.
    package var key: ConnectionKey? {
        connection.map { ConnectionKey(connection: $0, workspace: RowID(workspace), agent: agent) }
    }
}

/// Of an agent's connection.
package struct ConnectionKey: Sendable, Hashable {
    let connection: RowID
    let workspace: RowID?
    let agent: String
}
