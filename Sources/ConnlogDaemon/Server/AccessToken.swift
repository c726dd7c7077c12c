#if Server
import ConnlogAPI

/// Tokens for `[access]`.
public enum AccessToken {
    public static let roles = Role.allCases.map(\.rawValue)

    /// A new one, and the 64 hex digits of its SHA-256.
    public static func make() -> (token: String, hash: String) { TokenText.make() }
}
#endif
