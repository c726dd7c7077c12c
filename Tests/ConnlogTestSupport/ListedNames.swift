public import ConnlogCore

/// A directory of a few people and organizations.
public struct ListedNames: Names {
    public let users: [UserName]
    public let organizations: [OrganizationName]

    public init(users: [UserName], organizations: [OrganizationName]) {
        self.users = users
        self.organizations = organizations
    }

    public func user(_ id: String) -> UserName? { users.first { $0.id == id } }
    public func organization(_ id: String) -> OrganizationName? { organizations.first { $0.id == id } }
    public func userIDs(named username: String, evenDeleted: Bool) -> [String] {
        users.filter { $0.username == username }.map(\.id)
    }
    public func userIDs(withEmail email: String, evenDeleted: Bool) -> [String] {
        users.filter { $0.email == email }.map(\.id)
    }
    public func organizationIDs(named name: String) -> [String] { organizations.filter { $0.name == name }.map(\.id) }
}
