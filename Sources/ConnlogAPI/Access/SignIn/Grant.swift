#if Server

/// A section by which others vouch for people, and whom it asks: with the same name and another Coder or issuer it is
/// another way, to which nothing of the first is shown.
package struct SignInWay: Sendable, Hashable {
    /// Of the section.
    package let name: String
    /// Who is asked, such as a URL.
    package let realm: String

    package init(name: String, realm: String) {
        self.name = name
        self.realm = realm
    }
}

/// By what somebody is let in, as it is kept to ask again: for a session, and while an answer goes on.
enum Grant: Sendable, Equatable {
    /// SHA-256 of a token of the configuration.
    case token([UInt8])
    /// A token of the Coder that the section `way` names.
    case coder(way: SignInWay, token: String)
    /// What a proxy said of whoever sent a request.
    case proxy(way: SignInWay, user: String, groups: [String])
    /// What an issuer said of somebody.
    case oidc(way: SignInWay, OIDCSignIn.Person)

    /// Of the section, as `type` has it.
    var type: String {
        switch self {
        case .token: "token"
        case .coder: "coder"
        case .proxy: "proxy"
        case .oidc: "oidc"
        }
    }

    /// Whose it is, to count sessions by.
    var holder: [UInt8] {
        switch self {
        case .token(let hash): hash
        case .proxy(let way, let user, _): Grant.bytes(way) + user.utf8
        case .oidc(let way, let person): Grant.bytes(way) + person.subject.utf8
        case .coder(let way, let token): Grant.bytes(way) + TokenText.hash(of: token)
        }
    }

    private static func bytes(_ way: SignInWay) -> [UInt8] { Array(way.name.utf8) + [0] + way.realm.utf8 + [0] }
}

extension AccessList {
    /// Whether what somebody was let in by is there yet, whoever it lets in now.
    func knows(_ grant: Grant) -> Bool {
        switch grant {
        case .token(let hash): holder(ofHash: hash) != nil
        case .coder(let way, _): coders.contains { $0.way == way }
        case .proxy(let way, _, _): proxies.contains { $0.way == way }
        case .oidc(let way, _): issuers.contains { $0.way == way }
        }
    }
}
#endif
