internal import ConnlogSystem

/// The names of those whom an event names by id, as a directory has them now; `nil` where it has none.
package struct EventNames: Sendable, Equatable {
    /// Who connected.
    package let user: String?
    package let workspaceOwner: String?
    package let organization: String?

    /// Allocates for each event.
    package init(of record: Span<UInt8>, _ index: EventIndex, from names: any Names) {
        user = index.string(.userID, record).flatMap { names.user($0.lowercased())?.username }
        workspaceOwner = index.string(.workspaceOwnerID, record).flatMap { names.user($0.lowercased())?.username }
        organization = index.string(.organizationID, record).flatMap { names.organization($0.lowercased())?.name }
    }
}
