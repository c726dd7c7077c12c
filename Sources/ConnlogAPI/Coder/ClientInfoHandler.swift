#if Server
import ConnlogCore
import ConnlogStore
import Hummingbird

/// What clients of Coder ask for around the list: as little as is true.
enum ClientInfoHandler {
    /// `GET /api/v2/buildinfo`. Anyone may ask.
    static func buildInfo(_ version: String) -> Response {
        .json([
            "external_url": "", "version": .string("v\(version)+connlog"), "dashboard_url": "", "telemetry": false,
            "workspace_proxy": false, "agent_api_version": "", "provisioner_api_version": "", "upgrade_message": "",
            "deployment_id": "",
        ])
    }

    /// `GET /api/v2/users/me`: whose token it is.
    static func me(_ caller: Caller, _ names: any Names) -> Response {
        let json = RowJSON(names: names, bounds: .none, isExtended: false)
        let id = caller.user?.id ?? "00000000-0000-0000-0000-000000000000"
        guard case .object(var members) = json.user(id) else { return .json(.null) }
        let own: [String: JSONValue] = [
            "username": .string(caller.user?.username ?? caller.ownName), "status": "active",
            "login_type": .string(caller.loginType),
            "organization_ids": .array(organizationIDs(caller, names).map { .string($0) }),
            "roles": .array([["name": .string(caller.role.rawValue), "display_name": .string(caller.role.rawValue)]]),
        ]
        members = members.map { JSONValue.Member(key: $0.key, value: own[$0.key] ?? $0.value) }
        return .json(.object(members))
    }

    /// Whoever may not see connections is not told whose there are.
    private static func organizationIDs(_ caller: Caller, _ names: any Names) -> [String] {
        caller.role.mayRead ? caller.organizations ?? names.organizations.map(\.id) : []
    }

    /// `GET /api/v2/organizations`: those that a directory knows and the caller may see.
    static func organizations(_ caller: Caller, _ names: any Names) -> Response {
        let json = RowJSON(names: names, bounds: .none, isExtended: false)
        return .json(
            .array(names.organizations.filter { caller.maySee($0.id) }.map { json.organization($0.id) }))
    }
}
#endif
