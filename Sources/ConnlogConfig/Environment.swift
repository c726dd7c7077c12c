private import ConnlogSystem

/// Where `${env:NAME}` and `$CREDENTIALS_DIRECTORY` come from.
public struct Environment: Sendable {
    private let lookUp: @Sendable (String) -> String?
    /// Whether credentials are read. Otherwise something stands in for those that keys of secrets name, and other keys
    /// that name one are told.
    public var readsCredentials = true

    /// Looks enough like a token to be one for whoever checks the rest.
    static let standIn = String(repeating: "0", count: 64)

    /// What the process was started with.
    public static let process = Environment { ProcessEnvironment.value($0) }

    /// - Parameter lookUp: gives the value of a variable; `nil` for one that is not set.
    public init(_ lookUp: @escaping @Sendable (String) -> String?) { self.lookUp = lookUp }

    /// These variables and no others.
    public init(_ variables: [String: String]) { lookUp = { variables[$0] } }

    func value(_ name: String) -> String? { lookUp(name) }
}
