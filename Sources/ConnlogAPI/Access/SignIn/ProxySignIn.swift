#if Server
package import ConnlogCore
package import HTTPTypes

/// `[access] type = proxy`: an authenticating proxy says in headers who asks.
///
/// Whoever can connect from its address can say so too; on an address that it shares with other programs a secret in a
/// header of its own tells it from them.
package struct ProxySignIn: Sendable {
    /// Of the section.
    package let name: String
    private let from: [AddressBlock]
    private let userHeader: HTTPField.Name
    private let groupsHeader: HTTPField.Name?
    private let secretHash: [UInt8]?
    private let roles: GroupRoles
    /// Another one as soon as another's word would count.
    package let way: SignInWay

    /// Holds the secret.
    package static let secretHeader = "Connlog-Proxy-Secret"

    /// - Returns: `nil` where a header's name is none.
    package init?(
        name: String, from: [AddressBlock], userHeader: String, groupsHeader: String? = nil, secret: String? = nil,
        roles: GroupRoles
    ) {
        guard let user = ProxySignIn.header(userHeader) else { return nil }
        if let groupsHeader {
            guard let groups = ProxySignIn.header(groupsHeader), groups != user else { return nil }
            self.groupsHeader = groups
        } else {
            self.groupsHeader = nil
        }
        self.name = name
        self.from = from
        self.userHeader = user
        secretHash = secret.map { TokenText.hash(of: $0) }
        self.roles = roles
        let realm = [
            "\(from)", user.canonicalName, self.groupsHeader?.canonicalName ?? "", "\(secretHash ?? [])",
        ]
        way = SignInWay(name: name, realm: realm.joined(separator: " "))
    }

    /// One that says who asks, and nothing else.
    package static func header(_ text: String) -> HTTPField.Name? {
        guard let name = HTTPField.Name(text), !taken.contains(name.canonicalName) else { return nil }
        return name
    }

    private static let taken: Set<String> = [
        "authorization", "connection", "content-length", "content-type", "cookie", "coder-session-token", "host",
        "origin", "sec-fetch-site", "transfer-encoding", "x-forwarded-for", "connlog-proxy-secret",
    ]

    /// What a request's headers say.
    enum Word: Equatable {
        /// Nothing.
        case none
        case person(user: String, groups: [String])
        /// They say something, and are not the proxy's.
        case foreign
        /// They say it twice, so somebody beside the proxy has a hand in them.
        case twice(header: String)
        case wrongSecret
    }

    /// - Parameter neighbour: the address at the other end of the connection itself.
    func word(_ fields: HTTPFields, neighbour: String) -> Word {
        let users = fields[values: userHeader]
        // A proxy that knows nobody may send it empty.
        guard users.contains(where: { !$0.isEmpty }) else { return .none }
        guard from.contains(where: { $0.contains(Array(neighbour.utf8)) }) else { return .foreign }
        if let secretHash {
            let secrets = fields[values: .known(ProxySignIn.secretHeader)]
            guard secrets.count == 1, AccessList.areEqual(TokenText.hash(of: secrets[0]), secretHash) else {
                return .wrongSecret
            }
        }
        guard users.count == 1 else { return .twice(header: userHeader.rawName) }
        guard let groupsHeader else { return .person(user: users[0], groups: []) }
        let groups = fields[values: groupsHeader]
        guard groups.count <= 1 else { return .twice(header: groupsHeader.rawName) }
        return .person(user: users[0], groups: ProxySignIn.list(groups.first ?? ""))
    }

    /// What stands between commas, without blanks around it.
    private static func list(_ text: String) -> [String] {
        text.split(separator: ",").prefix(GroupRoles.groupsMax).map(\.trimmingBlanks)
    }

    /// Who that is here, now.
    func verdict(user: String, groups: [String]) -> Verdict { roles.verdict(user, [], groups) }
}
#endif
