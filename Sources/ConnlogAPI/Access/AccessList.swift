#if Server
import ConnlogCore
import Crypto

/// Who may ask: the `[access]` sections.
package struct AccessList: Sendable {
    /// Those of `type = token`.
    package var entries: [Entry]
    /// Those of `type = coder`.
    package var coders: [CoderSignIn] = []
    /// Those of `type = proxy`.
    package var proxies: [ProxySignIn] = []
    /// Those of `type = oidc`.
    package var issuers: [OIDCSignIn] = []
    /// User names, e-mail addresses and ids in lower case that are let in by no way, whichever section names them.
    package var revoked: Set<String> = []
    private let saysOpen: Bool

    /// One `[access "name"]`.
    package struct Entry: Sendable, Equatable {
        package let name: String
        package let role: Role
        /// SHA-256 of each token that is good; several while one is being replaced.
        let hashes: [[UInt8]]
        /// The only organizations whose rows the holder sees, by id or name; empty: all.
        package let organizations: [String]
        /// Whom `me` means, by id or name; `nil`: nobody.
        package let user: String?
        /// Somebody whom others vouch for: the name is the person's own.
        let isPerson: Bool
        /// Other names of that person, such as an e-mail address.
        let knownAs: [String]

        /// - Parameter hashes: 64 hex digits each.
        /// - Returns: `nil` if one is something else.
        package init?(
            name: String, role: Role, tokenHashes hashes: [String], organizations: [String] = [], user: String? = nil
        ) {
            var bytes: [[UInt8]] = []
            for hash in hashes {
                guard let hash = TokenText.hash(hash) else { return nil }
                bytes.append(hash)
            }
            self.name = name
            self.role = role
            self.hashes = bytes
            self.organizations = organizations
            self.user = user
            isPerson = false
            knownAs = []
        }

        /// Somebody whom others vouch for.
        package init(
            person name: String, _ role: Role, organizations: [String] = [], user: String?, knownAs: [String] = []
        ) {
            self.name = name
            self.role = role
            self.organizations = organizations
            self.user = user
            hashes = []
            isPerson = true
            self.knownAs = knownAs
        }
    }

    /// - Parameter isOpen: the configuration says in so many words that nobody needs a token.
    package init(_ entries: [Entry] = [], isOpen: Bool = false) {
        self.entries = entries
        saysOpen = isOpen
    }

    /// Nobody on this machine needs a token.
    package var isOpen: Bool { isEmpty && saysOpen }

    /// Nobody is let in but through the local socket: no section says who may, and nothing says that all may.
    package var isClosed: Bool { isEmpty && !saysOpen }

    /// There is no `[access]` section.
    package var isEmpty: Bool { entries.isEmpty && coders.isEmpty && proxies.isEmpty && issuers.isEmpty }

    /// To know who somebody is may take a while.
    var asksOthers: Bool { !coders.isEmpty || !issuers.isEmpty }

    /// There are tokens of connlog's own.
    var takesTokens: Bool { !entries.isEmpty }

    /// Whether one of somebody's names is shut out.
    /// - Parameter user: who that is in Coder, as far as it is known.
    func shutsOut(_ entry: Entry, _ user: UserName?) -> Bool {
        if revoked.isEmpty { return false }
        let names = [entry.name, entry.user, user?.id, user?.username, user?.email].compactMap { $0 } + entry.knownAs
        return VouchedName.isListed(names, in: revoked)
    }

    /// Whose token has this SHA-256. How long that takes tells nothing about the tokens there are.
    func holder(ofHash presented: [UInt8]) -> Entry? {
        var found: Entry?
        for entry in entries {
            for hash in entry.hashes where AccessList.areEqual(hash, presented) { found = entry }
        }
        return found
    }

    /// In a time that does not tell where they differ.
    static func areEqual(_ one: [UInt8], _ other: [UInt8]) -> Bool {
        guard one.count == other.count else { return false }
        return zip(one, other).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }
}

/// Tokens, and how they stand in a configuration.
package enum TokenText {
    /// A token made of 32 random bytes, and the 64 hex digits of its SHA-256 for `token_sha256`.
    package static func make() -> (token: String, hash: String) {
        let token = "connlog_" + random()
        return (token, Hex.text(hash(of: token)))
    }

    /// 32 random bytes in hex digits.
    static func random() -> String {
        var random = SystemRandomNumberGenerator()
        return Hex.text((0..<32).map { _ in UInt8.random(in: .min ... .max, using: &random) })
    }

    static func hash(of token: String) -> [UInt8] { Array(SHA256.hash(data: Array(token.utf8))) }

    /// 32 bytes from 64 hex digits.
    static func hash(_ text: String) -> [UInt8]? {
        Hex.bytes(text).flatMap { $0.count == 32 ? $0 : nil }
    }
}
#endif
