/// The names of several files, ready to be looked up.
///
/// Where two files name one id, the later file's name counts.
struct NameIndex: Names {
    private let usersByID: [String: UserName]
    private let organizationsByID: [String: OrganizationName]
    private let idsByUsername: [String: [String]]
    private let idsByEmail: [String: [String]]
    private let idsByOrganization: [String: [String]]

    init(_ tables: [NameTable]) {
        let users = Dictionary(tables.flatMap(\.users).map { ($0.id, $0) }, uniquingKeysWith: { $1 })
        let organizations = Dictionary(tables.flatMap(\.organizations).map { ($0.id, $0) }, uniquingKeysWith: { $1 })
        usersByID = users
        organizationsByID = organizations
        idsByUsername = Dictionary(grouping: users.keys.sorted()) { users[$0]?.username.lowercased() ?? "" }
        idsByEmail = Dictionary(grouping: users.keys.sorted()) { users[$0]?.email.lowercased() ?? "" }
        idsByOrganization = Dictionary(grouping: organizations.keys.sorted()) {
            organizations[$0]?.name.lowercased() ?? ""
        }
    }

    func user(_ id: String) -> UserName? { usersByID[id] }
    func organization(_ id: String) -> OrganizationName? { organizationsByID[id] }

    func userIDs(named username: String, evenDeleted: Bool) -> [String] {
        username.isEmpty ? [] : kept(idsByUsername[username.lowercased()], evenDeleted)
    }

    func userIDs(withEmail email: String, evenDeleted: Bool) -> [String] {
        email.isEmpty ? [] : kept(idsByEmail[email.lowercased()], evenDeleted)
    }

    func organizationIDs(named name: String) -> [String] {
        name.isEmpty ? [] : idsByOrganization[name.lowercased()] ?? []
    }

    var users: [UserName] { usersByID.values.sorted { ($0.username, $0.id) < ($1.username, $1.id) } }
    var organizations: [OrganizationName] {
        organizationsByID.values.sorted { ($0.name, $0.id) < ($1.name, $1.id) }
    }

    private func kept(_ ids: [String]?, _ evenDeleted: Bool) -> [String] {
        (ids ?? []).filter { evenDeleted || usersByID[$0]?.isDeleted == false }
    }
}
