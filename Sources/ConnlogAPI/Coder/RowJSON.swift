#if Server
import ConnlogCore
import ConnlogStore
import ConnlogSystem
import Synchronization

/// A row as Coder's API writes a `ConnectionLog`, keys in its order.
struct RowJSON {
    let names: any Names
    /// When a connection without an end is open, and when it is lost.
    let bounds: StateBounds
    /// Adds the member `connlog` with what is ours.
    let isExtended: Bool
    /// For whoever may not know the store's own numbers.
    let seal: NumberSeal?
    /// People and organizations that rows of this answer have named already.
    private let named = NamedParts()

    init(names: any Names, bounds: StateBounds, isExtended: Bool, seal: NumberSeal? = nil) {
        (self.names, self.bounds, self.isExtended, self.seal) = (names, bounds, isExtended, seal)
    }

    private static let noID = "00000000-0000-0000-0000-000000000000"
    private static let noTime = "0001-01-01T00:00:00Z"

    func value(_ row: ConnectionRow) -> JSONValue {
        var object = Members()
        object.add("id", row.id ?? RowJSON.noID)
        object.add("connect_time", row.session.connect.text)
        object.add("organization", named.part("o\(row.organizationID ?? "")") { organization(row.organizationID) })
        object.add("workspace_owner_id", row.workspaceOwnerID ?? RowJSON.noID)
        object.add("workspace_owner_username", row.workspaceOwnerID.flatMap(names.user)?.username ?? "")
        object.add("workspace_id", row.workspaceID ?? RowJSON.noID)
        object.add("workspace_name", row.workspaceName ?? "")
        object.add("agent_name", row.agentName ?? "")
        if let ip = row.ip, !ip.contains("/"), AddressBlock(ip) != nil { object.add("ip", ip) }
        object.add("type", RowJSON.typeWord(row))
        object.add("connection_method", row.method == .other ? row.typeText ?? "" : row.method.rawValue)
        if let app = row.appName {
            object.add("app_name", app)
            object.add("app_display_name", AppName.displayName(app))
        }
        if row.type.isWeb { object.add("web_info", web(row)) } else { object.add("ssh_info", agent(row)) }
        if isExtended { object.add("connlog", own(row)) }
        return object.value
    }

    /// Newest builds derive it from method and app; what that cannot tell is the event's own word.
    static func typeWord(_ row: ConnectionRow) -> String {
        row.type == .other ? row.typeText ?? "" : row.type.rawValue
    }

    private func web(_ row: ConnectionRow) -> JSONValue {
        var object = Members()
        object.add("user_agent", row.userAgent ?? "")
        object.add("user", row.userID.map { id in named.part("u\(id)") { user(id) } } ?? .null)
        object.add("slug_or_port", row.slugOrPort ?? "")
        object.add("status_code", JSONValue(row.session.code?.value ?? 0))
        return object.value
    }

    private func agent(_ row: ConnectionRow) -> JSONValue {
        var object = Members()
        object.add("connection_id", row.connectionID ?? RowJSON.noID)
        if let end = row.session.disconnect { object.add("disconnect_time", end.text) }
        if let reason = row.session.reason { object.add("disconnect_reason", reason.value) }
        if let code = row.session.code, row.session.disconnect != nil { object.add("exit_code", JSONValue(code.value)) }
        if let id = row.clientSessionID.flatMap(RowJSON.clientSession) { object.add("client_session_id", id) }
        return object.value
    }

    /// 32 hexadecimal digits, as Coder's table has it; clients choose it, and what looks different is not served here.
    private static func clientSession(_ id: String) -> String? {
        UUIDText.normalized(id).map { $0.filter { $0 != "-" } }
    }

    /// What connlog knows and Coder does not say.
    private func own(_ row: ConnectionRow) -> JSONValue {
        var object = Members()
        object.add("status", status(row))
        if let end = row.session.disconnect, !row.isStartUnknown {
            object.add("duration_ms", .integer(end.milliseconds(since: row.session.connect)))
        }
        object.add("events", JSONValue(row.session.events))
        if let id = row.clientSessionID { object.add("client_session_id", id) }
        if let word = row.typeText { object.add("type_text", word) }
        PersonText(names: names).add(row.person, to: &object)
        object.add("cursor", cursor(row.position))
        return object.value
    }

    /// A place in the list, as the caller may know it.
    func cursor(_ position: RowPosition) -> String { (seal?.seal(position) ?? position).description }

    /// `open`, `unconfirmed`, `lost`, `completed`, `start_unknown`, or `none` for what has no length.
    func status(_ row: ConnectionRow) -> String { bounds.state(row)?.rawValue ?? "none" }

    func organization(_ id: String?) -> JSONValue {
        let known = id.flatMap(names.organization)
        return [
            "id": .string(id ?? RowJSON.noID), "name": .string(known?.name ?? ""),
            "display_name": .string(known?.displayName ?? ""), "icon": .string(known?.icon ?? ""),
        ]
    }

    /// What a directory does not know is empty; times that nobody knows are Go's zero time.
    func user(_ id: String) -> JSONValue {
        let known = names.user(id)
        return [
            "id": .string(id), "username": .string(known?.username ?? ""), "name": .string(known?.name ?? ""),
            "avatar_url": "", "email": .string(known?.email ?? ""), "created_at": .string(RowJSON.noTime),
            "updated_at": .string(RowJSON.noTime), "last_seen_at": .string(RowJSON.noTime), "status": "",
            "login_type": "", "organization_ids": .array([]), "roles": .array([]),
        ]
    }
}

/// Parts of rows that come again and again, as they were written the first time: a person and an organization take most of a
/// row's JSON, and each stands in many.
final class NamedParts: Sendable {
    private static let countMax = 4096
    private let texts = Mutex<[String: String]>([:])

    func part(_ key: String, _ make: () -> JSONValue) -> JSONValue {
        if let text = texts.withLock({ $0[key] }) { return .raw(text) }
        let text = make().line
        texts.withLock { texts in
            if texts.count >= NamedParts.countMax { texts.removeAll(keepingCapacity: true) }
            texts[key] = text
        }
        return .raw(text)
    }
}

/// The members of a JSON object, as they are added.
struct Members {
    private var members: [JSONValue.Member] = []

    mutating func add(_ key: String, _ value: JSONValue) { members.append(.init(key: key, value: value)) }
    mutating func add(_ key: String, _ text: String) { add(key, .string(text)) }

    var value: JSONValue { .object(members) }
}
#endif
