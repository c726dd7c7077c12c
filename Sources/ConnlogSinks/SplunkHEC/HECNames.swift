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
        let found = EventNames(of: record, index, from: names)
        append("user", found.user)
        append("workspace_owner", found.workspaceOwner)
        append("organization", found.organization)
        return members
    }

    private mutating func append(_ key: String, _ name: String?) {
        guard let name, !name.isEmpty else { return }
        members.append(",\"\(key)\":\"")
        JSONText.escape(name, into: &members)
        members.append("\"")
    }
}
