#if Server
import ConnlogCore
import ConnlogStore

/// Who asks, and what for.
struct Caller: Sendable {
    /// How it was let in and its name, such as `token:ci` or `oidc:alice@example.com`, so that nobody is taken for
    /// somebody else of the same name; `local` for somebody on this machine.
    let name: String
    /// Its name alone.
    let ownName: String
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
        /// What came with the request itself.
        /// - isFromBrowser: a browser sends it along whoever asks, or the proxy before us for it.
        case grant(Grant, isFromBrowser: Bool)
        /// The id of a login, in a cookie, which is such a thing too.
        case session(String)
    }

    /// Somebody on this machine.
    static func local(_ credential: Credential) -> Caller {
        Caller(
            name: "local", ownName: "local", role: .admin, organizations: nil, user: nil, credential: credential)
    }

    private init(
        name: String, ownName: String, role: Role, organizations: [String]?, user: UserName?, credential: Credential
    ) {
        self.name = name
        self.ownName = ownName
        self.role = role
        self.organizations = organizations
        self.user = user
        self.credential = credential
    }

    /// Whose share of what there is of answers is taken.
    var share: String { name }

    /// How Coder would call it: `none` where there is nothing to log out of.
    var loginType: String {
        switch credential {
        case .localSocket, .open, .grant(.proxy, _): "none"
        case .grant(.oidc, _): "oidc"
        case .grant, .session: "token"
        }
    }

    /// - Parameter grant: what the credential stands for.
    init(_ entry: AccessList.Entry, by grant: Grant, _ credential: Credential, _ names: any Names) {
        let ids = entry.organizations.flatMap { text in
            UUIDText.normalized(text).map { [$0] } ?? names.organizationIDs(named: text)
        }
        let userID = entry.user.flatMap { text in
            UUIDText.normalized(text) ?? names.userIDs(named: text, evenDeleted: false).first
                ?? (entry.isPerson ? names.userIDs(withEmail: text, evenDeleted: false).first : nil)
        }
        self.init(
            name: "\(grant.type):\(entry.name)", ownName: entry.name, role: entry.role,
            organizations: entry.organizations.isEmpty ? nil : ids,
            user: userID.map {
                names.user($0) ?? UserName(id: $0, username: entry.isPerson ? entry.name : entry.user ?? "")
            },
            credential: credential)
    }

    /// By what a browser sends along whoever makes it ask.
    var isByBrowser: Bool {
        switch credential {
        case .session, .grant(_, isFromBrowser: true): true
        case .localSocket, .open, .grant: false
        }
    }

    /// Not all organizations are the caller's to see.
    var isLimited: Bool { organizations != nil }

    func query(_ filter: FilterQuery, _ names: any Names, _ bounds: StateBounds) -> RowQuery {
        RowQuery(filter, names: names, caller: user?.id, organizations: organizations, bounds: bounds)
    }

    /// All rows that the caller may see.
    var everything: RowQuery {
        RowQuery(organizations.map { [RowQuery.Term(.organizations($0), isLimit: true)] } ?? [])
    }

    func maySee(_ organization: String?) -> Bool {
        guard let organizations else { return true }
        return organization.map(organizations.contains) ?? false
    }

    /// Whether the same may be done and seen.
    func mayAs(_ other: Caller) -> Bool { role == other.role && organizations == other.organizations }
}
#endif
