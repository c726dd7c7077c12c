internal import ConnlogCore
internal import ConnlogSystem

/// The names that a directory knows for an event's ids, as members of the object under `event`.
///
///     user              of UserID
///     workspace_owner   of WorkspaceOwnerID
///     organization      of OrganizationID
///
/// What nobody has a name for is left out. Allocates for each event, which is why it is off by default.
struct HECNames: Sendable {
    private let names: any Names
    private var members = ByteBuffer()

    init(_ names: any Names) { self.names = names }

    /// Members for one event, each with a comma before it; good until the next call.
    mutating func members(of record: Span<UInt8>, _ index: EventIndex) -> ByteBuffer {
        members.removeAll()
        append("user", index.string(.userID, record).flatMap { names.user($0.lowercased())?.username })
        append(
            "workspace_owner",
            index.string(.workspaceOwnerID, record).flatMap {
                names.user($0.lowercased())?.username
            })
        append(
            "organization",
            index.string(.organizationID, record).flatMap {
                names.organization($0.lowercased())?.name
            })
        return members
    }

    private mutating func append(_ key: String, _ name: String?) {
        guard let name, !name.isEmpty else { return }
        members.append(",\"\(key)\":\"")
        JSONText.escape(name, into: &members)
        members.append("\"")
    }
}
