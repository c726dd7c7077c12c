#if Server
import ConnlogAPI

/// Tokens for `[access]`.
package enum AccessToken {
    package static let roles = Role.allCases.map(\.rawValue)

    /// A new one, and the 64 hex digits of its SHA-256.
    package static func make() -> (token: String, hash: String) { TokenText.make() }
}
#endif
