package import ConnlogCore

/// A directory of a few people and organizations.
package struct ListedNames: Names {
    package let users: [UserName]
    package let organizations: [OrganizationName]

    package init(users: [UserName], organizations: [OrganizationName]) {
        self.users = users
        self.organizations = organizations
    }

    package func user(_ id: String) -> UserName? { users.first { $0.id == id } }
    package func organization(_ id: String) -> OrganizationName? { organizations.first { $0.id == id } }
    package func userIDs(named username: String, evenDeleted: Bool) -> [String] {
        users.filter { $0.username == username }.map(\.id)
    }
    package func userIDs(withEmail email: String, evenDeleted: Bool) -> [String] {
        users.filter { $0.email == email }.map(\.id)
    }
    package func organizationIDs(named name: String) -> [String] { organizations.filter { $0.name == name }.map(\.id) }
}
