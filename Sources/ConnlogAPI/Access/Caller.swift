#if Server
import ConnlogCore
import ConnlogStore

/// Who asks, and what for.
struct Caller: Sendable {
    let name: String
    let role: Role
    /// Ids; `nil`: all.
    let organizations: [String]?
    let user: UserName?
    let credential: Credential

    /// By what somebody was let in; whether it still does is asked again while an answer goes on.
    enum Credential: Sendable, Equatable {
        case localSocket
        /// Nobody needs one.
        case open
        /// SHA-256 of a token in a header.
        case token([UInt8])
        /// The id of a login, in a cookie: a browser sends it along whoever asks.
        case session(String)
    }

    /// Somebody on this machine.
    static func local(_ credential: Credential) -> Caller {
        Caller(name: "local", role: .admin, organizations: nil, user: nil, credential: credential)
    }

    private init(name: String, role: Role, organizations: [String]?, user: UserName?, credential: Credential) {
        self.name = name
        self.role = role
        self.organizations = organizations
        self.user = user
        self.credential = credential
    }

    init(_ entry: AccessList.Entry, _ credential: Credential, _ names: any Names) {
        let ids = entry.organizations.flatMap { text in
            UUIDText.normalized(text).map { [$0] } ?? names.organizationIDs(named: text)
        }
        let userID = entry.user.flatMap { text in
            UUIDText.normalized(text) ?? names.userIDs(named: text, evenDeleted: false).first
        }
        self.init(
            name: entry.name, role: entry.role, organizations: entry.organizations.isEmpty ? nil : ids,
            user: userID.map { names.user($0) ?? UserName(id: $0, username: entry.user ?? "") },
            credential: credential)
    }

    var isByCookie: Bool { if case .session = credential { true } else { false } }

    /// Not all organizations are the caller's to see.
    var isLimited: Bool { organizations != nil }

    func query(_ filter: FilterQuery, _ names: any Names) -> RowQuery {
        RowQuery(filter, names: names, caller: user?.id, organizations: organizations)
    }

    /// All rows that the caller may see.
    var everything: RowQuery {
        RowQuery(organizations.map { [RowQuery.Term(.organizations($0))] } ?? [])
    }

    func maySee(_ organization: String?) -> Bool {
        guard let organizations else { return true }
        return organization.map(organizations.contains) ?? false
    }

    /// Whether the same may be done and seen.
    func mayAs(_ other: Caller) -> Bool { role == other.role && organizations == other.organizations }
}
#endif
