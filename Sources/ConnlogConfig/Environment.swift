private import ConnlogSystem

/// Where `${env:NAME}` and `$CREDENTIALS_DIRECTORY` come from.
public struct Environment: Sendable {
    private let lookUp: @Sendable (String) -> String?
    /// Whether files that hold values are read. Otherwise something stands in for what they hold.
    public var readsFiles = true

    /// Looks enough like a token, a key and a SHA-256 in hex digits to be one for whoever checks the rest.
    static let standIn = String(repeating: "0", count: 64)

    /// What the process was started with.
    public static let process = Environment { ProcessEnvironment.value($0) }

    public init(_ lookUp: @escaping @Sendable (String) -> String?) { self.lookUp = lookUp }

    /// These variables and no others.
    public init(_ variables: [String: String]) { lookUp = { variables[$0] } }

    func value(_ name: String) -> String? { lookUp(name) }
}
