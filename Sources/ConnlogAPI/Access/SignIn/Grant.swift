#if Server

/// By what somebody is let in, as it is kept to ask again: for a session, and while an answer goes on.
enum Grant: Sendable, Equatable {
    /// SHA-256 of a token of the configuration.
    case token([UInt8])
    /// A token of the Coder that the section `way` names.
    case coder(way: String, token: String)
    /// What a proxy said of whoever sent a request.
    case proxy(way: String, user: String, groups: [String])
    /// What an issuer said of somebody.
    case oidc(way: String, OIDCSignIn.Person)

    /// Whose it is, to count sessions by.
    var holder: [UInt8] {
        switch self {
        case .token(let hash): hash
        case .proxy(let way, let user, _): Array(way.utf8) + [0] + Array(user.utf8)
        case .oidc(let way, let person): Array(way.utf8) + [0] + Array(person.subject.utf8)
        case .coder(let way, let token): Array(way.utf8) + [0] + TokenText.hash(of: token)
        }
    }
}
#endif
